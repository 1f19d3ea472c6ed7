import { mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { insideVariable } from '../../../rootless/ladder.js'
import { TspodError } from '../../base/errors.js'
import { runInside } from '../../storage/inside.js'
import { fitsOverlay, layerChain } from '../../storage/overlay.js'
import { ensureFolder, readText, removeFolder } from '../../state/file.js'
import type { Context } from '../context.js'
import { storageDriver } from '../containers/rootfs.js'
import { findLocal } from './find-local.js'
import { layersArePresent } from './layers.js'
import { imageNotKnown } from './record.js'
import type { MountedImage } from './types.js'

/**
 * Mounts an image's files, read-only, in the namespaces of `tspod unshare`, with which the mount goes. Answers where. An
 * image that is mounted already is so once.
 */
export async function mountImage(context: Context, name: string): Promise<MountedImage> {
  requireUnshared(context, 'mount')
  const image = await findLocal(context, name, undefined)
  if (image === undefined) throw imageNotKnown(name)
  const mounted = mountedImages(context).find(({ id }) => id === image.id)
  if (mounted !== undefined) return { ...mounted, name: image.name }
  if (!layersArePresent(context, image.diffIds))
    throw new TspodError('store-corrupt', `layers of ${name} are missing: pull or load it again`)
  const lower = layerChain(context.paths, image.diffIds)
  if (!fitsOverlay(lower)) throw new TspodError('limit-exceeded', `${name} has too many layers to be mounted`)
  const { name: driver, program } = await storageDriver(context)
  if (driver === 'copy')
    throw new TspodError(
      'host-requirement',
      'images cannot be mounted here: neither the kernel nor fuse-overlayfs mounts overlays',
    )
  const mountpoint = join(mountFolder(context), image.id)
  ensureFolder(mountFolder(context))
  mkdirSync(mountpoint, { recursive: true, mode: 0o700 })
  /* An overlay without an upper folder needs two below. */
  const folders = lower.length === 1 ? [...lower, ...layerChain(context.paths, [])] : lower
  const fuse = driver === 'fuse-overlayfs' && program !== undefined ? ['--program', program] : []
  try {
    await runInside('mount', undefined, [
      ...[...new Set(folders)].flatMap((folder) => ['--lower', folder]),
      ...['--mountpoint', mountpoint, ...fuse],
    ])
  } catch (error) {
    removeFolder(mountpoint)
    throw error
  }
  return { id: image.id, name: image.name, mountpoint }
}

/** The images that are mounted in these namespaces. */
export function mountedImages(context: Context): MountedImage[] {
  const folder = `${mountFolder(context)}/`
  const lines = (readText('/proc/self/mountinfo') ?? '').split('\n')
  const found = lines.flatMap((line) => {
    const mountpoint = unescaped(line.split(' ')[4] ?? '')
    return mountpoint.startsWith(folder) ? [mountpoint] : []
  })
  return [...new Set(found)].map((mountpoint) => ({ id: basename(mountpoint), mountpoint }))
}

/** Says whether it was mounted. */
export async function unmountImage(context: Context, name: string): Promise<MountedImage | undefined> {
  requireUnshared(context, 'unmount')
  const image = await findLocal(context, name, undefined)
  if (image === undefined) throw imageNotKnown(name)
  const mounted = mountedImages(context).find(({ id }) => id === image.id)
  if (mounted === undefined) return undefined
  await runInside('unmount', undefined, [mounted.mountpoint])
  return mounted
}

function mountFolder(context: Context): string {
  return join(context.paths.runroot, 'image-mounts')
}

function requireUnshared(context: Context, verb: string): void {
  if (process.geteuid?.() === 0 && context.env[insideVariable] !== undefined) return
  throw new TspodError(
    'host-requirement',
    `images can be ${verb}ed in a mount namespace only, which is gone with its last process: run this in \`tspod unshare\``,
  )
}

/** proc_pid_mountinfo(5): blanks and backslashes in octal. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)))
}
