import { TspodError } from '../../base/errors.js'
import { inParallel } from '../../image/copy.js'
import type { RawManifest } from '../../image/image.js'
import { parseManifest } from '../../image/manifest.js'
import { formatReference, parseReference, withDefaultTag, type Reference } from '../../image/reference.js'
import { RegistryDestination } from '../../image/registry/destination.js'
import type { Signature } from '../../image/trust/signature.js'
import type { SignatureSet } from '../../image/trust/signature-set.js'
import type { Descriptor, Digest } from '../../oci/image-spec.js'
import { digestOfEntry } from '../../storage/image-index.js'
import { ImageStore, type IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'
import { emitImageEvent } from '../events/write.js'
import { registryOptions } from './access.js'
import { withLease } from './collect.js'
import { keptSignatures } from './kept-signatures.js'
import { findImage, splitName, type Found } from './lookup.js'
import { outgoingImage } from './outgoing.js'
import { bareId, imageNotKnown, recordOf, recordOfEntry } from './record.js'
import type { Signer } from './signers.js'
import { parseTransport } from './transports.js'
import type { PushedImage, PushOptions } from './types.js'

const defaultParallel = 3

type SendOptions = PushOptions & {
  readonly signer: Signer | undefined
  /** What came with a manifest of the image and goes along with it. */
  readonly kept: (manifest: Digest) => readonly Signature[]
}

/** As `sendTo`, and tells of it. */
export async function pushImage(
  context: Context,
  name: string,
  destination?: string,
  options: PushOptions = {},
): Promise<PushedImage> {
  const pushed = await sendTo(context, name, destination, options)
  const found = await findImage(context, new ImageStore(context.paths).entries(), name)
  const id = found?.entry.id
  emitImageEvent(context, 'push', { ...(id === undefined ? {} : { ID: bareId(id) }), Name: destination ?? pushed.name })
  return pushed
}

/** Sends an image to a registry, or by a transport into an archive or a folder. Without a destination it goes where its name says. */
async function sendTo(
  context: Context,
  name: string,
  destination: string | undefined,
  options: PushOptions,
): Promise<PushedImage> {
  const transport = destination === undefined ? undefined : parseTransport(destination)
  if (transport !== undefined && transport.name !== 'docker') {
    const { pushToArchive } = await import('./push-archive.js')
    return pushToArchive(context, name, transport, options)
  }
  /* Nobody may collect the blobs while they are sent. */
  return withLease(context, async () => {
    const store = new ImageStore(context.paths)
    const found = await findImage(context, store.entries(), name)
    if (found === undefined) throw imageNotKnown(name)
    const reference = referenceOf(name, found, transport?.path ?? destination)
    return pushToRegistry(context, store, found.entry, reference, options)
  })
}

/** The entry's image, or its index with all of its images. */
export async function pushToRegistry(
  context: Context,
  store: ImageStore,
  entry: IndexEntry,
  reference: Reference,
  options: PushOptions,
): Promise<PushedImage> {
  const access = registryOptions(context, options)
  const from = await repositoriesOnSameRegistry(context, store, reference)
  const signer = await signerFor(context, reference, options)
  const target = new RegistryDestination(reference, access, {
    mountFrom: (digest) => from.get(digest as Digest) ?? [],
    onBlob: ({ digest }, how) =>
      context.onProgress?.({
        id: digest,
        action: how === 'existed' ? 'Copying blob (already there)' : how === 'mounted' ? 'Mounted blob' : 'Copied blob',
        done: true,
      }),
  })
  try {
    const signatures = await signaturesToSend(store, entry, options)
    const kinds = [...signatures.values()].flat().map(({ kind }) => kind)
    await target.requireSignable([...kinds, ...(signer?.kinds ?? [])], options.signal)
    const how = { ...options, signer, kept: (manifest: Digest) => signatures.get(manifest) ?? [] }
    const send = isIndex(entry) ? sendIndex : sendImage
    const digest = await send(context, store, entry, target, how)
    return { digest, name: formatReference(withDefaultTag(reference)) }
  } finally {
    await target.close()
  }
}

async function sendImage(
  context: Context,
  store: ImageStore,
  entry: IndexEntry,
  target: RegistryDestination,
  options: SendOptions,
): Promise<Digest> {
  const record = await recordOfEntry(context, store, entry)
  const isSigned = options.kept(digestOfEntry(entry)).length > 0
  using image = await outgoingImage(context, store, entry, record, { ...options, unchanged: isSigned })
  const { engine } = await context.conf()
  const tasks = image.blobs
    /* What its maker forbids to pass on stays where its `urls` say. */
    .filter((blob) => blob.urls === undefined || blob.urls.length === 0)
    .map((blob) => () => sendBlob(context, target, blob, () => image.open(blob), options.signal))
  await inParallel(tasks, engine.image_parallel_copies ?? defaultParallel)
  context.onProgress?.({ id: '', action: 'Writing manifest to image destination', done: true })
  await putManifest(target, image.raw, false, options)
  return image.raw.digest
}

async function sendBlob(
  context: Context,
  target: RegistryDestination,
  blob: Descriptor,
  open: () => AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const report = (current: number): void =>
    context.onProgress?.({ id: blob.digest, action: 'Copying blob', current, total: blob.size })
  report(0)
  await target.putBlob(blob, () => counted(open(), report), signal)
}

/** Every image of an index by its digest, then the index: its bytes stay what they are. */
async function sendIndex(
  context: Context,
  store: ImageStore,
  entry: IndexEntry,
  target: RegistryDestination,
  options: SendOptions,
): Promise<Digest> {
  if (options.compression !== undefined || options.format !== undefined) {
    throw new TspodError(
      'not-supported',
      'a manifest list is pushed as it is: another format or compression would change the digests that it names',
    )
  }
  const bytes = store.readBlob(entry.manifest)
  const parsed = parseManifest(bytes, entry.mediaType)
  if (parsed.kind !== 'index')
    throw new TspodError('store-corrupt', `${entry.manifest} is not the index it is said to be`)
  for (const { digest, mediaType } of parsed.index.manifests) {
    if (!store.hasBlob(digest)) {
      throw new TspodError(
        'image-invalid',
        `manifest ${digest} of the list is not in the local store: pull its image, or remove it from the list`,
      )
    }
    await sendMember(context, store, { bytes: store.readBlob(digest), mediaType, digest }, target, options)
  }
  await putManifest(target, { bytes, mediaType: parsed.mediaType, digest: entry.manifest }, false, options)
  return entry.manifest
}

async function sendMember(
  context: Context,
  store: ImageStore,
  raw: RawManifest,
  target: RegistryDestination,
  options: SendOptions,
): Promise<void> {
  const parsed = parseManifest(raw.bytes, raw.mediaType)
  if (parsed.kind === 'index') throw new TspodError('not-supported', `${raw.digest} is a list in a list`)
  const { verified } = await import('../../image/verify.js')
  const blobs = [...new Map([...parsed.image.layers, parsed.image.config].map((one) => [one.digest, one])).values()]
  const tasks = blobs.map(
    (blob) => () =>
      sendBlob(context, target, blob, () => verified(store.streamBlob(blob.digest), blob), options.signal),
  )
  await inParallel(tasks, defaultParallel)
  await putManifest(target, raw, true, options)
}

/** Loads gpg and keys only where something is to be signed. */
async function signerFor(context: Context, reference: Reference, options: PushOptions): Promise<Signer | undefined> {
  const { signBy, signBySigstore, signBySigstorePrivateKey } = options
  if ((signBy ?? signBySigstore ?? signBySigstorePrivateKey) === undefined) return undefined
  return (await import('./signers.js')).openSigner(context, reference, options)
}

/** By the manifest that they are about: the image's own, or each of a list's. */
async function signaturesToSend(
  store: ImageStore,
  entry: IndexEntry,
  { removeSignatures = false }: PushOptions,
): Promise<SignatureSet> {
  const found = new Map<Digest, readonly Signature[]>()
  if (removeSignatures) return found
  const manifests = [digestOfEntry(entry), ...(isIndex(entry) ? membersOf(store, entry) : [])]
  for (const manifest of manifests) {
    const signatures = await keptSignatures(store, manifest)
    if (signatures.length > 0) found.set(manifest, signatures)
  }
  return found
}

function membersOf(store: ImageStore, { manifest, mediaType }: IndexEntry): readonly Digest[] {
  const parsed = parseManifest(store.readBlob(manifest), mediaType)
  return parsed.kind === 'index' ? parsed.index.manifests.map(({ digest }) => digest) : []
}

/** A manifest that cannot be signed is not sent; its signatures come after it. */
async function putManifest(
  target: RegistryDestination,
  raw: RawManifest,
  inner: boolean,
  { signer, signal, kept }: SendOptions,
): Promise<void> {
  const signatures = [...kept(raw.digest), ...((await signer?.sign(raw.digest)) ?? [])]
  await target.putManifest(raw, inner, signal)
  await target.putSignatures(raw.digest, signatures, signal)
}

function isIndex(entry: IndexEntry): boolean {
  return /index|list/.test(entry.mediaType)
}

/** Without a destination, the image's own name; an ID alone says nothing of where to. */
function referenceOf(name: string, found: Found, destination: string | undefined): Reference {
  const text = destination ?? found.name
  if (text === undefined) throw new TspodError('invalid-argument', `${name} names no registry: say where to push it`)
  const reference = parseReference(text)
  if (reference.domain === 'localhost' && destination === undefined) {
    throw new TspodError(
      'invalid-argument',
      `${found.name ?? name} is a local name: say where to push it, or give it the name of a registry by tspod tag`,
    )
  }
  return reference
}

/** Digest ─► paths of the repositories on the registry that, by their local names, have it. */
async function repositoriesOnSameRegistry(
  context: Context,
  store: ImageStore,
  reference: Reference,
): Promise<ReadonlyMap<Digest, readonly string[]>> {
  const found = new Map<Digest, string[]>()
  for (const entry of store.entries()) {
    for (const name of [...(entry.name === undefined ? [] : [entry.name]), ...entry.history]) {
      const { repository } = splitName(name)
      if (!repository.startsWith(`${reference.domain}/`) || isIndex(entry)) continue
      const path = repository.slice(reference.domain.length + 1)
      const { layers, id } = await recordOf(context, store, entry.manifest)
      for (const digest of [id, ...layers.map((layer) => layer.digest)]) {
        const paths = found.get(digest) ?? []
        if (!paths.includes(path)) found.set(digest, [...paths, path])
      }
    }
  }
  return found
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (total: number) => void,
): AsyncGenerator<Uint8Array> {
  let total = 0
  for await (const chunk of chunks) {
    total += chunk.length
    onBytes(total)
    yield chunk
  }
}
