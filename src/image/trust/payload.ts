import { TspodError } from '../../base/errors.js'
import { isDigest } from '../../base/digest.js'
import type { Digest } from '../../oci/image-spec.js'

/** What is signed: this manifest goes by this name (containers-signature(5)). */
export interface SignedClaim {
  readonly digest: Digest
  readonly reference: string
}

/** Who says so: the type in the document. */
const types = { simple: 'atomic container signature', sigstore: 'cosign container image signature' } as const

const creator = 'tspod'

/** The bytes that get signed. */
export function formatClaim(kind: keyof typeof types, { digest, reference }: SignedClaim, now: Date): Buffer {
  const critical = {
    identity: { 'docker-reference': reference },
    image: { 'docker-manifest-digest': digest },
    type: types[kind],
  }
  return Buffer.from(JSON.stringify({ critical, optional: { creator, timestamp: Math.floor(now.getTime() / 1000) } }))
}

/** Reads what was signed, after it was verified. What has more in its critical part than we know says more than we understand. */
export function parseClaim(kind: keyof typeof types, payload: Buffer): SignedClaim {
  let value: unknown
  try {
    value = JSON.parse(payload.toString('utf8'))
  } catch (error) {
    throw new TspodError('image-invalid', 'the signed text is not JSON', { cause: error })
  }
  const document = exactly(value, ['critical', 'optional'], 'the signed text')
  const critical = exactly(document['critical'], ['identity', 'image', 'type'], 'its critical part')
  if (critical['type'] !== types[kind]) throw invalid(`its type is ${JSON.stringify(critical['type'])}`)
  const digest = exactly(critical['image'], ['docker-manifest-digest'], 'its image')['docker-manifest-digest']
  const reference = exactly(critical['identity'], ['docker-reference'], 'its identity')['docker-reference']
  if (!isDigest(digest)) throw invalid('it names no digest')
  if (typeof reference !== 'string') throw invalid('it names no image')
  return { digest, reference }
}

function exactly(value: unknown, keys: readonly string[], what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${what} is no object`)
  const found = Object.keys(value)
  if (found.length !== keys.length || !keys.every((key) => found.includes(key)))
    throw invalid(`${what} has not exactly ${keys.join(', ')}`)
  return value as Readonly<Record<string, unknown>>
}

function invalid(why: string): TspodError {
  return new TspodError('image-invalid', `the signed text is not valid: ${why}`)
}
