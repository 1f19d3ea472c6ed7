import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../base/errors.js'
import { lookedAt } from '../base/looks.js'
import { parseToml } from './toml.js'

/** registries.conf, version 2 (containers-registries.conf(5)), with its drop-ins. Version 1's three lists are read too. */
export interface RegistriesConfig {
  /** Where a short name is looked for, in order. undefined: there is no registries.conf at all. */
  readonly searchRegistries: readonly string[] | undefined
  readonly shortNameMode: ShortNameMode
  /** Short name without tag ─► whole name. */
  readonly aliases: Readonly<Record<string, string>>
  /** The file that has each of them, for messages. */
  readonly aliasFiles: Readonly<Record<string, string>>
  readonly registries: readonly RegistryEntry[]
  readonly credentialHelpers: readonly string[]
  /** The main file, for messages. */
  readonly path: string
}

export type ShortNameMode = 'enforcing' | 'permissive' | 'disabled'

export interface RegistryEntry {
  /** `host[:port][/path]`, or `*.domain`. */
  readonly prefix: string
  /** What replaces the prefix; undefined with a wildcard that keeps the name. */
  readonly location: string | undefined
  readonly insecure: boolean
  readonly blocked: boolean
  readonly mirrors: readonly Mirror[]
}

export interface Mirror {
  readonly location: string
  readonly insecure: boolean
  readonly pullFrom: 'all' | 'digest-only' | 'tag-only'
}

type Env = Readonly<Record<string, string | undefined>>
type Table = Readonly<Record<string, unknown>>

const systemFile = '/etc/containers/registries.conf'
const maximumSize = 4 * 1024 * 1024

/** Reads the user's or else the system's registries.conf, the drop-ins in order of their names, and saved aliases. */
export function readRegistriesConfig(env: Env): RegistriesConfig {
  const user = userFolder(env)
  const { path, dropIns } = chooseFiles(env, user)
  let config: RegistriesConfig = {
    searchRegistries: undefined,
    shortNameMode: 'permissive',
    aliases: {},
    aliasFiles: {},
    registries: [],
    credentialHelpers: ['containers-auth.json'],
    path,
  }
  for (const file of [path, ...dropIns]) {
    const text = readBounded(file)
    if (text === undefined && file === chosenFile(env)) throw new TspodError('config-invalid', `${file} is not there`)
    if (text !== undefined)
      config = merge({ ...config, searchRegistries: config.searchRegistries ?? [] }, parse(text, file), file)
  }
  const savedPath = savedAliasesPath(env)
  const saved = readBounded(savedPath)
  return saved === undefined
    ? config
    : { ...config, ...withAliases(config, aliasesOf(parseToml(saved, savedPath)), savedPath) }
}

/** Where answers to a short-name question are kept, as Podman does. */
export function savedAliasesPath(env: Env): string {
  return join(env['XDG_CACHE_HOME'] ?? join(env['HOME'] ?? '/', '.cache'), 'containers', 'short-name-aliases.conf')
}

/** The entry whose prefix matches `host/path` (or `host/path:tag`) longest. */
export function matchRegistry(config: RegistriesConfig, name: string): RegistryEntry | undefined {
  let best: RegistryEntry | undefined
  for (const entry of config.registries) {
    if (matchedLength(entry.prefix, name) === 0) continue
    if (best === undefined || entry.prefix.length > best.prefix.length) best = entry
  }
  return best
}

/** How much of `name` a prefix covers: whole path components, or a host below `*.domain`. 0 is none. */
export function matchedLength(prefix: string, name: string): number {
  if (prefix.startsWith('*.')) {
    const host = name.split('/', 1)[0] ?? ''
    const bare = host.replace(/:\d+$/, '')
    return bare.endsWith(prefix.slice(1)) ? host.length : 0
  }
  if (!name.startsWith(prefix)) return 0
  const next = name[prefix.length]
  return next === undefined || next === '/' || next === ':' || next === '@' ? prefix.length : 0
}

/** The file that the environment names in place of all others. */
function chosenFile(env: Env): string | undefined {
  const chosen = env['CONTAINERS_REGISTRIES_CONF'] ?? env['REGISTRIES_CONFIG_PATH']
  return chosen === '' ? undefined : chosen
}

function chooseFiles(env: Env, user: string): { path: string; dropIns: readonly string[] } {
  const chosen = chosenFile(env)
  const userFile = join(user, 'registries.conf')
  if (chosen !== undefined) {
    return { path: chosen, dropIns: [...listDropIns(`${systemFile}.d`), ...listDropIns(`${userFile}.d`)] }
  }
  if (isFile(userFile)) return { path: userFile, dropIns: listDropIns(`${userFile}.d`) }
  return { path: systemFile, dropIns: [...listDropIns(`${systemFile}.d`), ...listDropIns(`${userFile}.d`)] }
}

function userFolder(env: Env): string {
  return join(env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? '/', '.config'), 'containers')
}

function listDropIns(folder: string): readonly string[] {
  lookedAt('file', folder)
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.conf'))
      .sort()
      .map((name) => join(folder, name))
  } catch {
    return [] /* No folder, no drop-ins. */
  }
}

interface Parsed extends Partial<Omit<RegistriesConfig, 'path' | 'aliasFiles'>> {
  readonly isVersion1: boolean
}

function parse(text: string, path: string): Parsed {
  const root = parseToml(text, path)
  const version1 = isTable(root['registries']) ? root['registries'] : undefined
  if (version1 !== undefined) {
    if ('registry' in root || 'unqualified-search-registries' in root) {
      throw new TspodError('config-invalid', `${path} mixes versions 1 and 2 of registries.conf`)
    }
    return parseVersion1(version1, path)
  }
  const search = root['unqualified-search-registries']
  const mode = root['short-name-mode']
  const helpers = root['credential-helpers']
  const registries = root['registry']
  if (registries !== undefined && !Array.isArray(registries))
    throw wrong(path, 'registry', 'a list of [[registry]] tables')
  return {
    isVersion1: false,
    ...(search === undefined ? {} : { searchRegistries: texts(search, path, 'unqualified-search-registries') }),
    ...(mode === undefined || mode === '' ? {} : { shortNameMode: modeOf(mode, path) }),
    ...(helpers === undefined ? {} : { credentialHelpers: texts(helpers, path, 'credential-helpers') }),
    aliases: aliasesOf(root),
    registries: (registries ?? []).map((one: unknown) => parseRegistry(one, path)),
  }
}

function parseVersion1(table: Table, path: string): Parsed {
  const list = (key: string): readonly string[] => {
    const section = table[key]
    return isTable(section) && section['registries'] !== undefined
      ? texts(section['registries'], path, `${key}.registries`)
      : []
  }
  const insecure = list('insecure')
  const blocked = list('block')
  const entry = (location: string): RegistryEntry => ({
    prefix: location,
    location,
    insecure: insecure.includes(location),
    blocked: blocked.includes(location),
    mirrors: [],
  })
  return {
    isVersion1: true,
    searchRegistries: list('search'),
    registries: [...new Set([...insecure, ...blocked])].map(entry),
  }
}

function parseRegistry(value: unknown, path: string): RegistryEntry {
  if (!isTable(value)) throw wrong(path, 'registry', 'a table')
  const location = text(value, 'location', path)
  const prefix = text(value, 'prefix', path) ?? location
  if (prefix === undefined)
    throw new TspodError('config-invalid', `${path}: a [[registry]] needs a prefix or a location`)
  if (location === undefined && !prefix.startsWith('*.')) {
    throw new TspodError('config-invalid', `${path}: [[registry]] ${prefix} needs a location`)
  }
  if (prefix.includes('*') && !/^\*\.[^*]+$/.test(prefix)) {
    throw new TspodError(
      'config-invalid',
      `${path}: the prefix ${prefix} has its wildcard somewhere else than in front`,
    )
  }
  const digestOnly = value['mirror-by-digest-only'] === true
  const mirrors = value['mirror'] ?? []
  if (!Array.isArray(mirrors)) throw wrong(path, 'mirror', 'a list of [[registry.mirror]] tables')
  return {
    prefix: stripScheme(prefix, path),
    location: location === undefined ? undefined : stripScheme(location, path),
    insecure: value['insecure'] === true,
    blocked: value['blocked'] === true,
    mirrors: mirrors.map((one: unknown) => parseMirror(one, path, digestOnly)),
  }
}

function parseMirror(value: unknown, path: string, digestOnly: boolean): Mirror {
  if (!isTable(value)) throw wrong(path, 'mirror', 'a table')
  const location = text(value, 'location', path)
  if (location === undefined) throw new TspodError('config-invalid', `${path}: a [[registry.mirror]] needs a location`)
  const from = text(value, 'pull-from-mirror', path) ?? (digestOnly ? 'digest-only' : 'all')
  if (from !== 'all' && from !== 'digest-only' && from !== 'tag-only') {
    throw wrong(path, 'pull-from-mirror', 'all, digest-only or tag-only')
  }
  return { location: stripScheme(location, path), insecure: value['insecure'] === true, pullFrom: from }
}

/** Later files win: lists and modes replace, aliases and registries of one prefix are replaced one by one. */
function merge(config: RegistriesConfig, parsed: Parsed, file: string): RegistriesConfig {
  const { isVersion1, ...own } = parsed
  if (isVersion1) return { ...config, ...own, aliases: config.aliases }
  const added = parsed.registries ?? []
  const kept = config.registries.filter((one) => !added.some((other) => other.prefix === one.prefix))
  return {
    ...config,
    ...own,
    ...withAliases(config, parsed.aliases ?? {}, file),
    registries: [...kept, ...added],
  }
}

function withAliases(
  { aliases, aliasFiles }: RegistriesConfig,
  added: Readonly<Record<string, string>>,
  file: string,
): Pick<RegistriesConfig, 'aliases' | 'aliasFiles'> {
  const files = Object.fromEntries(Object.keys(added).map((name) => [name, file]))
  return { aliases: { ...aliases, ...added }, aliasFiles: { ...aliasFiles, ...files } }
}

function aliasesOf(root: Table): Readonly<Record<string, string>> {
  const table = root['aliases']
  if (!isTable(table)) return {}
  return Object.fromEntries(
    Object.entries(table).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== ''),
  )
}

function stripScheme(location: string, path: string): string {
  if (/^https?:\/\//.test(location))
    throw new TspodError('config-invalid', `${path}: the location ${location} must not have a scheme`)
  return location.replace(/\/+$/, '')
}

function modeOf(value: unknown, path: string): ShortNameMode {
  if (value === 'enforcing' || value === 'permissive' || value === 'disabled') return value
  throw wrong(path, 'short-name-mode', 'enforcing, permissive or disabled')
}

function texts(value: unknown, path: string, key: string): readonly string[] {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value
  throw wrong(path, key, 'a list of texts')
}

function text(table: Table, key: string, path: string): string | undefined {
  const value = table[key]
  if (value === undefined || value === '') return undefined
  if (typeof value !== 'string') throw wrong(path, key, 'a text')
  return value
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(path: string, key: string, expected: string): TspodError {
  return new TspodError('config-invalid', `${path}: ${key} must be ${expected}`)
}

function isFile(path: string): boolean {
  lookedAt('file', path)
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function readBounded(path: string): string | undefined {
  lookedAt('file', path)
  const stat = statSync(path, { throwIfNoEntry: false })
  /* /dev/null, which people name for an empty one. */
  if (stat?.isCharacterDevice() === true) return ''
  if (stat?.isFile() !== true) return undefined
  if (stat.size > maximumSize) throw new TspodError('limit-exceeded', `${path} is too large`)
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new TspodError('config-invalid', `${path} cannot be read`, { cause: error })
  }
}
