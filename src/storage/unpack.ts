import type { Readable } from 'node:stream'
import type { Digest } from '../oci/image-spec.js'
import type { UsernsPlan } from '../runtime/protocol.js'
import { runInside } from './inside.js'

/** A file's path, or what streams by. */
export type BlobSource = string | Readable | AsyncIterable<Uint8Array>

/** What an archive may hold; every field has a default that no image in the field comes near (native/inside-apply.c). */
export interface ArchiveLimits {
  /** Bytes, inflated. */
  readonly size?: number
  /** Inflated to compressed, looked at above 4 GiB inflated. */
  readonly ratio?: number
  readonly entries?: number
  /** Bytes of a name. */
  readonly path?: number
  /** Bytes of one file, holes included. */
  readonly file?: number
  /** Bytes of one extended header. */
  readonly header?: number
  /** Extended attributes of one entry. */
  readonly xattrs?: number
  /** Pieces of one sparse file. */
  readonly pieces?: number
}

export interface UnpackOptions {
  readonly plan: UsernsPlan
  /** Verified while reading; whatever is left out is not. */
  readonly digest?: Digest
  readonly size?: number
  readonly diffId?: Digest
  readonly limits?: ArchiveLimits
  /** All of it is on the disk before this resolves. */
  readonly sync?: boolean
  readonly signal?: AbortSignal | undefined
}

export interface Unpacked {
  readonly diffId: Digest
  /** Of the blob as it came, and its length. */
  readonly digest: Digest
  readonly size: number
  readonly uncompressedSize: number
  readonly entries: number
  /** Devices and attributes that could not be made. */
  readonly skipped: number
}

/** Writes a layer's blob (tar, or tar in gzip or zstd) into an empty folder, whiteouts in overlay's form. */
export async function unpackLayer(blob: BlobSource, folder: string, options: UnpackOptions): Promise<Unpacked> {
  const args = ['--root', folder, ...archiveArguments(blob, options)]
  return unpacked(await runInside('apply', options.plan, args, streamOptions(blob, options)))
}

/** What `apply` and `untar` have in common. */
export function archiveArguments(blob: BlobSource, options: Omit<UnpackOptions, 'plan'>): string[] {
  const { limits = {} } = options
  const pairs: readonly (readonly [string, string | number | undefined])[] = [
    ['--input', typeof blob === 'string' ? blob : undefined],
    ['--digest', options.digest],
    ['--size', options.size],
    ['--diff-id', options.diffId],
    ['--max-size', limits.size],
    ['--max-ratio', limits.ratio],
    ['--max-entries', limits.entries],
    ['--max-path', limits.path],
    ['--max-file', limits.file],
    ['--max-header', limits.header],
    ['--max-xattrs', limits.xattrs],
    ['--max-pieces', limits.pieces],
  ]
  const given = pairs.flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)]))
  return options.sync === true ? [...given, '--sync'] : given
}

/** How the blob reaches the verb, if it is no file. */
export function streamOptions(
  blob: BlobSource,
  options: { readonly signal?: AbortSignal | undefined },
): { input?: Readable | AsyncIterable<Uint8Array>; signal?: AbortSignal } {
  return {
    ...(typeof blob === 'string' ? {} : { input: blob }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  }
}

/** The verb's answer as a value. */
export function unpacked(result: Readonly<Record<string, unknown>>): Unpacked {
  return {
    diffId: String(result['diffId']) as Digest,
    digest: String(result['digest']) as Digest,
    size: Number(result['size']),
    uncompressedSize: Number(result['uncompressedSize']),
    entries: Number(result['entries']),
    skipped: Number(result['skipped']),
  }
}
