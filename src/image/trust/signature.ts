import { TspodError } from '../../base/errors.js'

/** A signature as it was found: nothing in it is trusted before it was verified. */
export type Signature = SimpleSignature | SigstoreSignature

export interface SimpleSignature {
  readonly kind: 'simple'
  readonly bytes: Buffer
}

export interface SigstoreSignature {
  readonly kind: 'sigstore'
  readonly mediaType: string
  readonly payload: Buffer
  readonly annotations: Readonly<Record<string, string>>
}

/** Larger ones, or more of them, are refused while they are read. */
export const maximumSignatureSize = 4 * 1024 * 1024
export const mostSignatures = 128

export const sigstoreMediaType = 'application/vnd.dev.cosign.simplesigning.v1+json'
/** What cosign calls the annotations of a signature's layer. */
export const sigstoreAnnotations = {
  signature: 'dev.cosignproject.cosign/signature',
  rekorBundle: 'dev.sigstore.cosign/bundle',
} as const

const sigstoreFile = Buffer.from('\0sigstore-json\n')
const simpleFile = Buffer.from('\0simple-signing\n')

/** Reads a signature's file as containers/image writes it: bare for gpg's, marked for others. */
export function parseSignatureFile(bytes: Buffer, where: string): Signature {
  if (bytes.length === 0) throw new TspodError('image-invalid', `${where} is an empty signature`)
  /* OpenPGP's packets begin with this bit. */
  if (((bytes[0] ?? 0) & 0x80) !== 0) return { kind: 'simple', bytes }
  if (begins(bytes, simpleFile)) return { kind: 'simple', bytes: bytes.subarray(simpleFile.length) }
  if (begins(bytes, sigstoreFile)) return parseSigstoreFile(bytes.subarray(sigstoreFile.length), where)
  throw new TspodError('image-invalid', `${where} is a signature of a kind that is not known`)
}

export function formatSignatureFile(signature: Signature): Buffer {
  if (signature.kind === 'simple') return signature.bytes
  const { mediaType: mimeType, payload, annotations } = signature
  return Buffer.concat([
    sigstoreFile,
    Buffer.from(JSON.stringify({ mimeType, payload: payload.toString('base64'), annotations })),
  ])
}

function parseSigstoreFile(bytes: Buffer, where: string): Signature {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new TspodError('image-invalid', `${where} is no valid sigstore signature`, { cause: error })
  }
  const { mimeType, payload, annotations } = (value ?? {}) as Readonly<Record<string, unknown>>
  if (typeof mimeType !== 'string' || typeof payload !== 'string' || typeof annotations !== 'object')
    throw new TspodError('image-invalid', `${where} is no valid sigstore signature`)
  const texts = Object.entries(annotations ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return {
    kind: 'sigstore',
    mediaType: mimeType,
    payload: Buffer.from(payload, 'base64'),
    annotations: Object.fromEntries(texts),
  }
}

function begins(bytes: Buffer, start: Buffer): boolean {
  return bytes.subarray(0, start.length).equals(start)
}
