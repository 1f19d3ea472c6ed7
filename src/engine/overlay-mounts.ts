import { mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { insideVariable } from '../../rootless/ladder.js'
import { TspodError } from '../base/errors.js'
import { ensureFolder, readText, removeFolder } from '../state/file.js'
import { runInside } from '../storage/inside.js'
import { fitsOverlay, layerChain } from '../storage/overlay.js'
import { storageDriver } from './containers/rootfs.js'
import type { Context } from './context.js'

/** Where files are mounted for a person to look at, in the namespaces of `tspod unshare`, with which the mounts go. */
export type MountPlace = 'image-mounts' | 'container-mounts'

/** Mounts folders over one another, the topmost first, read-only. Answers where. */
export async function mountOverlay(
  context: Context,
  place: MountPlace,
  id: string,
  lower: readonly string[],
): Promise<string> {
  if (!fitsOverlay(lower)) throw new TspodError('limit-exceeded', `${id} has too many layers to be mounted`)
  const { name: driver, program } = await storageDriver(context)
  if (driver === 'copy')
    throw new TspodError(
      'host-requirement',
      'nothing can be mounted here: neither the kernel nor fuse-overlayfs mounts overlays',
    )
  const mountpoint = join(folderOf(context, place), id)
  ensureFolder(folderOf(context, place))
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
  return mountpoint
}

/** What is mounted in these namespaces, by ID. */
export function overlaysMounted(context: Context, place: MountPlace): Map<string, string> {
  const folder = `${folderOf(context, place)}/`
  const lines = (readText('/proc/self/mountinfo') ?? '').split('\n')
  const found = lines.flatMap((line) => {
    const mountpoint = unescaped(line.split(' ')[4] ?? '')
    return mountpoint.startsWith(folder) ? [[basename(mountpoint), mountpoint] as const] : []
  })
  return new Map(found)
}

export async function unmountOverlay(mountpoint: string): Promise<void> {
  await runInside('unmount', undefined, [mountpoint])
}

/** Whether this process is in the namespaces of `tspod unshare`. */
export function isUnshared(context: Context): boolean {
  return process.geteuid?.() === 0 && context.env[insideVariable] !== undefined
}

export function requireUnshared(context: Context, what: string, verb: string): void {
  if (isUnshared(context)) return
  throw new TspodError(
    'host-requirement',
    `${what} can be ${verb}ed in a mount namespace only, which is gone with its last process: run this in \`tspod unshare\``,
  )
}

function folderOf(context: Context, place: MountPlace): string {
  return join(context.paths.runroot, place)
}

/** proc_pid_mountinfo(5): blanks and backslashes in octal. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)))
}
