import { dirname, posix } from 'node:path'
import { TspodError } from '../base/errors.js'
import type { Digest } from '../oci/image-spec.js'
import type { UsernsPlan } from '../runtime/protocol.js'
import { ensureFolder } from '../state/file.js'
import { runInside, type InsideResult } from './inside.js'
import { rootArguments, type RootSource } from './root-archive.js'

/** More patterns than this (in bytes) no command line takes. */
const maximumPatterns = 1024 * 1024

/** Where COPY and ADD take things from. */
export type CopyFrom =
  /** A folder of the caller's: what is copied belongs to 0:0. What the patterns of .dockerignore hide is not there. */
  | { readonly folder: string; readonly ignore?: readonly string[] }
  /** Another stage's or an image's root: owners stay. Only read: its plan has no `upper`. */
  | { readonly root: Extract<RootSource, { readonly rootfs: unknown }> }

/** What is copied. Source: BuildKit, frontend/dockerfile/docs/reference.md. */
export interface CopySelection {
  /**
   * As in the Dockerfile, expanded: relative to the root of where they are taken from, `..` leads no further than that.
   * Wildcards are Go's filepath.Match: a pattern that matches nothing is no error, a missing name is.
   */
  readonly sources: readonly string[]
  /** Sources are names as they are, not patterns: a download's, a here-document's. */
  readonly literal?: boolean
  /** `--exclude`, with .dockerignore's grammar, relative to each copied folder. */
  readonly exclude?: readonly string[]
  /** `--parents`: the path behind `/./`, or all of it, is made again below the destination. */
  readonly parents?: boolean
}

export interface CopyDestination {
  /** Absolute, WORKDIR applied; a slash (or `/.`) at its end makes it a folder. Links in it are followed within the root. */
  readonly path: string
  /** `--chown`; created folders get it, too. Default: 0:0 from a folder, unchanged from a root. */
  readonly owner?: { readonly uid: number; readonly gid: number }
  /** `--chmod`, as `parseMode` of src/build/context/mode.ts gives it. */
  readonly mode?: string
  /** ADD: tar archives, plain or in gzip, zstd, xz or bzip2, are unpacked. */
  readonly unpack?: boolean
}

export interface CopyOptions {
  readonly plan: UsernsPlan
  /** Of a folder: where digests of unchanged files are kept, a file for each folder. */
  readonly cacheFile?: string
  readonly signal?: AbortSignal | undefined
}

export interface CopyDigest {
  /** Of names, kinds, modes, owners, contents, links' targets; not of times. */
  readonly digest: Digest
  readonly entries: number
  readonly bytes: number
  /** Files whose contents had to be read; the others were known. */
  readonly read: number
}

export interface Copied {
  /** Of a folder, what `digestTree` gives for what was really copied; it differs if the folder has changed meanwhile. */
  readonly digest: Digest | undefined
  readonly entries: number
  readonly bytes: number
  /** Devices and sockets, which cannot be made. */
  readonly skipped: number
}

/** The digest of what `copyTree` would copy. */
export async function digestTree(from: CopyFrom, selection: CopySelection, options: CopyOptions): Promise<CopyDigest> {
  const args = [...fromArguments(from), ...selectionArguments(selection), ...cacheArguments(options)]
  if (options.cacheFile !== undefined) ensureFolder(dirname(options.cacheFile))
  const result = await runInside('scan', 'folder' in from ? undefined : options.plan, args, streams(options))
  return {
    digest: String(result['digest']) as Digest,
    entries: Number(result['entries']),
    bytes: Number(result['bytes']),
    read: Number(result['read']),
  }
}

/**
 * Copies into a root: its `upper` gets the result, whole, or this throws and the upper folder is of no use. For `--link`
 * give a root of an empty folder and an upper one.
 */
export async function copyTree(
  root: Extract<RootSource, { readonly rootfs: unknown }>,
  from: CopyFrom,
  selection: CopySelection,
  destination: CopyDestination,
  options: CopyOptions,
): Promise<Copied> {
  const args = [
    ...rootArguments(root),
    ...fromArguments(from),
    ...selectionArguments(selection),
    ...destinationArguments(destination),
    ...cacheArguments(options),
  ]
  const result: InsideResult = await runInside('place', options.plan, args, streams(options))
  const digest = String(result['digest'])
  return {
    digest: digest === '' ? undefined : (digest as Digest),
    entries: Number(result['entries']),
    bytes: Number(result['bytes']),
    skipped: Number(result['skipped']),
  }
}

function fromArguments(from: CopyFrom): string[] {
  if ('folder' in from) {
    return ['--from-folder', from.folder, ...patternArguments('ignore', from.ignore ?? [])]
  }
  const { rootfs } = from.root
  if (rootfs.driver === 'dir') return ['--from-root', rootfs.path]
  const { lower } = rootfs
  const [only] = lower
  /* An overlay has an upper folder or two below; of one layer alone nothing is hidden. */
  if (lower.length === 1 && only !== undefined) return ['--from-root', only]
  return [
    ...lower.flatMap((folder) => ['--from-lower', folder]),
    ...(rootfs.driver === 'fuse-overlayfs' && rootfs.program !== undefined ? ['--from-program', rootfs.program] : []),
    '--from-mountpoint',
    rootfs.mountpoint,
  ]
}

function selectionArguments(selection: CopySelection): string[] {
  const { sources, literal = false, exclude = [], parents = false } = selection
  return [
    ...sources.flatMap((source) => (parents ? pivoted(source) : ['--source', cleanSource(source)])),
    ...patternArguments('exclude', exclude),
    ...(literal ? ['--literal'] : []),
    ...(parents ? ['--parents'] : []),
  ]
}

/** `--parents`: what stands in front of `/./` is gone to, what stands behind is looked for there. */
function pivoted(source: string): string[] {
  const pivot = source.indexOf('/./')
  const [base, pattern] = pivot === -1 ? ['/', source] : [source.slice(0, pivot), source.slice(pivot + 3)]
  return ['--source', cleanSource(base), '--include', cleanSource(pattern).slice(1)]
}

/** By name, as BuildKit does: `..` is what Go's path.Join makes of it. */
function cleanSource(source: string): string {
  const clean = posix.normalize(`/${source}`)
  return clean === '/' ? clean : clean.replace(/\/$/, '')
}

function patternArguments(name: 'ignore' | 'exclude', written: readonly string[]): string[] {
  const patterns = written.map(cleanPattern).filter((pattern) => pattern !== '')
  const size = patterns.reduce((sum, pattern) => sum + Buffer.byteLength(pattern) + 16, 0)
  if (size > maximumPatterns) {
    throw new TspodError('limit-exceeded', `there are more patterns to ${name} than a build takes`)
  }
  return patterns.flatMap((pattern) => [`--${name}`, pattern])
}

/** As moby/patternmatcher reads one: without spaces around, and cleaned by name. */
function cleanPattern(written: string): string {
  const pattern = written.trim()
  if (pattern === '') return ''
  const clean = posix.normalize(pattern)
  return clean.length > 1 ? clean.replace(/\/$/, '') : clean
}

function destinationArguments({ path, owner, mode, unpack }: CopyDestination): string[] {
  return [
    '--to',
    path,
    ...(owner === undefined ? [] : ['--chown', `${String(owner.uid)}:${String(owner.gid)}`]),
    ...(mode === undefined ? [] : ['--chmod', mode]),
    ...(unpack === true ? ['--unpack'] : []),
  ]
}

function cacheArguments({ cacheFile }: CopyOptions): string[] {
  return cacheFile === undefined ? [] : ['--cache', cacheFile]
}

function streams({ signal }: CopyOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
