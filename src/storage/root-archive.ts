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
export type RootSource =
  | {
      readonly pid: number
      /** Without what is mounted on it. */
      readonly bare?: boolean
    }
  | { readonly rootfs: RootfsPlan; readonly binds?: readonly RootBind[] }

/** What a stopped container would have mounted: a folder or a file of the host's. */
export interface RootBind {
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
}

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
  /** A folder takes the place of nothing else, and nothing else that of a folder. */
  readonly sameKinds?: boolean
  /** Without set-user-ID and set-group-ID bits. */
  readonly noSetIds?: boolean
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
    ...(options.sameKinds === true ? ['--same-kinds'] : []),
    ...(options.noSetIds === true ? ['--no-set-ids'] : []),
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

/** What a path of a root is, and where it leads. */
export interface Looked {
  readonly found: boolean
  /** The folder that it is in, or would be in, exists. */
  readonly parent: boolean
  readonly kind: 'folder' | 'file' | 'link' | 'other' | ''
  /** Without links, relative to the root; `name` is '' where the path is a folder by its form. */
  readonly folder: string
  readonly name: string
}

/** Looks at a path as the container would see it; a link at its end is gone through. */
export async function lookInRoot(root: RootSource, path: string, plan: UsernsPlan): Promise<Looked> {
  const args = [...rootArguments(root), '--path', path, '--follow']
  const result = await runInside('look', planFor(root, plan), args)
  return {
    found: result['found'] === 1,
    parent: result['parent'] === 1,
    kind: String(result['kind']) as Looked['kind'],
    folder: String(result['folder']),
    name: String(result['name']),
  }
}

/** The text of a small file, as the container would see it; '' if there is none, or a large one. */
export async function readInRoot(root: RootSource, path: string, plan: UsernsPlan): Promise<string> {
  let text = ''
  await runInside('look', planFor(root, plan), [...rootArguments(root), '--path', path, '--follow', '--print'], {
    async output(chunks) {
      chunks.setEncoding('utf8')
      for await (const chunk of chunks) text += String(chunk)
    },
  })
  return text
}

export interface Change {
  readonly kind: 'added' | 'changed' | 'deleted'
  readonly path: string
}

export interface ChangesOptions {
  readonly plan: UsernsPlan
  /** The root that it is compared with; none: all is added. */
  readonly base?: RootSource
  /** The folder has all that is still there, and no marks of an overlay. */
  readonly whole?: boolean
  /** Paths, with a slash in front, that are not told. */
  readonly exclude?: readonly string[]
}

const changeKinds: Readonly<Record<string, Change['kind']>> = { A: 'added', C: 'changed', D: 'deleted' }

/** How a folder (an overlay's upper one, or a whole tree) differs from the root below it, in the order of paths. */
export async function changesIn(folder: string, options: ChangesOptions): Promise<Change[]> {
  const args = [
    ...(options.base === undefined ? [] : rootArguments(options.base)),
    '--changed',
    folder,
    ...(options.whole === true ? ['--whole'] : []),
    ...(options.exclude ?? []).flatMap((path) => ['--exclude', path.replace(/^\/+/, '')]),
  ]
  let text = ''
  await runInside('changes', options.plan, args, {
    async output(chunks) {
      chunks.setEncoding('utf8')
      for await (const chunk of chunks) text += String(chunk)
    },
  })
  return text
    .split('\0')
    .flatMap((line) => {
      const kind = changeKinds[line.slice(0, 1)]
      return kind === undefined ? [] : [{ kind, path: line.slice(1) }]
    })
    .sort((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0))
}

/** The options by which tspod-inside finds or mounts a root. */
export function rootArguments(root: RootSource): string[] {
  if ('pid' in root) return ['--root', `/proc/${String(root.pid)}/root`, ...(root.bare === true ? ['--bare'] : [])]
  const { rootfs } = root
  const binds = (root.binds ?? []).flatMap(({ source, target, readOnly }) => [
    '--bind',
    source,
    '--bind-to',
    `${readOnly ? 'ro' : 'rw'}:${target}`,
  ])
  return [...rootfsArguments(rootfs), ...binds]
}

function rootfsArguments(rootfs: RootfsPlan): string[] {
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
