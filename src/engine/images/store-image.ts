import { TspodError } from '../../base/errors.js'
import { completePlatform } from '../../image/platform.js'
import { copyLoaded, inParallel, rawManifest, type CopiedImage, type CopyProgress } from '../../image/copy.js'
import { toOciManifest } from '../../image/convert.js'
import type { ImageDestination, ImageSource, LoadedImage, RawManifest } from '../../image/image.js'
import { mediaTypes, type Digest } from '../../oci/image-spec.js'
import { ImageStore, type IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'
import { ensureLayer, layerStore } from './layers.js'
import { keepSignatures } from './kept-signatures.js'
import { withName } from './names.js'
import { recordFrom } from './image-record.js'
import { saveRecord } from './record.js'
import { diffIdsOf, unpackedOnTheWay } from './unpack-stream.js'

export interface StoreOptions {
  /** Names that the image gets; none leaves it without. */
  readonly names: readonly string[]
  readonly signal?: AbortSignal | undefined
}

/** Layers that are fetched and unpacked at once: as containers.conf says, or as Podman does on a small machine. */
const defaultParallel = 3

/**
 * Copies an image whose head was read into the store: layers side by side, each unpacked while it comes. The index
 * names it last, so that an image is there whole or not at all. The caller holds a lease.
 */
export async function storeImage(
  context: Context,
  source: ImageSource,
  image: CopiedImage,
  options: StoreOptions,
): Promise<void> {
  const store = new ImageStore(context.paths)
  const { engine } = await context.conf()
  const signatures = await keepSignatures(store, source, image.raw.digest, options.signal)
  const destination = unpackingDestination(context, store, image, options.signal)
  await copyLoaded(source, destination, image, {
    platform: completePlatform(),
    parallel: engine.image_parallel_copies ?? defaultParallel,
    signal: options.signal,
    onProgress: (event) => report(context, event),
    onLayer: (layer, diffId) =>
      ensureLayer(context, { layer, diffId, path: store.blobPath(layer.digest), signal: options.signal }),
  })
  context.onProgress?.({ id: '', action: 'Writing manifest to image destination', done: true })
  await nameImage(context, store, image, options.names, signatures)
}

/**
 * Writes the image's record and its lines of the index. Other tools find only OCI manifests in a layout: for one of
 * Docker's the OCI's is written beside it, and the registry's digest is remembered.
 */
export async function nameImage(
  context: Context,
  store: ImageStore,
  image: CopiedImage,
  names: readonly string[],
  signatures?: Digest,
): Promise<void> {
  const { manifest, raw } = await ociForm(store, image)
  saveRecord(context, recordFrom(raw.digest, raw.mediaType, manifest, image.config))
  const entry = { ...entryOf(image, raw), ...(signatures === undefined ? {} : { signatures }) }
  await store.update((entries) => {
    const changed =
      names.length === 0
        ? withName(entries, entry, undefined)
        : names.reduce((all, name) => withName(all, entry, name), entries)
    return { entries: changed, result: undefined }
  })
}

async function ociForm(store: ImageStore, image: CopiedImage): Promise<Pick<CopiedImage, 'manifest' | 'raw'>> {
  if (image.raw.mediaType !== mediaTypes.dockerManifest) return image
  const manifest = toOciManifest(image.manifest)
  const raw = await rawManifest(Buffer.from(JSON.stringify(manifest)), mediaTypes.ociManifest)
  await storeDestination(store).putManifest(raw)
  return { manifest, raw }
}

/** The store, which unpacks layers while they come: it is they that take the time. */
function unpackingDestination(
  context: Context,
  store: ImageStore,
  image: CopiedImage,
  signal: AbortSignal | undefined,
): ImageDestination {
  const diffIds = diffIdsOf(image.manifest.layers, image.config.rootfs.diff_ids)
  const layers = layerStore(context)
  return {
    ...storeDestination(store),
    putBlob(descriptor, open) {
      const diffId = diffIds.get(descriptor.digest)
      if (diffId === undefined) return store.putBlob(descriptor, open)
      return store.putBlob(descriptor, () => {
        const take = (bytes: AsyncIterable<Uint8Array>): ReturnType<typeof layers.takeLayer> =>
          layers.takeLayer(descriptor, diffId, bytes, { signal })?.catch((error: unknown) => {
            throw ofLayer(error, descriptor.digest)
          })
        return unpackedOnTheWay(take, () => open('as-they-come')) ?? open()
      })
    },
  }
}

/** Which of an image's layers cannot be unpacked. */
function ofLayer(error: unknown, digest: Digest): unknown {
  if (!(error instanceof TspodError) || error.message.includes(digest)) return error
  return new TspodError(error.code, `layer ${digest}: ${error.message}`, { cause: error.cause })
}

/** The store as a place to copy to. Names come by `nameImage`. */
export function storeDestination(store: ImageStore): ImageDestination {
  return {
    description: 'the image store',
    putBlob: (descriptor, open) => store.putBlob(descriptor, open),
    putManifest: (raw) => store.putBytes(raw.digest, raw.bytes),
  }
}

/** Unpacks whatever layers of a stored image are not unpacked (any more). */
export async function ensureLayers(context: Context, image: Pick<LoadedImage, 'manifest' | 'config'>): Promise<void> {
  const store = new ImageStore(context.paths)
  const tasks = image.manifest.layers.flatMap((layer, number) => {
    const diffId = image.config.rootfs.diff_ids[number]
    return diffId === undefined
      ? []
      : [() => ensureLayer(context, { layer, diffId, path: store.blobPath(layer.digest) })]
  })
  await inParallel(tasks, defaultParallel)
}

function entryOf(image: CopiedImage, raw: RawManifest): IndexEntry {
  const { architecture, os, variant } = image.config
  const isConverted = raw.digest !== image.raw.digest
  return {
    manifest: raw.digest,
    mediaType: raw.mediaType,
    size: raw.bytes.length,
    id: image.id,
    ...(isConverted ? { original: image.raw.digest } : {}),
    digests: [
      ...(isConverted ? [image.raw.digest] : []),
      ...(image.indexDigest === undefined ? [] : [image.indexDigest]),
    ],
    ...(architecture === '' ? {} : { platform: { architecture, os, ...(variant === undefined ? {} : { variant }) } }),
    history: [],
    annotations: {},
  }
}

function report(context: Context, { descriptor, kind, current, done, existed }: CopyProgress): void {
  const action = `${done && !existed ? 'Copied' : 'Copying'} ${kind === 'layer' || existed ? 'blob' : 'config'}`
  context.onProgress?.({
    id: descriptor.digest,
    action,
    ...(existed ? { remark: 'skipped: already exists' } : {}),
    current,
    total: descriptor.size,
    ...(done ? { done: true } : {}),
  })
}
