import { TspodError } from '../base/errors.js'
import { isId } from '../base/id.js'
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
