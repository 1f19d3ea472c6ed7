import { TspodError } from '../../base/errors.js'
import type { Context } from '../context.js'
import { emitContainerEvent } from '../events/write.js'
import { removeImages } from '../images/remove.js'
import { isUp, observe } from './observe.js'
import { removeContainer } from './remove.js'
import { findContainer } from './store.js'
import { sweep } from './sweep.js'

export interface CleanupOptions {
  /** Removes the container. */
  readonly remove?: boolean
  /** Removes its image, too. */
  readonly removeImage?: boolean
}

/** Clears what a killed monitor of a stopped container has left. Mounts and the network went with its processes. */
export async function cleanupContainer(
  context: Context,
  nameOrId: string,
  options: CleanupOptions = {},
): Promise<string> {
  const record = findContainer(context, nameOrId)
  const runs = isUp(observe(context, record.id))
  if (runs && (options.remove === true || options.removeImage === true))
    throw new TspodError(
      'container-running',
      `container ${record.id} is running or paused, refusing to clean up: container state improper`,
    )
  if (runs) return record.id
  await sweep(context)
  if (options.remove === true || options.removeImage === true) await removeContainer(context, record.id)
  if (options.removeImage === true && record.spec.image.id !== '')
    for (const error of (await removeImages(context, [record.spec.image.id])).errors) throw error
  emitContainerEvent(context, record, 'cleanup')
  return record.id
}

/** CRIU restores processes under their old numbers, for which it wants rights on the host that nobody here has. */
export function refuseCheckpoint(context: Context, nameOrId: string, verb: 'checkpoint' | 'restore'): never {
  const { id } = findContainer(context, nameOrId)
  throw new TspodError(
    'not-supported',
    `cannot ${verb} container ${id}: CRIU needs CAP_CHECKPOINT_RESTORE and CAP_SYS_PTRACE on the host, which a rootless ` +
      'container engine does not have; "tspod commit" keeps the files of a container',
  )
}
