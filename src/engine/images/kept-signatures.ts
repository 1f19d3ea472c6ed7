import { isDeepStrictEqual } from 'node:util'
import { digestOf } from '../../base/digest.js'
import type { ImageSource } from '../../image/image.js'
import type { Signature } from '../../image/trust/signature.js'
import type { SignatureSet } from '../../image/trust/signature-set.js'
import type { Digest } from '../../oci/image-spec.js'
import type { ImageStore, IndexEntry } from '../../storage/images.js'

/**
 * Signatures that came with an image stay with it: in a blob that its lines of the index name, so that they come and go
 * with the image. They are about a manifest, byte for byte; as long as that is what is sent, they go along.
 */

/** Asks a source for the signatures of a manifest and keeps them; answers the blob, undefined where there are none. */
export async function keepSignatures(
  store: ImageStore,
  source: ImageSource,
  manifest: Digest,
  signal?: AbortSignal,
): Promise<Digest | undefined> {
  const signatures = (await source.signatures?.(manifest, signal)) ?? []
  return signatures.length === 0 ? undefined : storeSignatures(store, new Map([[manifest, signatures]]))
}

/** Keeps a set of signatures as a blob, of which the index does not know yet. */
export async function storeSignatures(store: ImageStore, set: SignatureSet): Promise<Digest | undefined> {
  if (set.size === 0) return undefined
  const { formatSignatureSet } = await import('../../image/trust/signature-set.js')
  const bytes = formatSignatureSet(set)
  const digest = await digestOf(bytes)
  await store.putBytes(digest, bytes)
  return digest
}

/** What is here of signatures of a manifest, whichever image or list it came with. */
export async function keptSignatures(store: ImageStore, manifest: Digest): Promise<readonly Signature[]> {
  const blobs = new Set(store.entries().flatMap(({ signatures }) => signatures ?? []))
  const found: Signature[] = []
  for (const blob of blobs) {
    const signatures = (await readSignatures(store, blob)).get(manifest) ?? []
    found.push(...signatures.filter((one) => !found.some((other) => isDeepStrictEqual(one, other))))
  }
  return found
}

/** The signatures that an entry of the index names. */
export async function signaturesOfEntry(store: ImageStore, entry: IndexEntry): Promise<SignatureSet> {
  return entry.signatures === undefined ? new Map() : readSignatures(store, entry.signatures)
}

async function readSignatures(store: ImageStore, blob: Digest): Promise<SignatureSet> {
  const { maximumSetFileSize, parseSignatureSet } = await import('../../image/trust/signature-set.js')
  return parseSignatureSet(store.readBlob(blob, maximumSetFileSize), blob)
}

/** What comes with a further pull of an image that is here: the signatures that it has by now. */
export async function renewSignatures(
  store: ImageStore,
  source: ImageSource,
  entry: IndexEntry,
  manifest: Digest,
  signal?: AbortSignal,
): Promise<void> {
  const signatures = await keepSignatures(store, source, manifest, signal)
  if (signatures === undefined || signatures === entry.signatures) return
  await store.update((entries) => ({
    entries: entries.map((one) => (one.manifest === entry.manifest ? { ...one, signatures } : one)),
    result: undefined,
  }))
}
