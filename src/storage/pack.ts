import type { Readable } from 'node:stream'
import type { Digest } from '../oci/image-spec.js'
import type { UsernsPlan } from '../runtime/protocol.js'
import { runInside, type InsideOptions, type InsideResult } from './inside.js'

export interface PackOptions {
  readonly plan: UsernsPlan
  /** A path that is written anew, an open descriptor, or who reads the bytes. */
  readonly output: string | number | ((chunks: Readable) => Promise<void>)
  readonly compression?: 'none' | 'gzip' | 'zstd'
  readonly level?: number
  /** Seconds since 1970: the time of every entry. */
  readonly mtime?: number
  /** Entries that are older keep their time. */
  readonly onlyLater?: boolean
  /** Paths that are left out with what is below them, without a slash in front. */
  readonly exclude?: readonly string[]
  /** Paths that are left out as long as they are empty. */
  readonly stubs?: readonly string[]
  /** An empty folder that gets the archive's content meanwhile, as `unpackLayer` would write it; on the disk in the end. */
  readonly unpackTo?: string
  readonly signal?: AbortSignal | undefined
}

export interface Packed {
  /** Of the tar archive. */
  readonly diffId: Digest
  /** Of what was written, which may be compressed. */
  readonly digest: Digest
  readonly size: number
  readonly uncompressedSize: number
  readonly entries: number
}

/**
 * Makes a layer's blob from what a container changed: an overlay's upper folder, or, without an overlay, all that differs
 * between `folder` and `base`. The same tree gives the same bytes.
 */
export async function packLayer(folder: string, options: PackOptions & { readonly base?: string }): Promise<Packed> {
  return packed(await runInside('pack', options.plan, layerArguments(folder, options), packStreams(options)))
}

/** What follows the verb and its user namespace. */
export function layerArguments(
  folder: string,
  options: Omit<PackOptions, 'plan' | 'output'> & { readonly base?: string; readonly output?: PackOptions['output'] },
): string[] {
  return ['--root', folder, ...(options.base === undefined ? [] : ['--base', options.base]), ...packArguments(options)]
}

/** What `pack` and `tar` have in common. */
export function packArguments(options: Partial<PackOptions>): string[] {
  return [
    ...(typeof options.output === 'string' ? ['--output', options.output] : []),
    ...(options.compression === undefined ? [] : ['--compression', options.compression]),
    ...(options.level === undefined ? [] : ['--level', String(options.level)]),
    ...(options.mtime === undefined ? [] : ['--mtime', String(options.mtime)]),
    ...(options.onlyLater === true ? ['--only-later'] : []),
    ...(options.exclude ?? []).flatMap((path) => ['--exclude', path]),
    ...(options.stubs ?? []).flatMap((path) => ['--stub', path]),
    ...(options.unpackTo === undefined ? [] : ['--unpack', options.unpackTo]),
  ]
}

/** Where the archive goes, if not into a file. */
export function packStreams(options: PackOptions): Pick<InsideOptions, 'outputFd' | 'output' | 'signal'> {
  return {
    ...(typeof options.output === 'function' ? { output: options.output } : {}),
    ...(typeof options.output === 'number' ? { outputFd: options.output } : {}),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  }
}

/** The verb's answer as a value. */
export function packed(result: InsideResult): Packed {
  return {
    diffId: String(result['diffId']) as Digest,
    digest: String(result['digest']) as Digest,
    size: Number(result['size']),
    uncompressedSize: Number(result['uncompressedSize']),
    entries: Number(result['entries']),
  }
}
