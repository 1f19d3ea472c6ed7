import { TspodError } from '../../base/errors.js'
import { digestHex } from '../../base/digest.js'
import { imageFolderWriter } from '../../image/archive/directory.js'
import { blobName, extendedIndex } from '../../image/archive/oci-layout.js'
import { folderWriter, tarFileWriter, type FileWriter } from '../../image/archive/writer.js'
import { parseManifest } from '../../image/manifest.js'
import { verified } from '../../image/verify.js'
import type { Descriptor, Digest } from '../../oci/image-spec.js'
import type { ImageStore, IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'
import { keptSignatures } from '../images/kept-signatures.js'
import { writeText } from '../images/save.js'
import type { Transport } from '../images/transports.js'
import type { ManifestPushOptions } from './types.js'

type Member = Pick<Descriptor, 'digest' | 'size'>

/** Writes a list with all of its images into a layout, an archive of one, or a folder of skopeo's; the bytes stay what they are. */
export async function writeListTo(
  context: Context,
  store: ImageStore,
  entry: IndexEntry,
  transport: Transport,
  options: ManifestPushOptions,
): Promise<Digest> {
  const list = store.readBlob(entry.manifest)
  const members = membersOf(store, entry, list)
  await requireUnsigned(store, [entry.manifest, ...members.manifests.map(({ digest }) => digest)], transport, options)
  const writer = await writerFor(transport)
  try {
    const isFolder = transport.name === 'dir'
    if (!isFolder) for (const name of ['blobs', 'blobs/sha256']) await writer.folder(name)
    for (const blob of members.blobs) {
      context.onProgress?.({ id: blob.digest, action: 'Copying blob' })
      await copy(store, blob, isFolder ? digestHex(blob.digest) : blobName(blob.digest), writer)
    }
    for (const one of members.manifests)
      await copy(store, one, isFolder ? `${digestHex(one.digest)}.manifest.json` : blobName(one.digest), writer)
    context.onProgress?.({ id: '', action: 'Writing manifest list to image destination', done: true })
    const top = { digest: entry.manifest, size: list.length }
    await copy(store, top, isFolder ? 'manifest.json' : blobName(top.digest), writer)
    if (isFolder) await writeText(writer, 'version', 'Directory Transport Version: 1.1\n')
    else await writeIndex(writer, { mediaType: entry.mediaType, ...top }, transport.reference)
    await writer.finish()
    return entry.manifest
  } catch (error) {
    await writer.abandon()
    throw error
  }
}

async function writeIndex(writer: FileWriter, descriptor: Descriptor, name: string | undefined): Promise<void> {
  const named =
    name === undefined ? descriptor : { ...descriptor, annotations: { 'org.opencontainers.image.ref.name': name } }
  const index = extendedIndex(await writer.read?.('index.json'), [named])
  await writeText(writer, 'oci-layout', '{"imageLayoutVersion":"1.0.0"}')
  await writeText(writer, 'index.json', JSON.stringify(index))
}

function writerFor({ name, path }: Transport): Promise<FileWriter> {
  if (name === 'dir') return imageFolderWriter(path)
  if (name === 'oci') return folderWriter(path)
  if (name === 'oci-archive') return tarFileWriter(path)
  throw new TspodError(
    'not-supported',
    `${name}: has no room for the several images of a list: there are docker://, oci:, oci-archive: and dir:`,
  )
}

async function copy(store: ImageStore, blob: Member, name: string, writer: FileWriter): Promise<void> {
  await writer.file(name, blob.size, verified(store.streamBlob(blob.digest), blob))
}

/** Each once, though images share layers. */
function membersOf(
  store: ImageStore,
  { mediaType }: IndexEntry,
  list: Uint8Array,
): { readonly manifests: readonly Member[]; readonly blobs: readonly Member[] } {
  const parsed = parseManifest(list, mediaType)
  const manifests = parsed.kind === 'index' ? parsed.index.manifests : []
  const blobs = manifests.flatMap((one) => {
    if (!store.hasBlob(one.digest))
      throw new TspodError(
        'image-invalid',
        `manifest ${one.digest} of the list is not in the local store: pull its image, or remove it from the list`,
      )
    const image = parseManifest(store.readBlob(one.digest), one.mediaType)
    if (image.kind === 'index') throw new TspodError('not-supported', `${one.digest} is a list in a list`)
    return [image.image.config, ...image.image.layers]
  })
  return { manifests: onceEach(manifests), blobs: onceEach(blobs) }
}

function onceEach(descriptors: readonly Member[]): readonly Member[] {
  return [...new Map(descriptors.map(({ digest, size }) => [digest, { digest, size }])).values()]
}

async function requireUnsigned(
  store: ImageStore,
  manifests: readonly Digest[],
  { name, path }: Transport,
  options: ManifestPushOptions,
): Promise<void> {
  if ((options.signBy ?? options.signBySigstore ?? options.signBySigstorePrivateKey) !== undefined)
    throw new TspodError('not-supported', `only what is pushed to a registry is signed, not ${name}:${path}`)
  if (options.removeSignatures === true) return
  for (const manifest of manifests) {
    if ((await keptSignatures(store, manifest)).length > 0)
      throw new TspodError(
        'not-supported',
        `can not copy signatures to ${name}:${path}: --remove-signatures leaves them out`,
      )
  }
}
