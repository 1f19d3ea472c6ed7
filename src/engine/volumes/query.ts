import { TspodError } from '../../base/errors.js'
import { namesIn } from '../../state/collection.js'
import { listRecords } from '../containers/store.js'
import { isUp, observe } from '../containers/observe.js'
import type { Context } from '../context.js'
import {
  isEmptyVolume,
  listVolumes as listVolumeRecords,
  requireVolume,
  volumeData,
  volumesOf,
  type VolumeRecord,
} from '../volumes.js'
import { volumeTests } from './filters.js'
import type { VolumeInspection } from './types.js'

export async function inspectVolume(context: Context, name: string): Promise<VolumeInspection> {
  return Promise.resolve(inspection(context, findVolume(context, name), usesOf(context)))
}

export async function listVolumes(context: Context, filters: readonly string[] = []): Promise<VolumeInspection[]> {
  const uses = usesOf(context)
  const records = listVolumeRecords(context)
  const matches = volumeTests(filters, {
    now: context.clock(),
    isUsed: (name) => uses.has(name),
    created: (name) => findVolume(context, name).created,
  })
  return Promise.resolve(records.filter(matches).map((record) => inspection(context, record, uses)))
}

export async function volumeExists(context: Context, name: string): Promise<boolean> {
  return Promise.resolve(isVolumeName(name) && volumesOf(context).get(name) !== undefined)
}

/** Where a volume's files are. Nothing has to be mounted for that, unless options say so. */
export async function mountVolume(context: Context, name: string): Promise<string> {
  const record = findVolume(context, name)
  if (Object.keys(record.options).length > 0) {
    throw new TspodError('not-supported', `volume ${record.name} is mounted with options, which only a container does`)
  }
  return Promise.resolve(volumeData(context, record.name))
}

/** The volume that a person means: by name, or by the beginning of a name that no other has. */
export function findVolume(context: Context, name: string): VolumeRecord {
  const exact = isVolumeName(name) ? volumesOf(context).get(name) : undefined
  if (exact !== undefined) return exact
  const matches = name === '' ? [] : namesIn(context.paths.volumes).filter((one) => one.startsWith(name))
  const [only] = matches
  if (only === undefined) return requireVolume(context, isVolumeName(name) ? name : 'none', name)
  if (matches.length > 1) {
    throw new TspodError('ambiguous-name', `more than one volume's name begins with "${name}": volume already exists`)
  }
  return requireVolume(context, only)
}

function isVolumeName(name: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)
}

/** The containers that mount each volume. */
export function usesOf(context: Context): ReadonlyMap<string, readonly string[]> {
  const uses = new Map<string, string[]>()
  for (const { id, spec } of listRecords(context)) {
    for (const mount of spec.mounts) {
      if (mount.type !== 'volume' || mount.name === undefined) continue
      uses.set(mount.name, [...(uses.get(mount.name) ?? []), id])
    }
  }
  return uses
}

function inspection(
  context: Context,
  record: VolumeRecord,
  uses: ReadonlyMap<string, readonly string[]>,
): VolumeInspection {
  const plain = Object.keys(record.options).length === 0
  return {
    Name: record.name,
    Driver: record.driver,
    Mountpoint: volumeData(context, record.name),
    CreatedAt: record.created,
    Labels: record.labels,
    Scope: 'local',
    Options: record.options,
    MountCount: (uses.get(record.name) ?? []).filter((id) => isUp(observe(context, id))).length,
    NeedsCopyUp: plain && isEmptyVolume(context, record.name),
    Anonymous: record.anonymous,
    UID: record.uid ?? 0,
    GID: record.gid ?? 0,
  }
}
