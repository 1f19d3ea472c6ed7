import { TspodError } from '../../base/errors.js'
import { digestAlgorithm, digestHex } from '../../base/digest.js'
import { mediaTypes, type Descriptor, type Digest } from '../../oci/image-spec.js'
import type { ImageSource, RawManifest } from '../image.js'
import { maximumManifestSize, parseDescriptor, parseObject } from '../manifest.js'
import { readVerified } from '../verify.js'
import { readMember, type FileReader } from './reader.js'

const nameKey = 'org.opencontainers.image.ref.name'
const containerdKey = 'io.containerd.image.name'

export interface LayoutImage {
  readonly descriptor: Descriptor
  /** As it is annotated: a whole name, or a tag alone. */
  readonly name?: string
}

/** The images of an OCI layout (image-spec, image-layout.md), in a folder or in an archive. */
export async function layoutImages(reader: FileReader): Promise<readonly LayoutImage[]> {
  const bytes = await readMember(reader, 'index.json', maximumManifestSize)
  if (bytes === undefined) throw new TspodError('archive-invalid', `${reader.path} has no index.json`)
  const { manifests } = parseObject(bytes, `index.json of ${reader.path}`)
  if (!Array.isArray(manifests))
    throw new TspodError('archive-invalid', `index.json of ${reader.path} has no manifests`)
  return manifests.map((one: unknown, number): LayoutImage => {
    const descriptor = parseDescriptor(one, `manifest ${String(number)} of ${reader.path}`)
    const name = descriptor.annotations?.[containerdKey] ?? descriptor.annotations?.[nameKey]
    return { descriptor, ...(name === undefined || name === '' ? {} : { name }) }
  })
}

/** One image of a layout. The reader stays open: others may share it. */
export function layoutSource(reader: FileReader, image: LayoutImage): ImageSource {
  return {
    description: `oci:${reader.path}${image.name === undefined ? '' : `:${image.name}`}`,
    async manifest(digest?: Digest): Promise<RawManifest> {
      const wanted = digest ?? image.descriptor.digest
      const name = blobName(wanted)
      const size = await reader.size(name)
      if (size === undefined) throw new TspodError('archive-invalid', `${reader.path} has no manifest ${wanted}`)
      const bytes = await readVerified(reader.stream(name), { digest: wanted, size }, maximumManifestSize)
      const mediaType = digest === undefined || digest === image.descriptor.digest ? image.descriptor.mediaType : ''
      return { bytes, digest: wanted, mediaType }
    },
    blob: (descriptor) => reader.stream(blobName(descriptor.digest)),
    close: () => Promise.resolve(),
  }
}

/** An index with more images: what had one of their names loses its place; all else that is there stays as it is. */
export function extendedIndex(before: Buffer | undefined, added: readonly Descriptor[]): object {
  const empty = { schemaVersion: 2, mediaType: mediaTypes.ociIndex }
  if (before === undefined) return { ...empty, manifests: added }
  const document = parseObject(before, 'index.json that is there')
  const list = document['manifests']
  if (!Array.isArray(list)) throw new TspodError('archive-invalid', 'the index.json that is there has no manifests')
  const isReplaced = (one: unknown): boolean => {
    const { digest, annotations } = parseDescriptor(one, 'a manifest of the index.json that is there')
    const name = annotations?.[nameKey]
    return added.some(
      (other) => other.annotations?.[nameKey] === name && (name !== undefined || other.digest === digest),
    )
  }
  return { ...document, manifests: [...list.filter((one: unknown) => !isReplaced(one)), ...added] }
}

/** Where a layout has a blob. */
export function blobName(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`
}
