import { mediaTypes } from '../oci/image-spec.js'
import type { ImageManifest } from '../oci/image-spec.js'

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
