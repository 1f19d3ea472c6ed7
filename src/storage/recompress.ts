import type { Descriptor, Digest } from '../oci/image-spec.js'
import { runInside } from './inside.js'
import { packed, type Packed } from './pack.js'

export interface RecompressOptions {
  readonly compression: 'none' | 'gzip' | 'zstd'
  /** Without: the format's default. */
  readonly level?: number
  readonly signal?: AbortSignal | undefined
}

/** Writes a blob anew in another compression; the old one's digest and the DiffID are verified on the way. */
export async function recompress(
  input: string,
  output: string,
  expected: Pick<Descriptor, 'digest' | 'size'> & { readonly diffId: Digest },
  options: RecompressOptions,
): Promise<Packed> {
  const args = [
    ...['--input', input, '--output', output, '--compression', options.compression],
    ...['--digest', expected.digest, '--size', String(expected.size), '--diff-id', expected.diffId],
    ...(options.level === undefined ? [] : ['--level', String(options.level)]),
  ]
  return packed(await runInside('compress', undefined, args, { signal: options.signal }))
}
