import { TspodError } from '../../base/errors.js'
import { digestHex } from '../../base/digest.js'
import type { Descriptor, Digest } from '../../oci/image-spec.js'
import { compressionOf, decompressed } from '../../image/archive/compression.js'
import { blobName, extendedIndex } from '../../image/archive/oci-layout.js'
import { imageFolderWriter } from '../../image/archive/directory.js'
import { folderWriter, tarFileWriter, tarStreamWriter, type FileWriter } from '../../image/archive/writer.js'
import { verified } from '../../image/verify.js'
import { digestOfEntry } from '../../storage/image-index.js'
import { ImageStore, type IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'
import { emitImageEvent } from '../events/write.js'
import { keptSignatures } from './kept-signatures.js'
import { localName } from './local-name.js'
import { findImage, splitName } from './lookup.js'
import { outgoingImage, type Outgoing, type OutgoingOptions } from './outgoing.js'
import { bareId, imageNotKnown, recordOfEntry, type ImageRecord } from './record.js'
import type { SaveOptions } from './types.js'

interface SavedImage {
  readonly entry: IndexEntry
  readonly record: ImageRecord
  readonly names: readonly string[]
}

/** As `writeImages`, and tells of it. */
export async function saveImages(context: Context, options: SaveOptions): Promise<void> {
  const { output } = options
  for (const record of await writeImages(context, options))
    emitImageEvent(context, 'save', { ID: bareId(record.id), Name: typeof output === 'string' ? output : '' })
}

/** Writes images as a docker archive, an OCI archive, or a folder of either kind. Bytes that changed on disk stop it. */
export async function writeImages(context: Context, options: SaveOptions): Promise<readonly ImageRecord[]> {
  const { format = 'docker-archive', names, multi = false } = options
  const isDocker = format === 'docker-archive'
  if (multi && names.length > 1 && !isDocker)
    throw new TspodError(
      'invalid-argument',
      'multi-image archives are docker archives: --multi-image-archive goes with --format docker-archive',
    )
  const store = new ImageStore(context.paths)
  const images = await savedImages(context, store, names, multi, options.tags ?? [])
  const writer = await openWriter(options)
  try {
    if (isDocker) await writeDockerArchive(context, store, images, writer)
    else if (format === 'docker-dir') await writeDirectory(context, store, images, writer, options)
    else await writeLayout(context, store, images, writer, options)
    await writer.finish()
    return images.map(({ record }) => record)
  } catch (error) {
    await writer.abandon()
    throw error
  }
}

function openWriter(options: SaveOptions): Promise<FileWriter> | FileWriter {
  const { output, format } = options
  if (typeof output !== 'string') {
    if (format === 'oci-dir' || format === 'docker-dir')
      throw new TspodError('invalid-argument', `${format} needs --output with a folder`)
    return tarStreamWriter(output)
  }
  if (format === 'docker-dir') return imageFolderWriter(output)
  return format === 'oci-dir' ? folderWriter(output) : tarFileWriter(output)
}

/** Podman's reading: several names are several images with `multi`, otherwise further tags of the first. */
async function savedImages(
  context: Context,
  store: ImageStore,
  names: readonly string[],
  multi: boolean,
  tags: readonly string[],
): Promise<readonly SavedImage[]> {
  const entries = store.entries()
  const found = new Map<Digest, { entry: IndexEntry; record: ImageRecord; names: string[] }>()
  for (const name of multi ? names : names.slice(0, 1)) {
    const image = await findImage(context, entries, name)
    if (image === undefined) throw imageNotKnown(name)
    const record = await recordOfEntry(context, store, image.entry)
    const known = found.get(record.manifest) ?? { entry: image.entry, record, names: [] }
    if (image.name !== undefined && splitName(image.name).tag !== undefined) known.names.push(image.name)
    found.set(record.manifest, known)
  }
  const [first] = found.values()
  if (first === undefined) throw new TspodError('usage', 'need at least one image')
  if (!multi) first.names.push(...names.slice(1).map(localName), ...tags)
  return [...found.values()]
}

async function writeDockerArchive(
  context: Context,
  store: ImageStore,
  images: readonly SavedImage[],
  writer: FileWriter,
): Promise<void> {
  const written = new Set<string>()
  const items: object[] = []
  const repositories: Record<string, Record<string, string>> = {}
  for (const { record, names } of images) {
    const layers: string[] = []
    for (const [number, layer] of record.layers.entries()) {
      const diffId = record.diffIds[number]
      if (diffId === undefined) continue
      const name = `${digestHex(diffId)}.tar`
      layers.push(name)
      if (!written.has(name)) await writePlainLayer(context, store, layer, diffId, name, writer)
      written.add(name)
    }
    const config = `${digestHex(record.id)}.json`
    if (!written.has(config))
      await writeBlob(context, store, { digest: record.id, size: record.configSize }, config, writer)
    written.add(config)
    items.push({ Config: config, RepoTags: names, Layers: layers })
    const top = record.diffIds.at(-1)
    for (const name of names) {
      const { repository, tag } = splitName(name)
      if (tag !== undefined && top !== undefined) (repositories[repository] ??= {})[tag] = digestHex(top)
    }
  }
  await writeText(writer, 'manifest.json', JSON.stringify(items))
  await writeText(writer, 'repositories', JSON.stringify(repositories))
}

/** A docker archive has its layers uncompressed; their sizes come first in a pipe, so there they are counted before. */
async function writePlainLayer(
  context: Context,
  store: ImageStore,
  layer: Descriptor,
  diffId: Digest,
  name: string,
  writer: FileWriter,
): Promise<void> {
  context.onProgress?.({ id: diffId, action: 'Copying blob' })
  const compression = compressionOf(await firstBytes(store, layer.digest))
  if (compression === 'none') {
    await writer.file(name, layer.size, verified(store.streamBlob(layer.digest), layer))
    return
  }
  const open = (): AsyncIterable<Uint8Array> =>
    decompressed(verified(store.streamBlob(layer.digest), layer), compression)
  if (writer.unsizedFile !== undefined) {
    await writer.unsizedFile(name, open())
    return
  }
  let size = 0
  for await (const chunk of open()) size += chunk.length
  await writer.file(name, size, verified(open(), { digest: diffId, size }))
}

async function writeLayout(
  context: Context,
  store: ImageStore,
  images: readonly SavedImage[],
  writer: FileWriter,
  options: SaveOptions,
): Promise<void> {
  const manifests: Descriptor[] = []
  await writer.folder('blobs')
  await writer.folder('blobs/sha256')
  for (const { entry, record, names } of images) {
    using image = await outgoingImage(context, store, entry, record, { format: 'oci', ...outgoingOptions(options) })
    const { raw } = image
    for (const blob of image.blobs) await writeOutgoing(context, image, blob, blobName(blob.digest), writer)
    await writer.file(blobName(raw.digest), raw.bytes.length, single(raw.bytes))
    const descriptor = { mediaType: raw.mediaType, digest: raw.digest, size: raw.bytes.length }
    if (names.length === 0) manifests.push(descriptor)
    for (const name of names)
      manifests.push({ ...descriptor, annotations: { 'org.opencontainers.image.ref.name': name } })
  }
  const index = extendedIndex(await writer.read?.('index.json'), manifests)
  await writeText(writer, 'oci-layout', '{"imageLayoutVersion":"1.0.0"}')
  await writeText(writer, 'index.json', JSON.stringify(index))
}

/** The `dir:` transport of skopeo. */
async function writeDirectory(
  context: Context,
  store: ImageStore,
  images: readonly SavedImage[],
  writer: FileWriter,
  options: SaveOptions,
): Promise<void> {
  const [first] = images
  if (first === undefined) return
  const signatures = options.keepSignatures === true ? await keptSignatures(store, digestOfEntry(first.entry)) : []
  const how = { ...outgoingOptions(options), unchanged: signatures.length > 0 }
  using image = await outgoingImage(context, store, first.entry, first.record, how)
  for (const blob of image.blobs) await writeOutgoing(context, image, blob, digestHex(blob.digest), writer)
  for (const [index, signature] of signatures.entries()) {
    const { formatSignatureFile } = await import('../../image/trust/signature.js')
    const bytes = formatSignatureFile(signature)
    await writer.file(`signature-${String(index + 1)}`, bytes.length, single(bytes))
  }
  await writeText(writer, 'version', 'Directory Transport Version: 1.1\n')
  await writer.file('manifest.json', image.raw.bytes.length, single(image.raw.bytes))
}

/** As a folder or an archive wants it: layers stay as they are unless something else was asked for. */
function outgoingOptions({ uncompressed, compress, format, signal, ...rest }: SaveOptions): OutgoingOptions {
  const { manifest = format === 'docker-dir' ? { format: 'v2s2' } : {} } = rest
  return {
    ...manifest,
    ...(uncompressed === true ? { compression: 'none' } : {}),
    keepPlain: compress !== true,
    ...(signal === undefined ? {} : { signal }),
  }
}

async function writeOutgoing(
  context: Context,
  image: Outgoing,
  blob: Descriptor,
  name: string,
  writer: FileWriter,
): Promise<void> {
  context.onProgress?.({ id: blob.digest, action: 'Copying blob' })
  await writer.file(name, blob.size, image.open(blob))
}

async function writeBlob(
  context: Context,
  store: ImageStore,
  blob: { readonly digest: Digest; readonly size: number },
  name: string,
  writer: FileWriter,
): Promise<void> {
  context.onProgress?.({ id: blob.digest, action: 'Copying blob' })
  await writer.file(name, blob.size, verified(store.streamBlob(blob.digest), blob))
}

export async function writeText(writer: FileWriter, name: string, text: string): Promise<void> {
  const bytes = Buffer.from(text)
  await writer.file(name, bytes.length, single(bytes))
}

async function firstBytes(store: ImageStore, digest: Digest): Promise<Uint8Array> {
  for await (const chunk of store.streamBlob(digest)) return chunk
  return new Uint8Array(0)
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes)
}
