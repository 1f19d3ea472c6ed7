import { TspodError } from '../../base/errors.js'
import type { ContainerRecord } from '../../container/record.js'
import type { Context } from '../context.js'
import { emitContainerEvent } from '../events/write.js'
import { isUnshared, mountOverlay, overlaysMounted, requireUnshared, unmountOverlay } from '../overlay-mounts.js'
import { isUp, observe } from './observe.js'
import { copiedRoot, layerFolders } from './rootfs.js'
import { containerPaths, findContainer } from './store.js'

/**
 * Where the root of a container can be seen. One that runs has it in its own mount namespace, which /proc shows. One
 * that does not is mounted in the namespaces of `tspod unshare`, with which the mount goes: read-only, since the kernel
 * does not look whether the container is started meanwhile, with the same upper folder.
 */
export async function mountContainer(context: Context, nameOrId: string): Promise<string> {
  const record = findContainer(context, nameOrId)
  const seen = observe(context, record.id)
  if (isUp(seen) && seen.pid > 0) return `/proc/${String(seen.pid)}/root`
  if (!isUnshared(context))
    throw new TspodError(
      'host-requirement',
      `cannot mount ${record.name}, which does not run, in rootless mode: you must execute "tspod unshare" first; ` +
        '"tspod cp" and "tspod export" read it as it is',
    )
  const there = mountedContainers(context).get(record.id) ?? (await plainRoot(context, record))
  if (there !== undefined) return there
  const mountpoint = await mountStopped(context, record)
  emitContainerEvent(context, record, 'mount')
  return mountpoint
}

/** The containers that are mounted in these namespaces, by ID. */
export function mountedContainers(context: Context): ReadonlyMap<string, string> {
  return overlaysMounted(context, 'container-mounts')
}

/** Ends what `mountContainer` began. Returns the ID. */
export async function unmountContainer(context: Context, nameOrId: string): Promise<string> {
  const record = findContainer(context, nameOrId)
  const { id } = record
  const mountpoint = mountedContainers(context).get(id)
  if (mountpoint !== undefined) {
    requireUnshared(context, 'containers', 'unmount')
    await unmountOverlay(mountpoint)
    emitContainerEvent(context, record, 'unmount')
  }
  return id
}

/** A root that is a folder as it lies. */
async function plainRoot(context: Context, record: ContainerRecord): Promise<string | undefined> {
  const { spec, storageDriver } = record
  if (spec.rootfs !== undefined && !spec.rootfs.overlay) return spec.rootfs.path
  return storageDriver === 'copy' ? copiedRoot(context, record) : undefined
}

function mountStopped(context: Context, { id, spec }: ContainerRecord): Promise<string> {
  const { folder } = containerPaths(context.paths, id)
  const below = spec.rootfs === undefined ? layerFolders(context, spec.image.layers) : [spec.rootfs.path]
  return mountOverlay(context, 'container-mounts', id, [`${folder}/upper`, ...below])
}
