import { TspodError } from '../../base/errors.js'
import { readPolicy, requirementsFor } from '../../config/policy-json.js'
import type { Context } from '../context.js'

/**
 * Asks policy.json whether an image may be used at all; throws if not. Called before anything but its name is known, so
 * that nothing of a rejected image is ever fetched or unpacked. Every requirement has to be fulfilled; one that cannot be
 * checked is not.
 */
export function requireTrusted(context: Context, transport: string, name: string, signaturePolicy?: string): void {
  const policy = readPolicy(context.env, signaturePolicy)
  if (policy === undefined) return
  for (const { type } of requirementsFor(policy, transport, name)) {
    if (type === 'insecureAcceptAnything') continue
    const why =
      type === 'reject'
        ? `running image ${transport}:${name} is rejected by policy`
        : `a signature is required (${type}), and this version of tspod cannot verify signatures`
    throw new TspodError('registry-denied', `source image rejected: ${why} (${policy.path})`)
  }
}
