import { TspodError } from '../../base/errors.js'
import { isDigest } from '../../base/digest.js'
import type { Digest } from '../../oci/image-spec.js'
import { formatSignatureFile, maximumSignatureSize, parseSignatureFile, type Signature } from './signature.js'

/** Signatures by the manifests that they are about; of a list of images, of several. */
export type SignatureSet = ReadonlyMap<Digest, readonly Signature[]>

/** All signatures of an image together are not larger. */
export const maximumSetSize = 4 * maximumSignatureSize

/** Of a set as it is written. */
export const maximumSetFileSize = 2 * maximumSetSize

/** A JSON object: manifest's digest to the signatures' files, in base64. The same set gives the same bytes. */
export function formatSignatureSet(set: SignatureSet): Buffer {
  const entries = [...set]
    .filter(([, signatures]) => signatures.length > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([digest, signatures]) => [digest, signatures.map((one) => formatSignatureFile(one).toString('base64'))])
  return Buffer.from(JSON.stringify(Object.fromEntries(entries)))
}

export function parseSignatureSet(bytes: Buffer, where: string): SignatureSet {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new TspodError('store-corrupt', `${where} is no set of signatures`, { cause: error })
  }
  const set = new Map<Digest, readonly Signature[]>()
  for (const [digest, files] of Object.entries((value ?? {}) as Readonly<Record<string, unknown>>)) {
    if (!isDigest(digest) || !Array.isArray(files) || !files.every((one) => typeof one === 'string'))
      throw new TspodError('store-corrupt', `${where} is no set of signatures`)
    set.set(
      digest,
      files.map((text) => parseSignatureFile(Buffer.from(text, 'base64'), where)),
    )
  }
  return set
}

/** Refuses what is too much of them, before it is kept or even read. */
export function requireModest(bytes: number, where: string): void {
  if (bytes > maximumSetSize)
    throw new TspodError('limit-exceeded', `the signatures of ${where} are larger than ${String(maximumSetSize)} bytes`)
}
