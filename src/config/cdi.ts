import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../base/errors.js'
import type { RuntimeConfig } from '../oci/runtime-spec.js'
import type { ContainersConf } from './containers-conf.js'
import { parseYaml } from './yaml.js'

type Hooks = NonNullable<RuntimeConfig['hooks']>

/** What devices of the Container Device Interface do to a container (cncf-tags/container-device-interface, SPEC.md). */
export interface CdiEdits {
  readonly env: Readonly<Record<string, string>>
  readonly devices: readonly { readonly source: string; readonly target: string; readonly access: string }[]
  readonly mounts: readonly { readonly source: string; readonly target: string; readonly options: readonly string[] }[]
  readonly groups: readonly string[]
  readonly hooks: Hooks
}

const name = /^[A-Za-z](?:[\w.-]*[A-Za-z0-9])?\/[A-Za-z](?:[\w.-]*[A-Za-z0-9])?=[A-Za-z0-9](?:[\w.:-]*[A-Za-z0-9])?$/

/** `vendor.com/class=name` */
export function isCdiName(text: string): boolean {
  return name.test(text)
}

/** Where specifications are; of two that say the same device the one in a later folder counts. */
export function cdiFolders({ engine }: Pick<ContainersConf, 'engine'>): readonly string[] {
  return engine.cdi_spec_dirs ?? ['/etc/cdi', '/var/run/cdi']
}

/** What these devices do, each vendor's and class's own edits once before its devices'. Throws for a name that nothing has. */
export function cdiEdits(names: readonly string[], folders: readonly string[]): CdiEdits {
  const { devices: known, faults } = readDevices(folders)
  const missing = names.filter((one) => !known.has(one))
  if (missing.length > 0) {
    const cause = `unresolvable CDI devices ${missing.join(', ')}: no specification in ${folders.join(' or ')} has them`
    const [fault] = faults
    throw new TspodError(
      'invalid-argument',
      `setting up CDI devices: ${cause}${fault === undefined ? '' : ` (${fault.message})`}`,
    )
  }
  const edits = new Set<Json>()
  for (const one of names) {
    const device = known.get(one)
    if (device === undefined) continue
    edits.add(device.shared)
    edits.add(device.own)
  }
  return merged([...edits])
}

type Json = Readonly<Record<string, unknown>>

interface CdiDevice {
  /** The containerEdits of the whole specification, and the device's. */
  readonly shared: Json
  readonly own: Json
}

/** A specification that cannot be read hides no others; it is named to who misses a device. */
function readDevices(folders: readonly string[]): {
  readonly devices: ReadonlyMap<string, CdiDevice>
  readonly faults: readonly Error[]
} {
  const devices = new Map<string, CdiDevice>()
  const faults: Error[] = []
  for (const folder of folders)
    for (const file of specificationsIn(folder)) {
      const spec = readSpecification(join(folder, file))
      if (spec instanceof Error) {
        faults.push(spec)
        continue
      }
      const shared = objectOf(spec['containerEdits'])
      for (const device of listOf(spec['devices'])) {
        const { name: own, containerEdits } = objectOf(device)
        devices.set(`${textOf(spec['kind'])}=${textOf(own)}`, { shared, own: objectOf(containerEdits) })
      }
    }
  return { devices, faults }
}

function specificationsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => /\.(?:json|ya?ml)$/.test(file))
      .sort()
  } catch {
    /* A folder that is not there has none. */
    return []
  }
}

/** Far more than the devices of one machine need. */
const maximumSize = 4 * 1024 * 1024

function readSpecification(path: string): Json | Error {
  try {
    if (statSync(path).size > maximumSize) return new Error(`${path} is too large`)
    return objectOf(parseYaml(readFileSync(path, 'utf8'), path))
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function merged(all: readonly Json[]): CdiEdits {
  const every = (member: string): unknown[] => all.flatMap((edits) => listOf(edits[member]))
  const hooks: Partial<Record<keyof Hooks, NonNullable<Hooks[keyof Hooks]>>> = {}
  for (const hook of every('hooks').map(objectOf)) {
    const stage = textOf(hook['hookName']) as keyof Hooks
    const { timeout } = hook
    const args = listOf(hook['args']).map(textOf)
    const env = listOf(hook['env']).map(textOf)
    hooks[stage] = [
      ...(hooks[stage] ?? []),
      {
        path: textOf(hook['path']),
        ...(args.length === 0 ? {} : { args }),
        ...(env.length === 0 ? {} : { env }),
        ...(typeof timeout === 'number' ? { timeout } : {}),
      },
    ]
  }
  return {
    env: Object.fromEntries(
      every('env').map((entry) => {
        const text = textOf(entry)
        const equals = text.indexOf('=')
        return equals === -1 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)]
      }),
    ),
    devices: every('deviceNodes')
      .map(objectOf)
      .map((node) => ({
        source: textOf(node['hostPath'] ?? node['path']),
        target: textOf(node['path']),
        access: node['permissions'] === undefined ? 'rwm' : textOf(node['permissions']),
      })),
    mounts: every('mounts')
      .map(objectOf)
      .map((mount) => ({
        source: textOf(mount['hostPath']),
        target: textOf(mount['containerPath']),
        options: listOf(mount['options']).map(textOf),
      })),
    groups: every('additionalGids').map((gid) => String(gid)),
    hooks,
  }
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
