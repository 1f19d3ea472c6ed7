import { blobName, extendedIndex } from '../../image/archive/oci-layout.js'
import { folderWriter, tarFileWriter, tarStreamWriter, type FileWriter } from '../../image/archive/writer.js'
import { parseManifest } from '../../image/manifest.js'
import { verified } from '../../image/verify.js'
import type { Descriptor } from '../../oci/image-spec.js'
import type { ImageStore } from '../../storage/images.js'
import { localName } from '../images/local-name.js'
import type { BuildOutput } from './options.js'
import type { Session } from './session.js'

type ArchiveOutput = Extract<BuildOutput, { readonly type: 'oci' | 'docker' }>

/** An index with everything that it names as an OCI layout: a folder, or an archive. */
export async function writeListLayout(
  { store, report, options }: Session,
  output: ArchiveOutput,
  list: Descriptor,
  tags: readonly string[],
): Promise<void> {
  const names = output.name === undefined ? tags : [localName(output.name)]
  await report.step('exporting to oci image format', async () => {
    const writer = await openWriter(output)
    try {
      await writer.folder('blobs')
      await writer.folder('blobs/sha256')
      for (const blob of reached(store, list)) {
        options.signal?.throwIfAborted()
        await writer.file(blobName(blob.digest), blob.size, verified(store.streamBlob(blob.digest), blob))
      }
      const top = { mediaType: list.mediaType, digest: list.digest, size: list.size }
      const named = names.map((name) => ({ ...top, annotations: { 'org.opencontainers.image.ref.name': name } }))
      const index = extendedIndex(await writer.read?.('index.json'), named.length > 0 ? named : [top])
      await writeText(writer, 'oci-layout', '{"imageLayoutVersion":"1.0.0"}')
      await writeText(writer, 'index.json', JSON.stringify(index))
      await writer.finish()
    } catch (error) {
      await writer.abandon()
      throw error
    }
  })
}

function openWriter({ target, tar }: ArchiveOutput): FileWriter | Promise<FileWriter> {
  if (typeof target !== 'string') return tarStreamWriter(target)
  return tar === false ? folderWriter(target) : tarFileWriter(target)
}

/** Each blob once: what the list names, what that is made of, and the list. */
function reached(store: ImageStore, list: Descriptor): readonly Descriptor[] {
  const parsed = parseManifest(store.readBlob(list.digest), list.mediaType)
  const members = parsed.kind === 'index' ? parsed.index.manifests : []
  const parts = members.flatMap((member) => {
    const inner = parseManifest(store.readBlob(member.digest), member.mediaType)
    return inner.kind === 'index' ? [] : [inner.image.config, ...inner.image.layers]
  })
  return [...new Map([...parts, ...members, list].map((blob) => [blob.digest, blob])).values()]
}

async function writeText(writer: FileWriter, name: string, text: string): Promise<void> {
  const bytes = Buffer.from(text)
  await writer.file(name, bytes.length, single(bytes))
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes)
}
