import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../base/errors.js'
import { scopesOf } from './policy-json.js'
import { parseYamlMappings, type YamlMapping } from './yaml-mappings.js'

/** Where the signatures of one image are (containers-registries.d(5)). */
export interface SignaturePlace {
  /** `https://…`, `http://…` or `file:///…`, without the repository. */
  readonly lookaside: string
  /** Where new ones are written. */
  readonly staging: string
  readonly sigstoreAttachments: boolean
}

type Env = Readonly<Record<string, string | undefined>>
type Namespaces = Readonly<Record<string, YamlMapping>>

const systemFolder = '/etc/containers/registries.d'
const maximumSize = 1024 * 1024

/** What registries.d says of an image on a registry: `host/path[:tag|@digest]`. */
export function signaturePlace(env: Env, name: string): SignaturePlace {
  const { fallback, namespaces } = readRegistriesD(env)
  const fitting = scopesOf(name).flatMap((scope) => {
    const found = Object.hasOwn(namespaces, scope) ? namespaces[scope] : undefined
    return found === undefined ? [] : [found]
  })
  const all = [...fitting, ...(fallback === undefined ? [] : [fallback])]
  const first = (...keys: readonly string[]): string | undefined => {
    for (const place of all) {
      for (const key of keys) {
        const value = place[key]
        if (typeof value === 'string' && value !== '') return value
      }
    }
    return undefined
  }
  const builtIn = builtInPlace(env)
  return {
    lookaside: first('lookaside', 'sigstore') ?? builtIn,
    staging: first('lookaside-staging', 'sigstore-staging', 'lookaside', 'sigstore') ?? builtIn,
    sigstoreAttachments: first('use-sigstore-attachments') === 'true',
  }
}

/** The lookaside that is written down for a registry or a part of one; undefined if there is none. */
export function configuredLookaside(env: Env, scope: string): string | undefined {
  const { fallback, namespaces } = readRegistriesD(env)
  const names = Object.hasOwn(namespaces, scope) ? [scope] : scopesOf(scope)
  const place = names.map((name) => namespaces[name]).find((one) => one !== undefined) ?? fallback
  const value = place?.['lookaside'] ?? place?.['sigstore']
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** containers/image's own: a folder of the user, or of root. */
function builtInPlace(env: Env): string {
  if (process.geteuid?.() === 0) return 'file:///var/lib/containers/sigstore'
  return `file://${env['HOME'] ?? ''}/.local/share/containers/sigstore`
}

function readRegistriesD(env: Env): { readonly fallback: YamlMapping | undefined; readonly namespaces: Namespaces } {
  const own = join(env['HOME'] ?? '/', '.config', 'containers', 'registries.d')
  const folder = statSync(own, { throwIfNoEntry: false })?.isDirectory() === true ? own : systemFolder
  let fallback: YamlMapping | undefined
  const namespaces: Record<string, YamlMapping> = {}
  for (const path of filesOf(folder)) {
    const root = parseYamlMappings(readBounded(path), path)
    const general = root['default-docker']
    if (typeof general === 'object') {
      if (fallback !== undefined) throw twice('default-docker', path)
      fallback = checked(general, path)
    }
    const docker = root['docker']
    if (typeof docker !== 'object') continue
    for (const [name, value] of Object.entries(docker)) {
      if (Object.hasOwn(namespaces, name)) throw twice(name, path)
      if (typeof value === 'object') namespaces[name] = checked(value, path)
    }
  }
  return { fallback, namespaces }
}

function filesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map((name) => join(folder, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new TspodError('config-invalid', `${folder} cannot be read`, { cause: error })
  }
}

function readBounded(path: string): string {
  try {
    if (statSync(path).size > maximumSize) throw new TspodError('limit-exceeded', `${path} is too large`)
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof TspodError) throw error
    throw new TspodError('config-invalid', `${path} cannot be read`, { cause: error })
  }
}

function checked(place: YamlMapping, path: string): YamlMapping {
  for (const [key, value] of Object.entries(place)) {
    if (key === 'use-sigstore-attachments' && value !== 'true' && value !== 'false')
      throw new TspodError('config-invalid', `${path}: use-sigstore-attachments is true or false`)
  }
  return place
}

function twice(name: string, path: string): TspodError {
  return new TspodError('config-invalid', `${name} is configured twice in registries.d: the second time in ${path}`)
}
