import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { readPolicy, requirementsFor } from '../../config/policy-json.js'
import type { ImageCheck } from '../../image/image.js'
import type { Reference } from '../../image/reference.js'
import type { Context } from '../context.js'

export interface TrustOptions {
  /** The name by which a registry's image was asked for. */
  readonly reference?: Reference
  /** `--signature-policy` */
  readonly signaturePolicy?: string | undefined
}

/**
 * Asks policy.json whether an image may be used at all; throws if not. Called before anything but its name is known, so
 * that nothing of a rejected image is ever fetched or unpacked. Every requirement has to be fulfilled: where signatures
 * are wanted, the answer is what has to be asked again with the manifest, before anything else is read.
 */
export function requireTrusted(
  context: Context,
  transport: string,
  name: string,
  { reference, signaturePolicy }: TrustOptions = {},
): ImageCheck | undefined {
  const policy = readPolicy(context.env, signaturePolicy)
  if (policy === undefined) return undefined
  const requirements = requirementsFor(policy, transport, name)
  const rejected = (why: string, cause?: unknown): TspodError =>
    new TspodError('registry-denied', `source image rejected: ${why} (${policy.path})`, { cause })
  if (requirements.some(({ type }) => type === 'reject'))
    throw rejected(`running image ${transport}:${name} is rejected by policy`)
  const wanted = requirements.flatMap((one) => (one.type === 'signedBy' || one.type === 'sigstoreSigned' ? [one] : []))
  if (wanted.length === 0) return undefined
  return async (source, { bytes: manifest, digest }, signal) => {
    const { requireSignature } = await import('../../image/trust/requirement.js')
    const signatures = (await source.signatures?.(digest, signal)) ?? []
    for (const requirement of wanted) {
      try {
        await requireSignature(requirement, { reference, manifest, signatures }, join(context.paths.runroot, 'gpg'))
      } catch (error) {
        if (!(error instanceof TspodError)) throw error
        throw rejected(error.message, error)
      }
    }
  }
}
