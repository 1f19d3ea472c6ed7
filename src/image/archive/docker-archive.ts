import { TspodError } from '../../base/errors.js'
import { digestOf } from '../../base/digest.js'
import { mediaTypes } from '../../oci/image-spec.js'
import type { Descriptor, Digest, ImageManifest } from '../../oci/image-spec.js'
import { maximumConfigSize, parseImageConfig } from '../config.js'
import type { ImageSource, RawManifest } from '../image.js'
import { maximumManifestSize, requireObject } from '../manifest.js'
import { compressionOf } from './compression.js'
import { readMember, type FileReader } from './reader.js'

/** One image of `manifest.json`, as `docker save` writes it. */
export interface DockerArchiveImage {
  readonly config: string
  readonly repoTags: readonly string[]
  readonly layers: readonly string[]
}

/** The images of a docker archive. */
export async function dockerArchiveImages(reader: FileReader): Promise<readonly DockerArchiveImage[]> {
  const bytes = await readMember(reader, 'manifest.json', maximumManifestSize)
  let value: unknown
  try {
    value = bytes === undefined ? undefined : JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new TspodError('archive-invalid', `manifest.json of ${reader.path} is not JSON`, { cause: error })
  }
  if (!Array.isArray(value)) throw new TspodError('archive-invalid', `${reader.path} has no list in manifest.json`)
  return value.map((one: unknown) => parseItem(one, reader.path))
}

/**
 * One image of a docker archive, as a source. The archive names no digests of its layers: a plain layer's is its DiffID,
 * which is checked while it is copied; a compressed one's is computed, and its DiffID is checked when it is unpacked.
 */
export async function dockerArchiveSource(reader: FileReader, image: DockerArchiveImage): Promise<ImageSource> {
  const configBytes = await readMember(reader, image.config, maximumConfigSize)
  if (configBytes === undefined)
    throw new TspodError('archive-invalid', `${reader.path} has no ${JSON.stringify(image.config)}`)
  const { diff_ids: diffIds } = parseImageConfig(configBytes).rootfs
  if (diffIds.length !== image.layers.length) {
    throw new TspodError(
      'image-invalid',
      `${reader.path} has ${String(image.layers.length)} layers, its configuration ${String(diffIds.length)}`,
    )
  }
  const files = new Map<Digest, string>()
  const layers: Descriptor[] = []
  for (const [number, file] of image.layers.entries()) {
    const layer = await describeLayer(reader, file, diffIds[number])
    files.set(layer.digest, file)
    layers.push(layer)
  }
  const config = { mediaType: mediaTypes.dockerConfig, digest: await digestOf(configBytes), size: configBytes.length }
  const manifest: ImageManifest = { schemaVersion: 2, mediaType: mediaTypes.dockerManifest, config, layers }
  const bytes = Buffer.from(JSON.stringify(manifest))
  const raw: RawManifest = { bytes, mediaType: mediaTypes.dockerManifest, digest: await digestOf(bytes) }
  return {
    description: `docker-archive:${reader.path}`,
    manifest: () => Promise.resolve(raw),
    blob: (descriptor) =>
      descriptor.digest === config.digest ? once(configBytes) : reader.stream(files.get(descriptor.digest) ?? ''),
    close: () => Promise.resolve(),
  }
}

async function describeLayer(reader: FileReader, file: string, diffId: Digest | undefined): Promise<Descriptor> {
  const size = await reader.size(file)
  if (size === undefined || diffId === undefined)
    throw new TspodError('archive-invalid', `${reader.path} has no ${JSON.stringify(file)}`)
  const compression = await startOf(reader, file)
  if (compression === 'none') return { mediaType: mediaTypes.dockerLayer, digest: diffId, size }
  const mediaType =
    compression === 'gzip' ? mediaTypes.dockerLayerGzip : compression === 'zstd' ? mediaTypes.ociLayerZstd : undefined
  if (mediaType === undefined)
    throw new TspodError('archive-invalid', `${file} in ${reader.path} is compressed with ${compression}`)
  const { createHash } = await import('node:crypto')
  const hash = createHash('sha256')
  for await (const chunk of reader.stream(file)) hash.update(chunk)
  return { mediaType, digest: `sha256:${hash.digest('hex')}`, size }
}

async function startOf(reader: FileReader, file: string): Promise<ReturnType<typeof compressionOf>> {
  for await (const chunk of reader.stream(file)) return compressionOf(chunk)
  return 'none'
}

function parseItem(value: unknown, path: string): DockerArchiveImage {
  const { Config: config, RepoTags: tags, Layers: layers } = requireObject(value, `manifest.json of ${path}`)
  if (typeof config !== 'string' || !Array.isArray(layers) || !layers.every((one) => typeof one === 'string')) {
    throw new TspodError('archive-invalid', `manifest.json of ${path} has an image without Config or Layers`)
  }
  const repoTags = Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : []
  return { config, layers, repoTags }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes)
}
