import { TspodError } from '../../base/errors.js'
import { isDigest } from '../../base/digest.js'
import type { Digest } from '../../oci/image-spec.js'
import {
  formatReference,
  parseFamiliar,
  parseReference,
  repositoryOf,
  withDefaultTag,
  type Reference,
} from '../../image/reference.js'
import type { IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'

export interface Found {
  readonly entry: IndexEntry
  /** The name that matched; undefined where it was an ID or a digest. */
  readonly name?: string
}

/**
 * Finds a local image as Podman does: by whole ID, by name (as `localhost/…`, by alias, on the search registries, on
 * docker.io), by the beginning of an ID, and at last by the end of a name (`busybox` for `host:5000/busybox`).
 */
export async function findImage(
  context: Context,
  entries: readonly IndexEntry[],
  text: string,
): Promise<Found | undefined> {
  const whole = byWholeId(entries, text)
  if (whole !== undefined) return whole
  const reference = parseOrUndefined(text)
  if (reference !== undefined) {
    const found = reference.domain === '' ? await byShortName(context, entries, reference) : byName(entries, reference)
    if (found !== undefined) return found
  }
  return byIdPrefix(entries, text) ?? (reference?.domain === '' ? byNameEnd(entries, reference) : undefined)
}

/** The exact name of a reference that has its registry. */
export function byName(entries: readonly IndexEntry[], reference: Reference): Found | undefined {
  if (reference.digest !== undefined) return byRepositoryDigest(entries, reference, reference.digest)
  const name = formatReference(withDefaultTag(reference))
  const entry = entries.find((one) => one.name === name)
  return entry === undefined ? undefined : { entry, name }
}

/** `repository:tag` or `repository@digest` of an entry's name. */
export function splitName(name: string): { repository: string; tag?: string; digest?: string } {
  const at = name.indexOf('@')
  if (at !== -1) return { repository: name.slice(0, at), digest: name.slice(at + 1) }
  const colon = name.lastIndexOf(':')
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) }
}

function byWholeId(entries: readonly IndexEntry[], text: string): Found | undefined {
  const digest = /^[0-9a-f]{64}$/.test(text) ? (`sha256:${text}` as Digest) : text
  if (!isDigest(digest)) return undefined
  const entry = entries.find((one) => one.id === digest) ?? entries.find((one) => hasDigest(one, digest))
  return entry === undefined ? undefined : { entry }
}

function byRepositoryDigest(entries: readonly IndexEntry[], reference: Reference, digest: Digest): Found | undefined {
  const repository = repositoryOf(reference)
  const ids = new Set(entries.filter((one) => hasDigest(one, digest)).map((one) => one.id))
  const named = entries.find(
    (one) => ids.has(one.id) && one.name !== undefined && splitName(one.name).repository === repository,
  )
  if (named === undefined) return undefined
  const entry = entries.find((one) => one.id === named.id && hasDigest(one, digest)) ?? named
  return { entry, name: `${repository}@${digest}` }
}

/* The usual case, one image whose name ends so, needs no registries.conf: whichever rule found it, it would be this one. */
async function byShortName(
  context: Context,
  entries: readonly IndexEntry[],
  reference: Reference,
): Promise<Found | undefined> {
  const local = byName(entries, { ...reference, domain: 'localhost' })
  if (local !== undefined) return local
  if (!/^[0-9a-f]+$/.test(reference.path)) {
    const ending = endingIn(entries, reference)
    if (ending.length === 1) return ending[0]
  }
  const { shortNameCandidates } = await import('./short-names.js')
  for (const candidate of shortNameCandidates(context, reference)) {
    const found = byName(entries, candidate)
    if (found !== undefined) return found
  }
  return byName(entries, parseReference(formatReference(reference)))
}

function byIdPrefix(entries: readonly IndexEntry[], text: string): Found | undefined {
  const prefix = text.startsWith('sha256:') ? text : `sha256:${text}`
  if (!/^sha256:[0-9a-f]+$/.test(prefix)) return undefined
  const matching = entries.filter((one) => one.id?.startsWith(prefix) === true)
  const [entry] = matching
  if (entry === undefined) return undefined
  if (new Set(matching.map((one) => one.id)).size > 1) {
    throw new TspodError('ambiguous-name', `the ID ${text} is the beginning of more than one image's`)
  }
  return { entry }
}

function byNameEnd(entries: readonly IndexEntry[], reference: Reference): Found | undefined {
  return endingIn(entries, reference)[0]
}

function endingIn(entries: readonly IndexEntry[], reference: Reference): Found[] {
  const { tag, digest } = withDefaultTag(reference)
  return entries.flatMap((entry) => {
    if (entry.name === undefined) return []
    const name = splitName(entry.name)
    if (name.repository !== reference.path && !name.repository.endsWith(`/${reference.path}`)) return []
    if (digest === undefined ? name.tag !== tag : !hasDigest(entry, digest)) return []
    return [{ entry, name: entry.name }]
  })
}

function hasDigest(entry: IndexEntry, digest: Digest): boolean {
  return entry.manifest === digest || entry.digests.includes(digest)
}

function parseOrUndefined(text: string): Reference | undefined {
  try {
    return parseFamiliar(text)
  } catch {
    return undefined /* It may still be an ID. */
  }
}
