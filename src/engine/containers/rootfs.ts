import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { ContainerRecord } from '../../container/record.js'
import type { RootfsPlan } from '../../runtime/protocol.js'
import type { Context } from '../context.js'
import { containerPaths } from './store.js'

/** How the root file system of a start comes about. `volatile`: nothing of it outlives the run. */
export async function rootfsPlan(context: Context, record: ContainerRecord, mountpoint: string): Promise<RootfsPlan> {
  const { spec, id } = record
  const { folder } = containerPaths(context.paths, id)
  const upper = join(folder, 'upper')
  const work = join(folder, 'work')
  if (spec.rootfs) {
    const path = requireFolder(spec.rootfs.path)
    if (!spec.rootfs.overlay) return { driver: 'dir', path, mountpoint }
    return { driver: 'overlay', lower: [path], upper, work, volatile: spec.remove, mountpoint }
  }
  const lower = layerFolders(context, spec.image.layers)
  return { driver: 'overlay', lower, upper, work, volatile: spec.remove, mountpoint }
}

/** The folders of an image's layers, the topmost first. */
export function layerFolders(context: Context, layers: readonly string[]): string[] {
  return layers.map((diffId) => join(context.paths.layers, hexOf(diffId), 'diff')).reverse()
}

function requireFolder(path: string): string {
  const absolute = resolve(path)
  if (statSync(absolute, { throwIfNoEntry: false })?.isDirectory()) return absolute
  throw new TspodError('invalid-argument', `rootfs ${path} is not a folder`)
}

function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1)
}
