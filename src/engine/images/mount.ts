import { TspodError } from '../../base/errors.js'
import { layerChain } from '../../storage/overlay.js'
import type { Context } from '../context.js'
import { emitImageEvent } from '../events/write.js'
import { mountOverlay, overlaysMounted, requireUnshared, unmountOverlay } from '../overlay-mounts.js'
import { findLocal } from './find-local.js'
import { layersArePresent } from './layers.js'
import { imageNotKnown } from './record.js'
import type { MountedImage } from './types.js'

/**
 * Mounts an image's files, read-only, in the namespaces of `tspod unshare`, with which the mount goes. Answers where. An
 * image that is mounted already is so once.
 */
export async function mountImage(context: Context, name: string): Promise<MountedImage> {
  requireUnshared(context, 'images', 'mount')
  const image = await findLocal(context, name, undefined)
  if (image === undefined) throw imageNotKnown(name)
  const mounted = mountedImages(context).find(({ id }) => id === image.id)
  if (mounted !== undefined) return { ...mounted, name: image.name }
  if (!layersArePresent(context, image.diffIds))
    throw new TspodError('store-corrupt', `layers of ${name} are missing: pull or load it again`)
  const lower = layerChain(context.paths, image.diffIds)
  const mountpoint = await mountOverlay(context, 'image-mounts', image.id, lower)
  emitImageEvent(context, 'mount', { ID: image.id })
  return { id: image.id, name: image.name, mountpoint }
}

/** The images that are mounted in these namespaces. */
export function mountedImages(context: Context): MountedImage[] {
  return [...overlaysMounted(context, 'image-mounts')].map(([id, mountpoint]) => ({ id, mountpoint }))
}

/** Says whether it was mounted. */
export async function unmountImage(context: Context, name: string): Promise<MountedImage | undefined> {
  requireUnshared(context, 'images', 'unmount')
  const image = await findLocal(context, name, undefined)
  if (image === undefined) throw imageNotKnown(name)
  const mounted = mountedImages(context).find(({ id }) => id === image.id)
  if (mounted === undefined) return undefined
  await unmountOverlay(mounted.mountpoint)
  emitImageEvent(context, 'unmount', { ID: image.id })
  return mounted
}
