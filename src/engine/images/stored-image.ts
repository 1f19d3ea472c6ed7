import { TspodError } from '../../base/errors.js'
import type { Digest, ImageIndex, Platform } from '../../oci/image-spec.js'
import { maximumConfigSize, parseImageConfig, requireImage, requireSameLayers } from '../../image/config.js'
import { choosePlatform, parseManifest } from '../../image/manifest.js'
import { hostPlatform } from '../../image/platform.js'
import type { ImageStore } from '../../storage/images.js'
import { recordFrom, type ImageRecord } from './image-record.js'

/** Reads an image's manifest and configuration from the store. A list of images is known by its own digest. */
export function readStoredImage(store: ImageStore, digest: Digest): ImageRecord {
  const bytes = store.readBlob(digest)
  const parsed = parseManifest(bytes)
  return parsed.kind === 'index' ? listRecord(store, digest, parsed, bytes.length) : readImage(store, digest, parsed)
}

/** The image of a list that is for a platform, without one for the host's. */
export function memberOfList(store: ImageStore, digest: Digest, platform: Platform = hostPlatform()): Digest {
  const parsed = parseManifest(store.readBlob(digest))
  if (parsed.kind !== 'index') return digest
  const chosen = choosePlatform(parsed.index, platform).digest
  if (store.hasBlob(chosen)) return chosen
  throw new TspodError('no-such-image', `the image ${chosen} of the list ${digest} is not in the local store`)
}

function listRecord(
  store: ImageStore,
  digest: Digest,
  { mediaType, index }: Extract<ReturnType<typeof parseManifest>, { kind: 'index' }>,
  size: number,
): ImageRecord {
  return {
    version: 1,
    manifest: digest,
    mediaType,
    id: digest,
    created: newestOf(store, index),
    author: '',
    comment: '',
    architecture: '',
    os: '',
    config: {},
    configSize: size,
    diffIds: [],
    layers: [],
    history: [],
    annotations: index.annotations ?? {},
  }
}

/** A list has no time of its own: it is as old as the newest of its images that are here. */
function newestOf(store: ImageStore, { manifests }: ImageIndex): string {
  const times = manifests.flatMap(({ digest }) => {
    if (!store.hasBlob(digest)) return []
    try {
      const parsed = parseManifest(store.readBlob(digest))
      return parsed.kind === 'index' ? [] : [readImage(store, digest, parsed).created]
    } catch {
      /* What is no image, such as a statement about one, has no time that counts. */
      return []
    }
  })
  return times.reduce((newest, time) => (Date.parse(time) > Date.parse(newest) ? time : newest), noTime)
}

const noTime = '0001-01-01T00:00:00Z'

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
