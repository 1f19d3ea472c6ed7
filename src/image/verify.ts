import { TspodError } from '../base/errors.js'
import { digestAlgorithm, digestOf } from '../base/digest.js'
import type { Descriptor } from '../oci/image-spec.js'

/**
 * Passes bytes on and checks them: more than the descriptor's size ends at once, a wrong size or digest throws at the
 * end, before the reader sees an end.
 */
export async function* verified(
  chunks: AsyncIterable<Uint8Array>,
  descriptor: Pick<Descriptor, 'digest' | 'size'>,
  onBytes?: (total: number) => void,
): AsyncGenerator<Uint8Array> {
  const { createHash } = await import('node:crypto')
  const hash = createHash(digestAlgorithm(descriptor.digest))
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > descriptor.size) throw tooLong(descriptor)
    hash.update(chunk)
    onBytes?.(size)
    yield chunk
  }
  if (size !== descriptor.size) throw wrongSize(descriptor, size)
  requireDigest(descriptor, `${digestAlgorithm(descriptor.digest)}:${hash.digest('hex')}`)
}

/** As `verified`, but only the size: for bytes whose digest is verified where they go. */
export async function* measured(
  chunks: AsyncIterable<Uint8Array>,
  descriptor: Pick<Descriptor, 'digest' | 'size'>,
  onBytes?: (total: number) => void,
): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > descriptor.size) throw tooLong(descriptor)
    onBytes?.(size)
    yield chunk
  }
  if (size !== descriptor.size) throw wrongSize(descriptor, size)
}

/** Reads a small verified blob whole. */
export async function readVerified(
  chunks: AsyncIterable<Uint8Array>,
  descriptor: Pick<Descriptor, 'digest' | 'size'>,
  maximum: number,
): Promise<Buffer> {
  if (descriptor.size > maximum) {
    throw new TspodError(
      'limit-exceeded',
      `blob ${descriptor.digest} of ${String(descriptor.size)} bytes is larger than ${String(maximum)}`,
    )
  }
  const parts: Uint8Array[] = []
  for await (const chunk of measured(chunks, descriptor)) parts.push(chunk)
  const bytes = Buffer.concat(parts)
  requireDigest(descriptor, await digestOf(bytes, digestAlgorithm(descriptor.digest)))
  return bytes
}

function requireDigest({ digest }: Pick<Descriptor, 'digest'>, found: string): void {
  if (found !== digest)
    throw new TspodError('digest-mismatch', `blob ${digest} has the wrong content: its digest is ${found}`)
}

function tooLong({ digest, size }: Pick<Descriptor, 'digest' | 'size'>): TspodError {
  return new TspodError(
    'digest-mismatch',
    `blob ${digest} is longer than the ${String(size)} bytes it was said to have`,
  )
}

function wrongSize({ digest, size }: Pick<Descriptor, 'digest' | 'size'>, found: number): TspodError {
  return new TspodError('digest-mismatch', `blob ${digest} has ${String(found)} bytes instead of ${String(size)}`)
}
