import { TspodError } from '../../base/errors.js'
import { digestOf } from '../../base/digest.js'
import { mediaTypes, type Descriptor, type Digest, type ImageManifest } from '../../oci/image-spec.js'
import { parseImageConfig, requireImage } from '../config.js'
import type { ImageSource } from '../image.js'
import { parseManifest } from '../manifest.js'
import { layersOfImage, readImageDocument, type PodmanImage, type PodmanLayer, type PodmanStore } from './store.js'

/** The bytes of a layer's archive, uncompressed. */
export type LayerBytes = (layer: PodmanLayer) => AsyncIterable<Uint8Array>

/**
 * An image of Podman's store. Its configuration is the one it came with, so the ID stays; its layers are there unpacked, so
 * the manifest is a new one that names them by their DiffIDs, which are verified when they are read.
 */
export async function podmanSource(store: PodmanStore, image: PodmanImage, bytesOf: LayerBytes): Promise<ImageSource> {
  const parsed = parseManifest(readImageDocument(store, image, 'manifest'))
  if (parsed.kind === 'index')
    throw new TspodError(
      'image-invalid',
      `image ${image.id} of Podman's store is a manifest list: name one of its images`,
    )
  requireImage(parsed.image)
  const configBytes = readImageDocument(store, image, parsed.image.config.digest)
  const { diff_ids: diffIds } = parseImageConfig(configBytes).rootfs
  const byDiffId = layersByDiffId(store, image, diffIds)
  const layers = diffIds.map((diffId): Descriptor => ({
    mediaType: mediaTypes.ociLayer,
    digest: diffId,
    size: byDiffId.get(diffId)?.size ?? 0,
  }))
  const config = { mediaType: mediaTypes.ociConfig, digest: parsed.image.config.digest, size: configBytes.length }
  const { annotations } = parsed.image
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config,
    layers,
    ...(annotations === undefined ? {} : { annotations }),
  }
  const bytes = Buffer.from(JSON.stringify(manifest))
  const raw = { bytes, mediaType: mediaTypes.ociManifest, digest: await digestOf(bytes) }
  return {
    description: `containers-storage:${image.names[0] ?? image.id}`,
    manifest: () => Promise.resolve(raw),
    async *blob({ digest }) {
      if (digest === config.digest) yield configBytes
      const layer = byDiffId.get(digest)
      if (layer !== undefined) yield* bytesOf(layer)
    },
    close: () => Promise.resolve(),
  }
}

/** A layer that was there before, perhaps under another image's chain, may lack what the topmost ones have. */
function layersByDiffId(
  store: PodmanStore,
  image: PodmanImage,
  diffIds: readonly Digest[],
): ReadonlyMap<Digest, PodmanLayer> {
  const found = new Map<Digest, PodmanLayer>()
  for (const layer of layersOfImage(store, image)) if (layer.diffId !== undefined) found.set(layer.diffId, layer)
  for (const diffId of diffIds) {
    if (found.get(diffId)?.size === undefined)
      throw new TspodError(
        'not-supported',
        `layer ${diffId} of image ${image.id} cannot be read from Podman's store: it was pulled in part, or is not there`,
      )
  }
  return found
}
