import { join } from 'node:path'
import { digestHex } from '../base/digest.js'
import type { Digest } from '../oci/image-spec.js'
import type { RootfsPlan, UsernsPlan } from '../runtime/protocol.js'
import { ensureFolder } from '../state/file.js'
import type { Paths } from '../state/paths.js'
import type { StorageDriver } from './driver.js'

/** The kernel's own limit (OVL_MAX_STACK). */
const maximumLayers = 500

/**
 * The folders of an image's layers, topmost first. A layer that lies in the chain more than once is left where it is
 * topmost, as an overlay takes no folder twice: whatever lies above it there lies above it lower down too.
 */
export function layerChain(paths: Pick<Paths, 'layers' | 'cache'>, diffIds: readonly Digest[]): string[] {
  const topmostFirst = [...new Set(diffIds.toReversed())]
  if (topmostFirst.length > 0) return topmostFirst.map((diffId) => join(paths.layers, digestHex(diffId), 'diff'))
  /* An image FROM scratch: an overlay needs one folder below. */
  const empty = join(paths.cache, 'empty')
  ensureFolder(empty)
  return [empty]
}

export interface RootfsRequest {
  readonly driver: StorageDriver
  /** Topmost first, from `layerChain`. */
  readonly lower: readonly string[]
  /** graphroot/containers/ID: `upper/` and `work/`, or, with copies, `rootfs/`. */
  readonly folder: string
  readonly mountpoint: string
  /** Nothing of it outlives the run. */
  readonly volatile: boolean
  /** The container's ids in those of the namespace that its root is mounted in, if they are others: files shift along. */
  readonly shift?: Pick<UsernsPlan, 'uidMappings' | 'gidMappings'>
}

/** How a container's root comes about with this driver. With copies the folder is filled by `fillRootfs`. */
export function planRootfs(request: RootfsRequest): RootfsPlan {
  const { driver, lower, folder, mountpoint, volatile } = request
  if (driver.name === 'copy') return { driver: 'dir', path: join(folder, 'rootfs'), mountpoint }
  const changes = { lower, upper: join(folder, 'upper'), work: join(folder, 'work'), volatile, mountpoint }
  if (driver.name === 'overlay') return { driver: 'overlay', ...changes }
  const options = request.shift === undefined ? [] : shiftOptions(request.shift)
  return {
    driver: 'fuse-overlayfs',
    ...changes,
    ...(driver.program === undefined ? {} : { program: driver.program }),
    options,
  }
}

/** fuse-overlayfs(1): the id on disk, which is the image's, what it is shown as, and how many. */
function shiftOptions({ uidMappings, gidMappings }: Pick<UsernsPlan, 'uidMappings' | 'gidMappings'>): string[] {
  const text = (map: UsernsPlan['uidMappings']): string =>
    map.map(({ containerID, hostID, size }) => `${containerID}:${hostID}:${size}`).join(':')
  return [`uidmapping=${text(uidMappings)}`, `gidmapping=${text(gidMappings)}`]
}

/** Builds a container's root out of copies of its layers: `target` must be an empty folder. Blocks are shared where they can be. */
export async function fillRootfs(lower: readonly string[], target: string, plan: UsernsPlan): Promise<void> {
  const { runInside } = await import('./inside.js')
  await runInside('copy', plan, ['--marks', '--', ...lower.toReversed(), target])
}

/** Whether so many layers can be mounted. */
export function fitsOverlay(lower: readonly string[]): boolean {
  return lower.length <= maximumLayers
}
