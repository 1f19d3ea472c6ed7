import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  copyTree,
  digestTree,
  type Copied,
  type CopyDestination,
  type CopyDigest,
  type CopyFrom,
  type CopySelection,
} from '../../src/storage/copy-tree.js'
import type { RootSource } from '../../src/storage/root-archive.js'
import { layerFolder, type LayerFolder } from './layer-folder.js'
import type { ReadEntry } from './read-tar.js'
import { tarArchive, type TarEntry } from './tar.js'

/** A text is a file; `/` at a name's end a folder. */
export type Tree = Readonly<Record<string, string | Buffer | { readonly link: string } | { readonly mode: number }>>

/** Writes files of the caller's own; times are all the same. */
export function writeTree(folder: string, tree: Tree): string {
  mkdirSync(folder, { recursive: true })
  for (const [name, value] of Object.entries(tree)) {
    const path = join(folder, name)
    mkdirSync(name.endsWith('/') ? path : dirname(path), { recursive: true })
    if (typeof value === 'string' || Buffer.isBuffer(value)) {
      if (!name.endsWith('/')) writeFileSync(path, value)
    } else if ('link' in value) {
      symlinkSync(value.link, path)
      continue
    } else chmodSync(path, value.mode)
    utimesSync(path, 1000, 1000)
  }
  return folder
}

/** A root to copy into, and a context to copy from. */
export interface CopyPlace extends AsyncDisposable {
  readonly layers: LayerFolder
  readonly context: string
  readonly root: Extract<RootSource, { readonly rootfs: unknown }>
  /** Copies from the context, or from elsewhere. */
  copy(
    sources: string | readonly string[],
    to: string,
    options?: Omit<CopySelection, 'sources'> & Omit<CopyDestination, 'path'> & { readonly from?: CopyFrom },
  ): Promise<Copied>
  digest(sources: string | readonly string[], options?: Omit<CopySelection, 'sources'>): Promise<CopyDigest>
  /** What the root holds, as a layer's entries. */
  entries(): Promise<ReadEntry[]>
  /** Their paths with links' targets, `a -> b`; names of files and folders only. */
  paths(): Promise<string[]>
}

/** `base`: what the root has from the beginning, with its owners. */
export async function copyPlace(tree: Tree, base: readonly TarEntry[] = []): Promise<CopyPlace> {
  const layers = await layerFolder()
  await layers.apply('root', tarArchive(base))
  const context = writeTree(join(layers.path, 'context'), tree)
  const path = join(layers.path, 'root')
  const root = { rootfs: { driver: 'dir' as const, path, mountpoint: path } }
  const { plan } = layers
  const listed = (sources: string | readonly string[]): readonly string[] =>
    typeof sources === 'string' ? [sources] : sources
  const entries = (): Promise<ReadEntry[]> => layers.entries('root')
  return {
    layers,
    context,
    root,
    copy(sources, to, { from = { folder: context }, ...options } = {}) {
      return copyTree(root, from, { ...options, sources: listed(sources) }, { ...options, path: to }, { plan })
    },
    digest(sources, options = {}) {
      return digestTree({ folder: context }, { ...options, sources: listed(sources) }, { plan })
    },
    entries,
    async paths() {
      return (await entries()).map((entry) => (entry.link === '' ? entry.path : `${entry.path} -> ${entry.link}`))
    },
    [Symbol.asyncDispose]: () => layers[Symbol.asyncDispose](),
  }
}
