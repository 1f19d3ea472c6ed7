import { readdirSync, readFileSync, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { TspodError } from '../base/errors.js'
import { lookedAt } from '../base/looks.js'

type Environment = Readonly<Record<string, string | undefined>>

/** The members of containers.conf(5) that tspod honours, as they are spelt there; every one is optional. */
export interface ContainersConf {
  readonly containers: ContainersTable
  readonly engine: EngineTable
  readonly network: NetworkTable
}

export interface ContainersTable {
  readonly annotations?: readonly string[]
  readonly apparmor_profile?: string
  readonly cgroupns?: string
  readonly cgroups?: string
  readonly cgroup_conf?: readonly string[]
  readonly default_capabilities?: readonly string[]
  readonly default_sysctls?: readonly string[]
  readonly default_ulimits?: readonly string[]
  readonly devices?: readonly string[]
  readonly dns_options?: readonly string[]
  readonly dns_searches?: readonly string[]
  readonly dns_servers?: readonly string[]
  readonly env?: readonly string[]
  readonly env_host?: boolean
  readonly http_proxy?: boolean
  readonly init?: boolean
  readonly init_path?: string
  readonly ipcns?: string
  readonly log_driver?: string
  readonly log_size_max?: number
  readonly log_tag?: string
  readonly mounts?: readonly string[]
  readonly netns?: string
  readonly no_hosts?: boolean
  readonly oom_score_adj?: number
  readonly pidns?: string
  readonly pids_limit?: number
  readonly read_only?: boolean
  readonly seccomp_profile?: string
  readonly shm_size?: string
  readonly tz?: string
  readonly umask?: string
  readonly userns?: string
  readonly utsns?: string
  readonly volumes?: readonly string[]
}

export interface EngineTable {
  readonly cdi_spec_dirs?: readonly string[]
  readonly cgroup_manager?: string
  readonly detach_keys?: string
  readonly helper_binaries_dir?: readonly string[]
  readonly hooks_dir?: readonly string[]
  readonly image_parallel_copies?: number
  readonly network_cmd_options?: readonly string[]
  readonly network_cmd_path?: string
  readonly pull_policy?: string
  readonly retry?: number
  readonly retry_delay?: string
  readonly runtime?: string
  readonly runtimes?: Readonly<Record<string, readonly string[]>>
  readonly stop_timeout?: number
}

export interface NetworkTable {
  readonly default_rootless_network_cmd?: string
  readonly default_network?: string
  readonly default_subnet?: string
  readonly dns_bind_port?: number
  readonly pasta_options?: readonly string[]
}

/** Where a value that can be made again is kept: a file of the engine's. */
export interface ConfCache {
  /** Undefined if there is none, or none that can be read. */
  read(): unknown
  write(value: object): void
}

/**
 * Reads containers.conf where Podman has it, each file's members over those before it. What came out is kept in
 * `cache` with every file's identity and time, so that the TOML reader is loaded once per change.
 */
export async function readContainersConf(
  env: Environment,
  cache: ConfCache,
  modules: readonly string[] = [],
): Promise<ContainersConf> {
  const files = candidates(env, modules).flatMap((path) => identify(path))
  if (files.length === 0) return { containers: {}, engine: {}, network: {} }
  const key = files.map((file) => file.identity).join('\n')
  const cached = cache.read()
  if (isTable(cached) && cached['key'] === key && isTable(cached['conf'])) return shape(cached['conf'])
  const conf = await parseAll(files.map((file) => file.path))
  cache.write({ key, conf })
  return conf
}

interface ConfFile {
  readonly path: string
  readonly identity: string
}

function candidates(env: Environment, modules: readonly string[]): string[] {
  const override = env['CONTAINERS_CONF_OVERRIDE']
  const own = modules.map((name) => modulePath(env, name))
  const last = [...own, ...(override === undefined || override === '' ? [] : [override])]
  const only = env['CONTAINERS_CONF']
  if (only !== undefined && only !== '') return [only, ...last]
  return [
    ...places(env).flatMap((place) => [join(place, 'containers.conf'), ...dropIns(join(place, 'containers.conf.d'))]),
    ...last,
  ]
}

/** The user's last: it has the last word. */
function places(env: Environment): string[] {
  const home = env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? '/', '.config')
  return ['/usr/share/containers', '/etc/containers', join(home, 'containers')]
}

/** A path, or a name in one of the places' `containers.conf.modules`, the user's first. */
function modulePath(env: Environment, name: string): string {
  const folders = places(env).map((place) => join(place, 'containers.conf.modules'))
  const tried = isAbsolute(name) ? [name] : folders.reverse().map((folder) => join(folder, name))
  const found = tried.find((path) => {
    lookedAt('file', path)
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true
  })
  if (found !== undefined) return found
  throw new TspodError('invalid-argument', `module "${name}" of containers.conf not found: ${tried.join(', ')}`)
}

function dropIns(folder: string): string[] {
  lookedAt('file', folder)
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.conf'))
    return names.sort().map((name) => join(folder, name))
  } catch {
    /* Most people have no such folder, and one that can't be read says nothing. */
    return []
  }
}

function identify(path: string): ConfFile[] {
  lookedAt('file', path)
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat?.isFile()) return []
  return [{ path, identity: `${path} ${stat.dev}:${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}` }]
}

async function parseAll(paths: readonly string[]): Promise<ContainersConf> {
  const { parseToml } = await import('./toml.js')
  let merged: Table = {}
  for (const path of paths) {
    merged = mergeTables(merged, parseToml(readConf(path), path))
  }
  return shape(checked(merged))
}

function readConf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new TspodError('config-invalid', `reading ${path}`, { cause: error })
  }
}

type Table = Readonly<Record<string, unknown>>

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Later members win; a list that ends in `{ append = true }` is added to the one before. */
export function mergeTables(base: Table, over: Table): Table {
  const result: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const before = result[key]
    if (Array.isArray(value)) result[key] = mergeLists(before, value)
    else result[key] = isTable(before) && isTable(value) ? mergeTables(before, value) : value
  }
  return result
}

function mergeLists(before: unknown, list: readonly unknown[]): unknown[] {
  const attributes = list.filter(isTable)
  const items = list.filter((item) => !isTable(item))
  const appends = attributes.some((table) => table['append'] === true)
  return appends && Array.isArray(before) ? [...(before as unknown[]), ...items] : items
}

const kinds = {
  containers: {
    annotations: 'list',
    apparmor_profile: 'string',
    cgroupns: 'string',
    cgroups: 'string',
    cgroup_conf: 'list',
    default_capabilities: 'list',
    default_sysctls: 'list',
    default_ulimits: 'list',
    devices: 'list',
    dns_options: 'list',
    dns_searches: 'list',
    dns_servers: 'list',
    env: 'list',
    env_host: 'boolean',
    http_proxy: 'boolean',
    init: 'boolean',
    init_path: 'string',
    ipcns: 'string',
    log_driver: 'string',
    log_size_max: 'number',
    log_tag: 'string',
    mounts: 'list',
    netns: 'string',
    no_hosts: 'boolean',
    oom_score_adj: 'number',
    pidns: 'string',
    pids_limit: 'number',
    read_only: 'boolean',
    seccomp_profile: 'string',
    shm_size: 'string',
    tz: 'string',
    umask: 'string',
    userns: 'string',
    utsns: 'string',
    volumes: 'list',
  },
  engine: {
    cdi_spec_dirs: 'list',
    cgroup_manager: 'string',
    detach_keys: 'string',
    helper_binaries_dir: 'list',
    hooks_dir: 'list',
    image_parallel_copies: 'number',
    network_cmd_options: 'list',
    network_cmd_path: 'string',
    pull_policy: 'string',
    retry: 'number',
    retry_delay: 'string',
    runtime: 'string',
    runtimes: 'lists',
    stop_timeout: 'number',
  },
  network: {
    default_rootless_network_cmd: 'string',
    default_network: 'string',
    default_subnet: 'string',
    dns_bind_port: 'number',
    pasta_options: 'list',
  },
} as const satisfies Record<keyof ContainersConf, Readonly<Record<string, Kind>>>

type Kind = 'string' | 'number' | 'boolean' | 'list' | 'lists'

const tests: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  list: isListOfStrings,
  lists: (value) => isTable(value) && Object.values(value).every(isListOfStrings),
}

function isListOfStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/** Members that tspod does not honour are left out; those of the wrong type are refused by name. */
function checked(merged: Table): Table {
  const result: Record<string, Table> = {}
  for (const [section, members] of Object.entries(kinds)) {
    const table = merged[section]
    const kept: Record<string, unknown> = {}
    for (const [key, kind] of Object.entries(members)) {
      const value = isTable(table) ? table[key] : undefined
      if (value === undefined) continue
      if (!tests[kind](value))
        throw new TspodError('config-invalid', `containers.conf: ${section}.${key} is not a ${kind}`)
      kept[key] = value
    }
    result[section] = kept
  }
  return result
}

/** The checked members under their types: `checked` has looked at each. */
function shape(table: Table): ContainersConf {
  const section = (name: string): Table => (isTable(table[name]) ? table[name] : {})
  return { containers: section('containers'), engine: section('engine'), network: section('network') }
}
