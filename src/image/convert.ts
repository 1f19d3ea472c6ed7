import { TspodError } from '../base/errors.js'
import { mediaTypes } from '../oci/image-spec.js'
import type { Descriptor, ImageManifest } from '../oci/image-spec.js'

/** Docker's media types, and what the OCI calls the same bytes. */
const ociTypes: Readonly<Record<string, string>> = {
  [mediaTypes.dockerManifest]: mediaTypes.ociManifest,
  [mediaTypes.dockerConfig]: mediaTypes.ociConfig,
  [mediaTypes.dockerLayer]: mediaTypes.ociLayer,
  [mediaTypes.dockerLayerGzip]: mediaTypes.ociLayerGzip,
  'application/vnd.docker.image.rootfs.diff.tar.zstd': mediaTypes.ociLayerZstd,
  [mediaTypes.dockerForeignLayerGzip]: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
}

/** Docker's manifest as the OCI's: other names for the same configuration and the same layers, so the ID stays. */
export function toOciManifest(manifest: ImageManifest): ImageManifest {
  const { config, layers, annotations } = manifest
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { ...config, mediaType: ociTypes[config.mediaType] ?? config.mediaType },
    layers: layers.map((layer) => ({ ...layer, mediaType: ociTypes[layer.mediaType] ?? layer.mediaType })),
    ...(annotations === undefined ? {} : { annotations }),
  }
}

const dockerTypes: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(ociTypes)
    .filter(([docker]) => !docker.endsWith('zstd'))
    .map(([docker, oci]) => [oci, docker]),
)

/** The OCI's manifest as Docker's schema 2, which knows no zstd and no annotations. */
export function toDockerManifest(manifest: ImageManifest): ImageManifest {
  const translated = (mediaType: string): string => {
    const docker = dockerTypes[mediaType] ?? (mediaType in ociTypes ? mediaType : undefined)
    if (docker === undefined || docker.endsWith('zstd'))
      throw new TspodError('not-supported', `Docker's format v2s2 has no ${mediaType}: push with --format oci`)
    return docker
  }
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config: plainDescriptor(manifest.config, translated),
    layers: manifest.layers.map((layer) => plainDescriptor(layer, translated)),
  }
}

function plainDescriptor(descriptor: Descriptor, translated: (mediaType: string) => string): Descriptor {
  const { mediaType, digest, size, urls } = descriptor
  return { mediaType: translated(mediaType), size, digest, ...(urls === undefined ? {} : { urls }) }
}

export type LayerCompression = 'none' | 'gzip' | 'zstd'

/** What a layer's media type says of its compression; undefined for what is no layer of ours. */
export function compressionOfLayer(mediaType: string): LayerCompression | undefined {
  const type = ociTypes[mediaType] ?? mediaType
  if (type.endsWith('.tar+gzip')) return 'gzip'
  if (type.endsWith('.tar+zstd')) return 'zstd'
  return type.endsWith('.tar') ? 'none' : undefined
}

/** The OCI's type of a layer that is compressed so. */
export function layerType(compression: LayerCompression): string {
  return { none: mediaTypes.ociLayer, gzip: mediaTypes.ociLayerGzip, zstd: mediaTypes.ociLayerZstd }[compression]
}
