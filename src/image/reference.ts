import { TspodError } from '../base/errors.js'
import { isDigest } from '../base/digest.js'
import type { Digest } from '../oci/image-spec.js'

/**
 * The name of an image as Docker reads it: `domain/path[:tag][@digest]`. The grammar is that of
 * distribution/reference; `parseReference` normalizes as Docker does, `parseFamiliar` leaves short names short.
 */
export interface Reference {
  /** `docker.io`, `localhost:5000`; empty in a short name. */
  readonly domain: string
  readonly path: string
  readonly tag?: string
  readonly digest?: Digest
}

export const defaultDomain = 'docker.io'
const maximumNameLength = 255

const domainComponent = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const domainPattern = `(?:${domainComponent}(?:\\.${domainComponent})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?`
const pathComponent = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const tagPattern = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}'
const domainOnly = new RegExp(`^${domainPattern}$`)
const pathOnly = new RegExp(`^${pathComponent}(?:/${pathComponent})*$`)
const tagOnly = new RegExp(`^${tagPattern}$`)

/** Reads a name the way Docker does: what has no registry is on docker.io, what has no folder there in `library/`. */
export function parseReference(text: string): Reference {
  const parsed = parseFamiliar(text)
  if (parsed.domain !== '') return parsed
  const path = parsed.path.includes('/') ? parsed.path : `library/${parsed.path}`
  return checkedLength({ ...parsed, domain: defaultDomain, path }, text)
}

/** Reads a name, leaving `domain` empty where none is written: `busybox`, `library/busybox:1`. */
export function parseFamiliar(text: string): Reference {
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw invalid(text, 'a name cannot be 64 hexadecimal digits')
  }
  const { name, tag, digest } = splitSuffixes(text)
  const { domain, path } = splitDomain(name)
  if (domain !== '' && !domainOnly.test(domain)) throw invalid(text)
  if (!pathOnly.test(path)) {
    throw invalid(text, pathOnly.test(path.toLowerCase()) ? 'repository name must be lowercase' : undefined)
  }
  return checkedLength(
    { domain, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) },
    text,
  )
}

/** Whether a name has no registry, so that registries.conf decides where it is. */
export function isShortName(reference: Reference): boolean {
  return reference.domain === ''
}

/** `domain/path`, without tag and digest: what RepoTags begin with. */
export function repositoryOf(reference: Reference): string {
  return reference.domain === '' ? reference.path : `${reference.domain}/${reference.path}`
}

/** The whole name. With a tag and a digest it has both. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`
  return `${repositoryOf(reference)}${tag}${digest}`
}

/** Adds `:latest` to what has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference
}

/** A name with tag and digest is, wherever it matters, the digest's. */
export function withoutTagIfDigested(reference: Reference): Reference {
  if (reference.digest === undefined || reference.tag === undefined) return reference
  return { domain: reference.domain, path: reference.path, digest: reference.digest }
}

export function isTag(text: string): boolean {
  return tagOnly.test(text)
}

/**
 * The domain is what precedes the first slash if it looks like a host: has a dot, a port, brackets, or is localhost.
 * Capitals alone make no host (distribution's newer rule): `Bad/name` is a mistake, not a server called Bad.
 */
function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/')
  const first = name.slice(0, Math.max(slash, 0))
  if (slash === -1 || (!/[.:[\]]/.test(first) && first !== 'localhost')) return { domain: '', path: name }
  const rest = name.slice(slash + 1)
  if (first !== 'index.docker.io' && first !== defaultDomain) return { domain: first, path: rest }
  return { domain: defaultDomain, path: rest.includes('/') || rest === '' ? rest : `library/${rest}` }
}

function splitSuffixes(text: string): { name: string; tag?: string; digest?: Digest } {
  const at = text.indexOf('@')
  const tagged = at === -1 ? text : text.slice(0, at)
  const digest = at === -1 ? undefined : text.slice(at + 1)
  if (digest !== undefined && !isDigest(digest)) throw invalid(text, 'invalid digest')
  const colon = tagged.indexOf(':', tagged.lastIndexOf('/') + 1)
  const tag = colon === -1 ? undefined : tagged.slice(colon + 1)
  if (tag !== undefined && !tagOnly.test(tag)) throw invalid(text)
  return {
    name: colon === -1 ? tagged : tagged.slice(0, colon),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

function checkedLength(reference: Reference, text: string): Reference {
  if (reference.path.length <= maximumNameLength) return reference
  throw invalid(text, `repository name must not be more than ${String(maximumNameLength)} characters`)
}

/** JSON quoting keeps control characters of a hostile name off the terminal. */
function invalid(text: string, why?: string): TspodError {
  const shown = JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}…` : text)
  return new TspodError('invalid-reference', `invalid reference format: ${why === undefined ? '' : `${why}: `}${shown}`)
}
