import { TspodError } from '../base/errors.js'
import { isDigest } from '../base/digest.js'
import { mediaTypes } from '../oci/image-spec.js'
import type { Descriptor, Digest, ImageIndex, Platform } from '../oci/image-spec.js'

/** One line of the store's index.json: an image under one name, or under none. */
export interface IndexEntry {
  readonly manifest: Digest
  readonly mediaType: string
  readonly size: number
  /** `docker.io/library/busybox:latest`, or with `@sha256:…` where it was pulled by digest. */
  readonly name?: string
  /** The digest of its configuration. Absent if another tool wrote the entry. */
  readonly id?: Digest
  /** Docker's manifest that the OCI's was made from: what its registry calls it by. Its blob is kept, too. */
  readonly original?: Digest
  /** The blob of the signatures that came with it. */
  readonly signatures?: Digest
  /** Digests it is known by besides the manifest's: the index's that it was chosen from. */
  readonly digests: readonly Digest[]
  readonly platform?: Platform
  /** Names it had, the newest last. */
  readonly history: readonly string[]
  /** What others annotated. */
  readonly annotations: Readonly<Record<string, string>>
}

const nameKey = 'org.opencontainers.image.ref.name'
const idKey = 'dev.tspod.image.id'
const originalKey = 'dev.tspod.image.original'
const signaturesKey = 'dev.tspod.image.signatures'
const digestsKey = 'dev.tspod.image.digests'
const historyKey = 'dev.tspod.image.names'
const longestHistory = 32

/** Reads the parsed index.json of a store; what other tools added is kept as it is. */
export function parseStoreIndex(value: unknown, path: string): IndexEntry[] {
  if (!isObject(value) || value['schemaVersion'] !== 2 || !Array.isArray(value['manifests'])) {
    throw new TspodError('store-corrupt', `${path} is not an OCI index`)
  }
  return value['manifests'].map((one: unknown) => parseEntry(one, path))
}

/** The text of index.json. */
export function formatStoreIndex(entries: readonly IndexEntry[]): string {
  const index: ImageIndex = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: entries.map(descriptorOf) }
  return JSON.stringify(index)
}

/** The digest that an entry's image has for everybody else. */
export function digestOfEntry(entry: Pick<IndexEntry, 'manifest' | 'original'>): Digest {
  return entry.original ?? entry.manifest
}

/** Adds a name to what a line remembers of its names. */
export function withHistory(history: readonly string[], name: string): readonly string[] {
  return [...history.filter((one) => one !== name), name].slice(-longestHistory)
}

function parseEntry(value: unknown, path: string): IndexEntry {
  if (!isObject(value)) throw new TspodError('store-corrupt', `${path} has an entry that is no descriptor`)
  const { mediaType, digest, size } = value
  if (typeof mediaType !== 'string' || !isDigest(digest) || typeof size !== 'number') {
    throw new TspodError('store-corrupt', `${path} has an entry that is no descriptor`)
  }
  const all = isObject(value['annotations']) ? value['annotations'] : {}
  const {
    [nameKey]: name,
    [idKey]: id,
    [originalKey]: original,
    [signaturesKey]: signatures,
    [digestsKey]: digests,
    [historyKey]: history,
    ...rest
  } = all
  const annotations = Object.fromEntries(
    Object.entries(rest).filter((one): one is [string, string] => typeof one[1] === 'string'),
  )
  const platform = platformOf(value['platform'])
  return {
    manifest: digest,
    mediaType,
    size,
    ...(typeof name === 'string' && name !== '' ? { name } : {}),
    ...(isDigest(id) ? { id } : {}),
    ...(isDigest(original) ? { original } : {}),
    ...(isDigest(signatures) ? { signatures } : {}),
    digests: typeof digests === 'string' ? digests.split(' ').filter(isDigest) : [],
    ...(platform === undefined ? {} : { platform }),
    history: typeof history === 'string' ? history.split(' ').filter((one) => one !== '') : [],
    annotations,
  }
}

function descriptorOf(entry: IndexEntry): Descriptor {
  const annotations = {
    ...(entry.name === undefined ? {} : { [nameKey]: entry.name }),
    ...(entry.id === undefined ? {} : { [idKey]: entry.id }),
    ...(entry.original === undefined ? {} : { [originalKey]: entry.original }),
    ...(entry.signatures === undefined ? {} : { [signaturesKey]: entry.signatures }),
    ...(entry.digests.length === 0 ? {} : { [digestsKey]: entry.digests.join(' ') }),
    ...(entry.history.length === 0 ? {} : { [historyKey]: entry.history.join(' ') }),
    ...entry.annotations,
  }
  return {
    mediaType: entry.mediaType,
    digest: entry.manifest,
    size: entry.size,
    ...(entry.platform === undefined ? {} : { platform: entry.platform }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  }
}

function platformOf(value: unknown): Platform | undefined {
  if (!isObject(value) || typeof value['architecture'] !== 'string' || typeof value['os'] !== 'string') return undefined
  return value as unknown as Platform
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
