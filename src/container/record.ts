import { TspodError } from '../base/errors.js'
import { isId } from '../base/id.js'
import { parseJson } from '../state/file.js'
import type { CompleteSpec } from './complete-spec.js'

/** `config.json` of a container: what was asked for. Written once, never changed. */
export interface ContainerRecord {
  readonly version: 1
  readonly id: string
  readonly name: string
  /** RFC 3339 */
  readonly created: string
  readonly spec: CompleteSpec
  /** Volumes that were made for this container and that nobody named: `rm -v` and `--rm` take them along. */
  readonly anonymousVolumes: readonly string[]
  readonly storageDriver: 'overlay' | 'fuse-overlayfs' | 'copy'
  /** Made by `run --rm`: without a process it is litter. */
  readonly ephemeral: boolean
}

/** What lists and filters look at. */
const listed = [
  'image',
  'rootfs',
  'entrypoint',
  'command',
  'labels',
  'publish',
  'expose',
  'mounts',
  'network',
  'namespaces',
  'remove',
  'restart',
  'healthcheck',
] as const satisfies readonly (keyof CompleteSpec)[]

const listedNames: ReadonlySet<string> = new Set(listed)

/** A record as far as lists and filters look at it. */
export interface ListedRecord extends Pick<ContainerRecord, 'id' | 'name' | 'created'> {
  readonly spec: Pick<CompleteSpec, (typeof listed)[number]>
}

/** The text of `config.json`. Its first line has all of a `ListedRecord`: a list of many reads no more. */
export function recordText({ spec, ...record }: ContainerRecord): string {
  const first: Record<string, unknown> = {}
  const rest: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(spec)) (listedNames.has(key) ? first : rest)[key] = value
  return `${JSON.stringify({ ...record, spec: first }).slice(0, -2)},\n${JSON.stringify(rest).slice(1)}}`
}

/** What the first line of a `config.json` says: it breaks off within `spec`. */
export function parseListedRecord(text: string, path: string): ListedRecord {
  const end = text.indexOf('\n')
  const line = end < 0 ? text : text.slice(0, end)
  return parseRecord(parseJson(line.endsWith(',') ? `${line.slice(0, -1)}}}` : line, path), path)
}

/** Looks at what a reader depends on; the rest was written by us in one piece. */
export function parseRecord(value: unknown, path: string): ContainerRecord {
  if (isRecord(value) && value['version'] === 1 && isId(String(value['id'])) && typeof value['name'] === 'string') {
    const spec = value['spec']
    if (isRecord(spec) && isRecord(spec['image']) && Array.isArray(spec['command']))
      return value as unknown as ContainerRecord
  }
  throw new TspodError('store-corrupt', `${path} is not a container's record`)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
