import { dirname } from 'node:path'
import { mkdirSync } from 'node:fs'
import { TspodError } from '../../base/errors.js'
import { helperFor, helpersOf, withLogin, withoutLogin } from '../../config/auth-edit.js'
import { authFilePaths, findLogin, loginPath, normalizeServer, readAuthFile } from '../../config/auth-file.js'
import { readRegistriesConfig } from '../../config/registries-conf.js'
import { checkLogin } from '../../image/registry/login.js'
import { removeFile, writeFileAtomic } from '../../state/file.js'
import { withLock } from '../../state/lock.js'
import type { Context } from '../context.js'
import { registryOptions } from '../images/access.js'
import type { LoginOptions, LogoutOptions, StoredUser } from './types.js'

const dockerHubServer = 'https://index.docker.io/v1/'

/** Asks the registry whether it takes a login and keeps it; answers the file or the program that has it now. */
export async function login(context: Context, server: string, options: LoginOptions): Promise<string> {
  const key = keyOf(server)
  const { username, password, compatAuthFile: _, authfile: __, ...access } = options
  const credentials = { kind: 'password', username, password } as const
  const registry = { ...registryOptions(context, access), credentials: () => Promise.resolve(credentials) }
  await checkLogin(hostOf(key), registry, access.signal)
  const { path, name } = fileOf(context, key, options)
  const program = helperFor(readAuthFile(path) ?? {}, name) ?? configuredHelper(context, options)
  if (program !== undefined) {
    const { storeInHelper } = await import('../../image/registry/credential-helper.js')
    await storeInHelper(program, name === 'docker.io' ? dockerHubServer : name, { username, password }, context.env)
    return `docker-credential-${program}`
  }
  await changeFile(path, (file) => withLogin(file, name, username, password))
  return path
}

/** Asks a registry whether the login that is kept for it still works; undefined if none is kept. */
export async function checkStoredLogin(
  context: Context,
  server: string,
  options: Omit<LoginOptions, 'username' | 'password'>,
): Promise<{ readonly username: string; readonly valid: boolean } | undefined> {
  const key = keyOf(server)
  if (options.authfile !== undefined && readAuthFile(options.authfile) === undefined) return undefined
  const access = registryOptions(context, options)
  const stored = await access.credentials(key)
  if (stored === undefined) return undefined
  const username = stored.kind === 'password' ? stored.username : ''
  try {
    await checkLogin(hostOf(key), { ...access, credentials: () => Promise.resolve(stored) }, options.signal)
    return { username, valid: true }
  } catch (error) {
    if (error instanceof TspodError && error.code === 'registry-denied') return { username, valid: false }
    throw error
  }
}

/** Who is logged in; undefined if nobody is. */
export async function storedUser(
  context: Context,
  server: string,
  options: LogoutOptions = {},
): Promise<StoredUser | undefined> {
  const { authfile = options.compatAuthFile } = options
  const { credentials } = registryOptions(context, authfile === undefined ? {} : { authfile })
  const stored = await credentials(keyOf(server))
  if (stored === undefined) return undefined
  return { username: stored.kind === 'password' ? stored.username : '<token>' }
}

/**
 * Forgets a login. `elsewhere`: it is in a file that another tool keeps, and stays there; `none`: there was none.
 */
export async function logout(
  context: Context,
  server: string,
  options: LogoutOptions = {},
): Promise<'removed' | 'elsewhere' | 'none'> {
  const key = keyOf(server)
  const { path, name } = fileOf(context, key, options)
  let removed = false
  const program = helperFor(readAuthFile(path) ?? {}, name) ?? configuredHelper(context, options)
  if (program !== undefined) {
    const { eraseFromHelper } = await import('../../image/registry/credential-helper.js')
    removed = await eraseFromHelper(program, name === 'docker.io' ? dockerHubServer : name, context.env)
  }
  await changeFile(path, (file) => {
    const without = withoutLogin(file, name)
    removed ||= without !== undefined
    return without
  })
  if (removed) return 'removed'
  return findLogin(authFilePaths(context.env, options.authfile), key) === undefined ? 'none' : 'elsewhere'
}

/** Forgets every login of the file and of the programs that it names. */
export async function logoutAll(context: Context, options: LogoutOptions = {}): Promise<void> {
  const path = options.compatAuthFile ?? loginPath(context.env, options.authfile)
  const file = readAuthFile(path)
  const { eraseFromHelper, serversOfHelper } = await import('../../image/registry/credential-helper.js')
  for (const program of helpersOf(file ?? {})) {
    for (const server of await serversOfHelper(program, context.env)) {
      await eraseFromHelper(program, server, context.env)
    }
  }
  await changeFile(path, (before) => ('auths' in before ? { ...before, auths: {} } : undefined))
}

/** Which registry is meant without a name: the first that registries.conf searches. */
export function defaultRegistry(context: Context): string {
  const { searchRegistries, path } = readRegistriesConfig(context.env)
  const [first] = searchRegistries ?? []
  if (first === undefined)
    throw new TspodError('usage', `please name a registry: ${path} has no unqualified-search-registries`)
  return first
}

/** `https://HOST/…` as people copy it from a browser is HOST. */
function keyOf(server: string): string {
  const key = /^https?:\/\//.test(server) ? normalizeServer(server) : server.replace(/\/+$/, '')
  if (!/^(?:[\w.-]+|\[[0-9a-fA-F:]+\])(?::\d+)?(?:\/[\w.\-/]+)?$/.test(key))
    throw new TspodError('invalid-reference', `${JSON.stringify(server)} is not the name of a registry`)
  return key === 'index.docker.io' || key === 'registry-1.docker.io' ? 'docker.io' : key
}

function hostOf(key: string): string {
  return key.split('/', 1)[0] ?? key
}

/** The file that is written, and the name that the login has in it. */
function fileOf(context: Context, key: string, options: LogoutOptions): { path: string; name: string } {
  if (options.compatAuthFile === undefined) return { path: loginPath(context.env, options.authfile), name: key }
  if (key.includes('/'))
    throw new TspodError('usage', `--compat-auth-file has logins for whole registries only, not for ${key}`)
  return { path: options.compatAuthFile, name: key === 'docker.io' ? dockerHubServer : key }
}

/** registries.conf may name programs that come before the file. */
function configuredHelper(context: Context, options: LogoutOptions): string | undefined {
  if (options.authfile !== undefined || options.compatAuthFile !== undefined) return undefined
  const [first] = readRegistriesConfig(context.env).credentialHelpers
  return first === undefined || first === 'containers-auth.json' ? undefined : first
}

type Table = Readonly<Record<string, unknown>>

/** Nobody else writes meanwhile, and a reader finds the old file or the new one. */
async function changeFile(path: string, change: (file: Table) => Table | undefined): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const lockPath = `${path}.lock`
  try {
    await withLock(lockPath, () => {
      const changed = change(readAuthFile(path) ?? {})
      if (changed !== undefined)
        writeFileAtomic(path, `${JSON.stringify(changed, undefined, '\t')}\n`, { mode: 0o600, sync: true })
    })
  } finally {
    removeFile(lockPath)
  }
}
