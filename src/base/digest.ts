import { TspodError } from './errors.js'
import { sha256 } from './syscalls.js'
import type { Digest } from '../oci/image-spec.js'

/** The algorithms whose digests we can check. Everything else is refused before it becomes a path or a URL. */
const hexLengths: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 }

/** image-spec, “Digests”: `algorithm:hex`, only algorithms that we can verify, only lower-case hexadecimal. */
export function isDigest(text: unknown): text is Digest {
  if (typeof text !== 'string' || text.length > 136) return false
  const colon = text.indexOf(':')
  const length = hexLengths[text.slice(0, colon)]
  return length !== undefined && text.length === colon + 1 + length && /^[0-9a-f]+$/.test(text.slice(colon + 1))
}

export function parseDigest(text: unknown): Digest {
  if (isDigest(text)) return text
  throw new TspodError('invalid-reference', `invalid digest ${JSON.stringify(String(text).slice(0, 200))}`)
}

/** `sha256` of `sha256:…`. */
export function digestAlgorithm(digest: Digest): string {
  return digest.slice(0, digest.indexOf(':'))
}

/** What follows the algorithm. Safe as a file name, since a Digest was parsed. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}

/** The first twelve digits, as people see them. */
export function shortDigest(digest: Digest): string {
  return digestHex(digest).slice(0, 12)
}

/** Up to so many bytes take less time than loading node:crypto, whose digests are faster. */
const small = 256 * 1024

/** The digest of bytes in memory. */
export async function digestOf(bytes: Uint8Array, algorithm = 'sha256'): Promise<Digest> {
  if (algorithm === 'sha256' && bytes.length <= small) return `sha256:${sha256(bytes).toString('hex')}`
  const { createHash } = await import('node:crypto')
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}

/** The SHA-256 of a text, as 64 hexadecimal digits. */
export function hexDigestOf(text: string): string {
  return sha256(Buffer.from(text)).toString('hex')
}
