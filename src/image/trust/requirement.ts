import type { KeyObject } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { TspodError } from '../../base/errors.js'
import { digestAlgorithm, digestHex } from '../../base/digest.js'
import type { KeySource, SignedByRequirement, SigstoreRequirement } from '../../config/policy-requirement.js'
import type { Reference } from '../reference.js'
import { gpgVerify } from './gpg.js'
import { identityMatches } from './identity.js'
import { parseClaim, type SignedClaim } from './payload.js'
import { requireLogged } from './rekor.js'
import { sigstoreAnnotations, sigstoreMediaType, type Signature } from './signature.js'
import { isSignedBy, sigstorePublicKey } from './sigstore-key.js'

/** What is to be believed or not. */
export interface SignedImage {
  /** The name that was asked for, with its tag or digest; undefined where a transport has no names. */
  readonly reference: Reference | undefined
  /** Its manifest as it came. */
  readonly manifest: Uint8Array
  readonly signatures: readonly Signature[]
}

const maximumKeySize = 1024 * 1024

/**
 * Throws unless one of the signatures fulfils the requirement: by one of its keys, about this manifest, under an accepted
 * name. `folder` is for what gpg needs meanwhile.
 */
export async function requireSignature(
  requirement: SignedByRequirement | SigstoreRequirement,
  image: SignedImage,
  folder: string,
): Promise<void> {
  const check = await (requirement.type === 'signedBy' ? gpgCheck(requirement, folder) : sigstoreCheck(requirement))
  const kind = requirement.type === 'signedBy' ? 'simple' : 'sigstore'
  const reasons: string[] = []
  for (const signature of image.signatures) {
    if (signature.kind !== kind) continue
    try {
      await requireClaim(await check(signature), image, requirement)
      return
    } catch (error) {
      if (!(error instanceof TspodError) || error.code === 'host-requirement') throw error
      reasons.push(error.message)
    }
  }
  const [only] = reasons
  if (only === undefined) throw denied('a signature was required, but no signature exists')
  throw denied(reasons.length === 1 ? only : `none of the signatures were accepted, reasons: ${reasons.join('; ')}`)
}

/** Verifies one signature and answers what it says. */
type Check = (signature: Signature) => Promise<SignedClaim>

async function gpgCheck(requirement: SignedByRequirement, folder: string): Promise<Check> {
  if (requirement.keyType !== 'GPGKeys')
    throw new TspodError('not-supported', `keyType ${requirement.keyType} of policy.json cannot be checked`)
  const keys = await readKeys(requirement.keys)
  return async (signature) => {
    if (signature.kind !== 'simple') throw denied('it is no simple signature')
    return parseClaim('simple', await gpgVerify(signature.bytes, keys, folder))
  }
}

async function sigstoreCheck(requirement: SigstoreRequirement): Promise<Check> {
  if (requirement.keys === undefined)
    throw new TspodError(
      'not-supported',
      `signatures by certificates (${String(requirement.authority)} in policy.json) cannot be checked, only those by keys`,
    )
  const keys = await publicKeys(requirement.keys)
  const rekorKeys = requirement.rekorKeys === undefined ? undefined : await publicKeys(requirement.rekorKeys)
  return async (found) => {
    if (found.kind !== 'sigstore') throw denied('it is no sigstore signature')
    const { mediaType, payload, annotations } = found
    if (mediaType !== sigstoreMediaType) throw denied(`a sigstore attachment of type ${mediaType} is no signature`)
    const signature = Buffer.from(annotations[sigstoreAnnotations.signature] ?? '', 'base64')
    if (signature.length === 0) throw denied(`the annotation ${sigstoreAnnotations.signature} is missing`)
    const key = await firstThatSigned(payload, signature, keys)
    if (rekorKeys !== undefined) {
      const bundle = annotations[sigstoreAnnotations.rekorBundle]
      if (bundle === undefined) throw denied(`the annotation ${sigstoreAnnotations.rekorBundle} is missing`)
      await requireLogged(bundle, rekorKeys, { payload, signature, key })
    }
    return parseClaim('sigstore', payload)
  }
}

async function firstThatSigned(payload: Buffer, signature: Buffer, keys: readonly KeyObject[]): Promise<KeyObject> {
  for (const key of keys) if (await isSignedBy(payload, signature, key)) return key
  throw denied('cryptographic signature verification failed: the signature is by none of the accepted keys')
}

async function requireClaim(
  { digest, reference }: SignedClaim,
  image: SignedImage,
  { signedIdentity }: SignedByRequirement | SigstoreRequirement,
): Promise<void> {
  const { createHash } = await import('node:crypto')
  const found = createHash(digestAlgorithm(digest)).update(image.manifest).digest('hex')
  if (found !== digestHex(digest)) throw denied(`signature for digest ${digest} does not match`)
  if (!identityMatches(signedIdentity, image.reference, reference))
    throw denied(`signature for identity ${JSON.stringify(reference.slice(0, 300))} is not accepted`)
}

async function publicKeys(source: KeySource): Promise<readonly KeyObject[]> {
  const keys = await readKeys(source)
  const names = source.kind === 'files' ? source.paths : source.data.map((_, number) => `key ${String(number + 1)}`)
  return Promise.all(keys.map((pem, number) => sigstorePublicKey(pem, names[number] ?? 'a key')))
}

async function readKeys(source: KeySource): Promise<readonly Buffer[]> {
  if (source.kind === 'data') return source.data.map((text) => Buffer.from(text, 'base64'))
  return Promise.all(
    source.paths.map(async (path) => {
      try {
        if ((await stat(path)).size > maximumKeySize) throw new TspodError('limit-exceeded', `${path} is too large`)
        return await readFile(path)
      } catch (error) {
        if (error instanceof TspodError) throw error
        throw new TspodError('config-invalid', `reading the key ${path}: ${(error as Error).message}`, { cause: error })
      }
    }),
  )
}

function denied(why: string): TspodError {
  return new TspodError('registry-denied', why)
}
