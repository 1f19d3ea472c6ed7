import { TspodError } from '../../base/errors.js'
import type { Digest } from '../../oci/image-spec.js'
import { maximumConfigSize, parseImageConfig, requireImage, requireSameLayers } from '../../image/config.js'
import { choosePlatform, parseManifest } from '../../image/manifest.js'
import { hostPlatform } from '../../image/platform.js'
import type { ImageStore } from '../../storage/images.js'
import { recordFrom, type ImageRecord } from './image-record.js'

/** Reads an image's manifest and configuration from the store. An index (another tool's) stands for the host's platform. */
export function readStoredImage(store: ImageStore, digest: Digest): ImageRecord {
  const parsed = parseManifest(store.readBlob(digest))
  if (parsed.kind === 'index') {
    const chosen = choosePlatform(parsed.index, hostPlatform())
    const inner = parseManifest(store.readBlob(chosen.digest))
    if (inner.kind === 'index') throw new TspodError('image-invalid', `${digest} is an index of indexes`)
    return { ...readImage(store, chosen.digest, inner), manifest: digest }
  }
  return readImage(store, digest, parsed)
}

function readImage(
  store: ImageStore,
  digest: Digest,
  parsed: Extract<ReturnType<typeof parseManifest>, { kind: 'image' }>,
): ImageRecord {
  requireImage(parsed.image)
  const config = parseImageConfig(store.readBlob(parsed.image.config.digest, maximumConfigSize))
  requireSameLayers(parsed.image, config)
  return recordFrom(digest, parsed.mediaType, parsed.image, config)
}
