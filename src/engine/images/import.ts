import type { FileHandle } from 'node:fs/promises'
import { TspodError } from '../../base/errors.js'
import { digestHex } from '../../base/digest.js'
import type { Descriptor, Digest, ImageConfig, ImageManifest } from '../../oci/image-spec.js'
import { mediaTypes } from '../../oci/image-spec.js'
import { decompressed, sniffed, type Compression } from '../../image/archive/compression.js'
import { namelessFile } from '../../image/archive/open.js'
import { loadImage, rawManifest } from '../../image/copy.js'
import type { ImageSource } from '../../image/image.js'
import { completePlatform } from '../../image/platform.js'
import { digestOf } from '../../base/digest.js'
import type { Context } from '../context.js'
import { emitImageEvent } from '../events/write.js'
import { applyChanges } from './changes.js'
import { withLease } from './collect.js'
import { localName } from './local-name.js'
import { bareId } from './record.js'
import { storeImage } from './store-image.js'
import type { ImportOptions } from './types.js'

interface SpooledLayer {
  readonly file: FileHandle
  readonly descriptor: Descriptor
  readonly diffId: Digest
}

/** Makes an image of one layer from a tar archive: a file, a URL, a stream. Answers its ID. */
export async function importImage(context: Context, options: ImportOptions): Promise<string> {
  const names = options.reference === undefined || options.reference === '' ? [] : [localName(options.reference)]
  const platform = completePlatform(options.platform)
  const layer = await spool(context, await openSource(context, options))
  try {
    const created = context.clock().toISOString()
    const config: ImageConfig = {
      created,
      ...platform,
      config: applyChanges({}, options.changes ?? []),
      rootfs: { type: 'layers', diff_ids: [layer.diffId] },
      history: [
        {
          created,
          created_by: `/bin/sh -c #(nop) ADD file:${digestHex(layer.diffId)} in /`,
          comment: options.message ?? 'imported from tarball',
        },
      ],
    }
    const source = await imageOf(layer, config)
    const image = await loadImage(source, platform)
    await withLease(context, () => storeImage(context, source, image, { names, signal: options.signal }))
    const ID = bareId(image.id)
    emitImageEvent(context, 'import', { ID, Name: names[0] ?? '' })
    for (const name of names) emitImageEvent(context, 'tag', { ID, Name: name })
    return ID
  } finally {
    await layer.file.close()
  }
}

async function openSource(context: Context, options: ImportOptions): Promise<AsyncIterable<Uint8Array>> {
  const { source } = options
  if (typeof source !== 'string') return source
  if (/^https?:\/\//i.test(source)) {
    const { download } = await import('../../image/registry/http.js')
    context.onProgress?.({ id: '', action: `Downloading from "${source}"`, done: true })
    return download(source, { env: context.env, signal: options.signal })
  }
  const { createReadStream } = await import('node:fs')
  const { stat } = await import('node:fs/promises')
  const found = await stat(source).catch((error: NodeJS.ErrnoException) => {
    throw new TspodError(
      'archive-invalid',
      `${source}: ${error.code === 'ENOENT' ? 'no such file or directory' : error.message}`,
      { cause: error },
    )
  })
  if (found.isDirectory()) throw new TspodError('archive-invalid', `${source} is a folder, not a tar archive`)
  return createReadStream(source, { highWaterMark: 256 * 1024 })
}

/** The layer's blob as it came, hashed twice: compressed for its name, plain for its DiffID. */
async function spool(context: Context, chunks: AsyncIterable<Uint8Array>): Promise<SpooledLayer> {
  const { createHash } = await import('node:crypto')
  const { compression, stream } = await sniffed(chunks)
  const kept = compression === 'bzip2' || compression === 'xz' ? decompressed(stream, compression) : stream
  const keptAs: Compression = compression === 'bzip2' || compression === 'xz' ? 'none' : compression
  const file = await namelessFile(context.paths.tmp)
  try {
    const outer = createHash('sha256')
    let size = 0
    const tee = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of kept) {
        outer.update(chunk)
        for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten
        size += chunk.length
        yield chunk
      }
    }
    const inner = createHash('sha256')
    let plainSize = 0
    for await (const chunk of decompressed(tee(), keptAs)) {
      inner.update(chunk)
      plainSize += chunk.length
    }
    if (plainSize < 512) throw new TspodError('archive-invalid', 'what is imported is not a tar archive')
    const digest: Digest = `sha256:${outer.digest('hex')}`
    const diffId: Digest = `sha256:${inner.digest('hex')}`
    return { file, diffId, descriptor: { mediaType: layerType(keptAs), digest, size } }
  } catch (error) {
    await file.close()
    throw error
  }
}

function layerType(compression: Compression): string {
  if (compression === 'gzip') return mediaTypes.ociLayerGzip
  return compression === 'zstd' ? mediaTypes.ociLayerZstd : mediaTypes.ociLayer
}

async function imageOf(layer: SpooledLayer, config: ImageConfig): Promise<ImageSource> {
  const configBytes = Buffer.from(JSON.stringify(config))
  const configDescriptor = {
    mediaType: mediaTypes.ociConfig,
    digest: await digestOf(configBytes),
    size: configBytes.length,
  }
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: configDescriptor,
    layers: [layer.descriptor],
  }
  const raw = await rawManifest(Buffer.from(JSON.stringify(manifest)), mediaTypes.ociManifest)
  return {
    description: 'the imported archive',
    manifest: () => Promise.resolve(raw),
    async *blob(descriptor) {
      if (descriptor.digest === configDescriptor.digest) yield configBytes
      else
        yield* layer.file.createReadStream({
          start: 0,
          autoClose: false,
          highWaterMark: 256 * 1024,
        }) as AsyncIterable<Buffer>
    },
    close: () => Promise.resolve(),
  }
}
