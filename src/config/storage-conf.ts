import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../base/errors.js'
import { parseToml } from './toml.js'

/** Where Podman keeps its images (containers-storage.conf(5)). */
export interface PodmanStorePlace {
  readonly graphroot: string
  /** undefined: whichever is there. */
  readonly driver: string | undefined
}

type Env = Readonly<Record<string, string | undefined>>
type Table = Readonly<Record<string, unknown>>

const maximumSize = 1024 * 1024
const systemFiles = ['/etc/containers/storage.conf', '/usr/share/containers/storage.conf']

/** The store of this user, as Podman finds it: the user's file says where, or the system's says so for users. */
export function podmanStorePlace(env: Env): PodmanStorePlace {
  const home = env['HOME'] ?? '/'
  const isRoot = process.geteuid?.() === 0
  const chosen = env['CONTAINERS_STORAGE_CONF']
  const own = join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'containers', 'storage.conf')
  const file = [chosen, ...(isRoot ? [] : [own])].find((path) => path !== undefined && path !== '' && existsSync(path))
  if (file !== undefined) {
    const storage = storageTable(file)
    return { graphroot: path(storage, 'graphroot', env) ?? usual(env, isRoot), driver: text(storage, 'driver') }
  }
  const system = systemFiles.find((one) => existsSync(one))
  const storage = system === undefined ? {} : storageTable(system)
  const graphroot = path(storage, isRoot ? 'graphroot' : 'rootless_storage_path', env)
  return { graphroot: graphroot ?? usual(env, isRoot), driver: text(storage, 'driver') }
}

function usual(env: Env, isRoot: boolean): string {
  if (isRoot) return '/var/lib/containers/storage'
  return join(env['XDG_DATA_HOME'] ?? join(env['HOME'] ?? '/', '.local', 'share'), 'containers', 'storage')
}

function storageTable(file: string): Table {
  if (statSync(file).size > maximumSize) throw new TspodError('limit-exceeded', `${file} is too large`)
  const storage = parseToml(readFileSync(file, 'utf8'), file)['storage']
  return typeof storage === 'object' && storage !== null ? (storage as Table) : {}
}

function text(table: Table, key: string): string | undefined {
  const value = table[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** `$HOME`, `$UID` and `$USER` stand for themselves in it. */
function path(table: Table, key: string, env: Env): string | undefined {
  const known: Env = { ...env, UID: String(process.getuid?.() ?? 0) }
  return text(table, key)?.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
    return known[braced ?? bare ?? ''] ?? whole
  })
}
