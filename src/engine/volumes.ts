import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../base/errors.js'
import { giveToContainersRoot } from '../../rootless/root-caller.js'
import { type Collection, collection } from '../state/collection.js'
import { hasErrno } from '../state/file.js'
import { withLock } from '../state/lock.js'
import type { Context } from './context.js'
import { removeTree } from './containers/trees.js'
import { emitVolumeEvent } from './events/write.js'

/** What is kept about a volume; its files are in `_data` beside it. */
export interface VolumeRecord {
  readonly name: string
  readonly driver: 'local'
  /** RFC 3339 */
  readonly created: string
  readonly labels: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string>>
  /** Nobody named it: it goes with its container. */
  readonly anonymous: boolean
  /** Whose it is from the beginning, in the containers' ids; absent: root's, and then the image's there. */
  readonly uid?: number
  readonly gid?: number
}

export interface VolumeRequest {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  readonly options?: Readonly<Record<string, string>>
  readonly anonymous?: boolean
  readonly uid?: number
  readonly gid?: number
}

export function volumesOf(context: Context): Collection<VolumeRecord> {
  return collection(context.paths.volumes, context.paths.tmp, parseVolume)
}

/** Makes a volume that is not there yet; the one that is there otherwise. */
export function ensureVolume(context: Context, request: VolumeRequest): VolumeRecord {
  const volumes = volumesOf(context)
  const known = volumes.get(request.name)
  if (known) return known
  const record: VolumeRecord = {
    name: request.name,
    driver: 'local',
    created: context.clock().toISOString(),
    labels: request.labels ?? {},
    options: request.options ?? {},
    anonymous: request.anonymous === true,
    ...(request.uid === undefined ? {} : { uid: request.uid }),
    ...(request.gid === undefined ? {} : { gid: request.gid }),
  }
  const made = volumes.create(request.name, record, makeData)
  if (!made) return requireVolume(context, request.name)
  emitVolumeEvent(context, 'create', record.name)
  return record
}

/** `asked` is the name as a person wrote it. */
export function requireVolume(context: Context, name: string, asked = name): VolumeRecord {
  const record = volumesOf(context).get(name)
  if (record) return record
  throw new TspodError('no-such-volume', `no volume with name "${asked}" found: no such volume`)
}

/** Where a volume's files are. */
export function volumeData(context: Context, name: string): string {
  return join(volumesOf(context).folder(name), '_data')
}

/** Whether nothing was ever put into it. A folder that we may not look into has been given to somebody. */
export function isEmptyVolume(context: Context, name: string): boolean {
  try {
    return readdirSync(volumeData(context, name)).length === 0
  } catch (error) {
    if (hasErrno(error, 'EACCES')) return false
    throw new TspodError('io', `reading volume ${name}`, { cause: error })
  }
}

/**
 * Takes a volume away with all that is in it. That no container uses it is the caller's to know; `check` is asked when
 * nobody can take it up any more.
 */
export async function removeVolume(context: Context, name: string, check: () => void = () => {}): Promise<void> {
  await withLock(join(context.paths.locks, `volume-${name}`), async (lock) => {
    check()
    requireVolume(context, name)
    await removeTree(context, volumesOf(context).folder(name))
    emitVolumeEvent(context, 'remove', name)
    lock.release({ unlink: true })
  })
}

export function listVolumes(context: Context): VolumeRecord[] {
  return volumesOf(context).list((name, error) => {
    context.log('warn', `volume ${name} is left out: ${error instanceof Error ? error.message : String(error)}`)
  })
}

function parseVolume(value: unknown): VolumeRecord {
  const record = value as VolumeRecord | null
  if (typeof record === 'object' && record !== null && typeof record.name === 'string') return record
  throw new TspodError('store-corrupt', "a volume's record is not valid")
}

function makeData(folder: string): void {
  const data = join(folder, '_data')
  mkdirSync(data, { mode: 0o755 })
  giveToContainersRoot(data)
}
