import { TspodError } from '../../base/errors.js'
import type { Context } from '../context.js'
import { emitVolumeEvent } from '../events/write.js'
import { listVolumes, removeVolume } from '../volumes.js'
import { volumeTests } from './filters.js'
import { findVolume, usesOf } from './query.js'
import type { VolumeRemoveOptions } from './types.js'

/** Takes a volume away that no container uses. Answers its whole name. */
export async function removeVolumeByName(
  context: Context,
  name: string,
  options: VolumeRemoveOptions = {},
): Promise<string> {
  const volume = findVolume(context, name)
  const users = usesOf(context).get(volume.name) ?? []
  if (users.length > 0) {
    if (options.force !== true) throw inUse(volume.name, users)
    const { removeContainer } = await import('../containers/remove.js')
    for (const id of users) {
      await removeContainer(context, id, {
        force: true,
        depend: true,
        ...(options.timeoutSeconds === undefined ? {} : { timeoutSeconds: options.timeoutSeconds }),
      })
    }
  }
  await removeVolume(context, volume.name, () => requireUnused(context, volume.name))
  return volume.name
}

export async function pruneVolumes(context: Context, filters: readonly string[] = []): Promise<string[]> {
  const uses = usesOf(context)
  const matches = volumeTests(filters, {
    now: context.clock(),
    isUsed: (name) => uses.has(name),
    created: (name) => findVolume(context, name).created,
  })
  const removed: string[] = []
  for (const volume of listVolumes(context)) {
    if (uses.has(volume.name) || !matches(volume)) continue
    try {
      await removeVolume(context, volume.name, () => requireUnused(context, volume.name))
      emitVolumeEvent(context, 'prune', volume.name)
      removed.push(volume.name)
    } catch (error) {
      /* Taken up or removed meanwhile: not ours to prune. */
      if (!(error instanceof TspodError)) throw error
      context.log('debug', `not pruned: ${error.message}`)
    }
  }
  return removed
}

/** Asked once more with the volume's lock: a container may have taken it up. */
function requireUnused(context: Context, name: string): void {
  const users = usesOf(context).get(name) ?? []
  if (users.length > 0) throw inUse(name, users)
}

function inUse(name: string, users: readonly string[]): TspodError {
  return new TspodError(
    'volume-in-use',
    `volume ${name} is being used by the following container(s): ${users.join(', ')}: volume is being used`,
  )
}
