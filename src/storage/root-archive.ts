import type { RootfsPlan, UsernsPlan } from '../runtime/protocol.js'
import { runInside } from './inside.js'
import { packArguments, packed, packStreams, type Packed, type PackOptions } from './pack.js'
import {
  archiveArguments,
  streamOptions,
  unpacked,
  type BlobSource,
  type UnpackOptions,
  type Unpacked,
} from './unpack.js'

/** A container's root: of a running one through its process, of any other as it would be mounted. */
export type RootSource = { readonly pid: number } | { readonly rootfs: RootfsPlan }

export interface TarOptions extends PackOptions {
  /** As the container sees it; a slash or `/.` at its end means a folder's content. Without: the whole root. */
  readonly path?: string
  /** What the entry is called in the archive; '.' for a folder's content without itself. */
  readonly name?: string
  /** A symbolic link at the path's end is gone through. */
  readonly follow?: boolean
  /** Mounts below the root are left out. */
  readonly oneFileSystem?: boolean
}

export interface UntarOptions extends UnpackOptions {
  /** The folder it goes to, as the container sees it. */
  readonly path?: string
  /** Makes that folder. */
  readonly create?: boolean
  /** Everything belongs to these ids. */
  readonly owner?: { readonly uid: number; readonly gid: number }
  /** Owner, mode and time of folders that are there stay. */
  readonly keepFolders?: boolean
  /** `.wh.` names are whiteouts, as in a layer. */
  readonly whiteouts?: boolean
}

/** Writes an archive of a container's root, or of a path in it (export, cp). */
export async function tarRoot(root: RootSource, options: TarOptions): Promise<Packed> {
  const args = [
    ...rootArguments(root),
    ...(options.path === undefined ? [] : ['--path', options.path]),
    ...(options.name === undefined ? [] : ['--name', options.name]),
    ...(options.follow === true ? ['--follow'] : []),
    ...(options.oneFileSystem === true ? ['--one-file-system'] : []),
    ...packArguments(options),
  ]
  return packed(await runInside('tar', planFor(root, options.plan), args, packStreams(options)))
}

/** Writes an archive's entries into a container's root (cp). */
export async function untarRoot(root: RootSource, archive: BlobSource, options: UntarOptions): Promise<Unpacked> {
  const args = [
    ...rootArguments(root),
    ...(options.path === undefined ? [] : ['--path', options.path]),
    ...(options.create === true ? ['--create'] : []),
    ...(options.owner === undefined ? [] : ['--chown', `${String(options.owner.uid)}:${String(options.owner.gid)}`]),
    ...(options.keepFolders === true ? ['--keep-folders'] : []),
    ...(options.whiteouts === true ? ['--whiteouts'] : []),
    ...archiveArguments(archive, options),
  ]
  return unpacked(await runInside('untar', planFor(root, options.plan), args, streamOptions(archive, options)))
}

/** Copies a folder of a root into a folder of the host's (a volume's first content). False if the root has none there. */
export async function copyFromRoot(root: RootSource, path: string, target: string, plan: UsernsPlan): Promise<boolean> {
  const result = await runInside('copy', planFor(root, plan), [...rootArguments(root), '--path', path, '--', target])
  return result['found'] === 1
}

/** The options by which tspod-inside finds or mounts a root. */
export function rootArguments(root: RootSource): string[] {
  if ('pid' in root) return ['--root', `/proc/${String(root.pid)}/root`]
  const { rootfs } = root
  if (rootfs.driver === 'dir') return ['--root', rootfs.path]
  const fuse = rootfs.driver === 'fuse-overlayfs' && rootfs.program !== undefined
  return [
    ...rootfs.lower.flatMap((folder) => ['--lower', folder]),
    ...(rootfs.upper === undefined || rootfs.work === undefined
      ? []
      : ['--upper', rootfs.upper, '--work', rootfs.work]),
    ...(fuse ? ['--program', rootfs.program] : []),
    ...(fuse ? (rootfs.options ?? []).flatMap((option) => ['--mount-option', option]) : []),
    '--mountpoint',
    rootfs.mountpoint,
  ]
}

/** A process's root is its own namespace's business. */
function planFor(root: RootSource, plan: UsernsPlan): UsernsPlan {
  return 'pid' in root && plan.mode !== 'host'
    ? { ...plan, mode: 'join', path: `/proc/${String(root.pid)}/ns/user` }
    : plan
}
