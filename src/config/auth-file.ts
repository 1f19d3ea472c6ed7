import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../base/errors.js'

/** What a file of logins says for one registry: the login, or the program that knows it. */
export type StoredLogin =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'token'; readonly identityToken: string; readonly username: string }
  | { readonly kind: 'helper'; readonly helper: string; readonly server: string }

type Env = Readonly<Record<string, string | undefined>>
type Table = Readonly<Record<string, unknown>>

const maximumSize = 4 * 1024 * 1024
const dockerHub = 'docker.io'
const dockerHubServer = 'https://index.docker.io/v1/'

/** Where logins are looked for, in order: Podman's places, then Docker's. With `--authfile` only there. */
export function authFilePaths(env: Env, authfile?: string): readonly string[] {
  const chosen = authfile ?? nonEmpty(env['REGISTRY_AUTH_FILE'])
  if (chosen !== undefined) return [chosen]
  const home = env['HOME'] ?? '/'
  const config = nonEmpty(env['XDG_CONFIG_HOME']) ?? join(home, '.config')
  const docker = nonEmpty(env['DOCKER_CONFIG']) ?? join(home, '.docker')
  return [
    ...(nonEmpty(env['XDG_RUNTIME_DIR']) === undefined ? [] : [loginPath(env)]),
    join(config, 'containers', 'auth.json'),
    join(docker, 'config.json'),
    join(home, '.dockercfg'),
  ]
}

/** Where `login` writes. */
export function loginPath(env: Env, authfile?: string): string {
  const chosen = authfile ?? nonEmpty(env['REGISTRY_AUTH_FILE'])
  if (chosen !== undefined) return chosen
  const runtime = nonEmpty(env['XDG_RUNTIME_DIR'])
  if (runtime !== undefined) return join(runtime, 'containers', 'auth.json')
  return join(nonEmpty(env['XDG_CONFIG_HOME']) ?? join(env['HOME'] ?? '/', '.config'), 'containers', 'auth.json')
}

/** The login for `host/path`, the longest matching key first: a whole repository, a namespace, the host. */
export function findLogin(paths: readonly string[], name: string): StoredLogin | undefined {
  for (const path of paths) {
    const file = readAuthFile(path)
    const found = file === undefined ? undefined : (loginIn(file, name) ?? storeOf(file, name))
    if (found !== undefined) return found
  }
  return undefined
}

/** The JSON of a file of logins; undefined if there is none. */
export function readAuthFile(path: string): Table | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat?.isFile() !== true) return undefined
  if (stat.size > maximumSize) throw new TspodError('limit-exceeded', `${path} is too large`)
  let value: unknown
  try {
    const text = readFileSync(path, 'utf8').trim()
    value = text === '' ? {} : JSON.parse(text)
  } catch (error) {
    throw new TspodError('config-invalid', `${path} is not valid JSON, or not readable`, { cause: error })
  }
  if (!isTable(value)) throw new TspodError('config-invalid', `${path} is not an object`)
  /* The old .dockercfg is the `auths` table alone. */
  return path.endsWith('.dockercfg') ? { auths: value } : value
}

/** The keys under which `host/ns/repo` may be found, most specific first. */
export function loginKeys(name: string): readonly string[] {
  const parts = name.split('/')
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('/'))
}

/** `https://index.docker.io/v1/` and its like become `docker.io`. */
export function normalizeServer(server: string): string {
  const host = server.replace(/^https?:\/\//, '').split('/', 1)[0] ?? ''
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? dockerHub : host
}

function loginIn(file: Table, name: string): StoredLogin | undefined {
  const helpers = isTable(file['credHelpers']) ? file['credHelpers'] : {}
  const auths = isTable(file['auths']) ? file['auths'] : {}
  const host = name.split('/', 1)[0] ?? ''
  for (const key of loginKeys(name)) {
    const helper = helpers[key]
    if (typeof helper === 'string' && helper !== '') return { kind: 'helper', helper, server: serverOf(key) }
    const own = parseLogin(auths[key])
    if (own !== undefined) return own
  }
  for (const [key, value] of Object.entries(auths)) {
    if (normalizeServer(key) !== host || (key.includes('/') && !/^https?:\/\//.test(key))) continue
    const legacy = parseLogin(value)
    if (legacy !== undefined) return legacy
  }
  return undefined
}

function storeOf(file: Table, name: string): StoredLogin | undefined {
  const store = file['credsStore']
  if (typeof store !== 'string' || store === '') return undefined
  return { kind: 'helper', helper: store, server: serverOf(name.split('/', 1)[0] ?? '') }
}

function serverOf(key: string): string {
  return key === dockerHub ? dockerHubServer : key
}

function parseLogin(value: unknown): StoredLogin | undefined {
  if (!isTable(value)) return undefined
  const decoded = typeof value['auth'] === 'string' ? Buffer.from(value['auth'], 'base64').toString('utf8') : ''
  const colon = decoded.indexOf(':')
  const username = colon === -1 ? '' : decoded.slice(0, colon)
  if (typeof value['identitytoken'] === 'string' && value['identitytoken'] !== '') {
    return { kind: 'token', identityToken: value['identitytoken'], username }
  }
  if (colon > 0) return { kind: 'password', username, password: decoded.slice(colon + 1).replace(/\0+$/, '') }
  if (typeof value['username'] === 'string' && typeof value['password'] === 'string') {
    return { kind: 'password', username: value['username'], password: value['password'] }
  }
  return undefined
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
