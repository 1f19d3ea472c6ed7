import type { SignedIdentity } from '../../config/policy-requirement.js'
import { formatReference, parseReference, repositoryOf, type Reference } from '../reference.js'

/**
 * Whether the name in a signature is one that a policy accepts for an image (containers-policy.json(5), “signedIdentity”).
 * `intended` is the name that was asked for, with its tag or digest; undefined where a transport has no names.
 */
export function identityMatches(rule: SignedIdentity, intended: Reference | undefined, signed: string): boolean {
  const signature = parsed(signed)
  if (signature === undefined) return false
  switch (rule.type) {
    case 'exactReference':
      return isSameReference(parsed(rule.dockerReference), signature)
    case 'exactRepository':
      return isSameRepository(parsed(rule.dockerRepository), signature)
    case 'matchExact':
      return isSameReference(intended, signature)
    case 'matchRepository':
      return isSameRepository(intended, signature)
    case 'matchRepoDigestOrExact':
      return matchesDigestOrExact(intended, signature)
    case 'remapIdentity':
      return matchesDigestOrExact(remapped(intended, rule.prefix, rule.signedPrefix), signature)
  }
}

/** By tag the names have to be the same. By digest the repository is enough: the digest in the signature is checked apart. */
function matchesDigestOrExact(intended: Reference | undefined, signed: Reference): boolean {
  if (intended?.tag === undefined && intended?.digest !== undefined)
    return isWhole(signed) && isSameRepository(intended, signed)
  return isSameReference(intended, signed)
}

function isSameReference(intended: Reference | undefined, signed: Reference): boolean {
  if (intended === undefined || !isWhole(intended) || !isWhole(signed)) return false
  return formatReference(intended) === formatReference(signed)
}

function isSameRepository(intended: Reference | undefined, signed: Reference): boolean {
  return intended !== undefined && repositoryOf(intended) === repositoryOf(signed)
}

/** No default tag is ever added to what was signed. */
function isWhole(reference: Reference): boolean {
  return reference.tag !== undefined || reference.digest !== undefined
}

function remapped(intended: Reference | undefined, prefix: string, signedPrefix: string): Reference | undefined {
  if (intended === undefined) return undefined
  const name = repositoryOf(intended)
  if (name !== prefix && !name.startsWith(`${prefix}/`)) return intended
  const moved = parsed(`${signedPrefix}${name.slice(prefix.length)}`)
  return moved === undefined ? undefined : { ...intended, domain: moved.domain, path: moved.path }
}

function parsed(text: string): Reference | undefined {
  try {
    return parseReference(text)
  } catch {
    return undefined /* What cannot be read matches nothing. */
  }
}
