import type {
  Descriptor,
  Digest,
  ImageConfig,
  ImageHistory,
  ImageManifest,
  ImageRunConfig,
} from '../../oci/image-spec.js'

/**
 * What one manifest and its configuration say, in one small file beside the store: `run` reads it instead of parsing
 * two documents that others wrote. Derived: without it, it is made again.
 */
export interface ImageRecord {
  readonly version: 1
  readonly manifest: Digest
  readonly mediaType: string
  readonly id: Digest
  readonly created: string
  readonly author: string
  readonly comment: string
  readonly architecture: string
  readonly os: string
  readonly variant?: string
  readonly config: ImageRunConfig
  readonly configSize: number
  readonly diffIds: readonly Digest[]
  readonly layers: readonly Descriptor[]
  readonly history: readonly ImageHistory[]
  readonly annotations: Readonly<Record<string, string>>
}

/** Puts together what a manifest and its configuration say. */
export function recordFrom(
  manifestDigest: Digest,
  mediaType: string,
  manifest: ImageManifest,
  config: ImageConfig,
): ImageRecord {
  return {
    version: 1,
    manifest: manifestDigest,
    mediaType,
    id: manifest.config.digest,
    created: config.created ?? '0001-01-01T00:00:00Z',
    author: config.author ?? '',
    comment: config.history?.at(-1)?.comment ?? '',
    architecture: config.architecture,
    os: config.os,
    ...(config.variant === undefined ? {} : { variant: config.variant }),
    config: config.config ?? {},
    configSize: manifest.config.size,
    diffIds: config.rootfs.diff_ids,
    layers: manifest.layers,
    history: config.history ?? [],
    annotations: manifest.annotations ?? {},
  }
}
