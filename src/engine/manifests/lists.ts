import { TspodError } from '../../base/errors.js'
import { digestOf } from '../../base/digest.js'
import { parseManifest, requireObject } from '../../image/manifest.js'
import type { SignatureSet } from '../../image/trust/signature-set.js'
import { mediaTypes, type Digest } from '../../oci/image-spec.js'
import type { ImageStore, IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'
import { signaturesOfEntry, storeSignatures } from '../images/kept-signatures.js'
import { findImage } from '../images/lookup.js'
import { withName } from '../images/names.js'
import { imageNotKnown } from '../images/record.js'
import { storeDestination } from '../images/store-image.js'

/** A manifest list as it is written: with every field that somebody has put into it. */
export interface ListDocument {
  readonly schemaVersion: 2
  readonly mediaType: string
  readonly manifests: readonly Readonly<Record<string, unknown>>[]
  readonly annotations?: Readonly<Record<string, string>>
}

export interface StoredList {
  readonly entry: IndexEntry
  readonly document: ListDocument
}

export function isList(entry: Pick<IndexEntry, 'mediaType'>): boolean {
  return entry.mediaType === mediaTypes.ociIndex || entry.mediaType === mediaTypes.dockerList
}

/** A local manifest list by name or ID; undefined if there is none, or it is an image. */
export async function findList(context: Context, store: ImageStore, name: string): Promise<StoredList | undefined> {
  const found = await findImage(context, store.entries(), name)
  if (found === undefined || !isList(found.entry)) return undefined
  return { entry: found.entry, document: readList(store, found.entry) }
}

export async function requireList(context: Context, store: ImageStore, name: string): Promise<StoredList> {
  const found = await findImage(context, store.entries(), name)
  if (found === undefined) throw imageNotKnown(name)
  if (!isList(found.entry)) throw new TspodError('invalid-argument', `${name}: image is not a manifest list`)
  return { entry: found.entry, document: readList(store, found.entry) }
}

/** Keeps a new list under a name, and what signatures its images came with. */
export async function saveList(
  store: ImageStore,
  document: ListDocument,
  name: string,
  signatures: SignatureSet = new Map(),
): Promise<Digest> {
  const entry = { ...(await writeList(store, document)), ...(await signaturesField(store, signatures)) }
  await store.update((entries) => ({ entries: withName(entries, entry, name), result: undefined }))
  return entry.manifest
}

/** Changes a list: its digest, and with it its ID, become others, its names and its images' signatures stay. */
export async function changeList(
  context: Context,
  store: ImageStore,
  name: string,
  change: (document: ListDocument) => ListDocument,
  added: SignatureSet = new Map(),
): Promise<Digest> {
  const before = await requireList(context, store, name)
  const signatures = new Map([...(await signaturesOfEntry(store, before.entry)), ...added])
  const written = await writeList(store, change(before.document))
  const after = { ...written, ...(await signaturesField(store, signatures)) }
  return store.update((entries) => {
    /* Somebody else may have changed it between: then his change would be lost. */
    if (!entries.some((one) => one.manifest === before.entry.manifest))
      throw new TspodError('store-corrupt', `${name} was changed by somebody else meanwhile: try again`)
    const changed = entries.map((one) =>
      one.manifest === before.entry.manifest ? { ...one, ...after, history: one.history, digests: [] } : one,
    )
    return { entries: changed, result: after.manifest }
  })
}

async function signaturesField(store: ImageStore, set: SignatureSet): Promise<Pick<IndexEntry, 'signatures'>> {
  const signatures = await storeSignatures(store, set)
  return signatures === undefined ? {} : { signatures }
}

async function writeList(store: ImageStore, document: ListDocument): Promise<IndexEntry> {
  const bytes = Buffer.from(JSON.stringify(document))
  parseManifest(bytes, document.mediaType)
  const digest = await digestOf(bytes)
  await storeDestination(store).putManifest({ bytes, mediaType: document.mediaType, digest })
  return {
    manifest: digest,
    mediaType: document.mediaType,
    size: bytes.length,
    id: digest,
    digests: [],
    history: [],
    annotations: {},
  }
}

function readList(store: ImageStore, entry: IndexEntry): ListDocument {
  const bytes = store.readBlob(entry.manifest)
  const parsed = parseManifest(bytes, entry.mediaType)
  if (parsed.kind !== 'index') throw new TspodError('store-corrupt', `${entry.manifest} is not a manifest list`)
  /* As it was written: what is parsed has only the fields that we know. */
  const raw = requireObject(JSON.parse(bytes.toString('utf8')), 'the manifest list')
  const manifests = (raw['manifests'] as readonly unknown[]).map((one) => requireObject(one, 'a manifest of the list'))
  return { ...raw, schemaVersion: 2, mediaType: parsed.mediaType, manifests }
}
