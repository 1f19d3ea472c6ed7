import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { digestOf } from '../../base/digest.js'
import { newId } from '../../base/id.js'
import {
  compressionOfLayer,
  layerType,
  toDockerManifest,
  toOciManifest,
  type LayerCompression,
} from '../../image/convert.js'
import { inParallel } from '../../image/copy.js'
import type { RawManifest } from '../../image/image.js'
import { parseManifest } from '../../image/manifest.js'
import { verified } from '../../image/verify.js'
import { mediaTypes, type Descriptor, type Digest, type ImageManifest } from '../../oci/image-spec.js'
import { ensureFolder } from '../../state/file.js'
import { acquireLock, type Lock } from '../../state/lock.js'
import type { ImageStore, IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'
import type { ImageRecord } from './record.js'
import type { PushOptions } from './types.js'

export type OutgoingOptions = Pick<PushOptions, 'format' | 'compressionLevel' | 'signal'> & {
  readonly compression?: LayerCompression
  /** Layers that are not compressed stay so. */
  readonly keepPlain?: boolean
  /** It goes as it is stored, or not at all: signatures that go with it are about these bytes. */
  readonly unchanged?: boolean
}

/** An image as it leaves the store: its manifest, and where the bytes of each blob are. */
export interface Outgoing extends Disposable {
  readonly raw: RawManifest
  /** Distinct; the layers, then the configuration. */
  readonly blobs: readonly Descriptor[]
  /** The verified bytes of one of them. */
  open(blob: Descriptor): AsyncIterable<Uint8Array>
}

/**
 * Makes ready what is sent: as it is stored wherever that will do, so that digests stay; layers are compressed where they
 * are not, or where another compression was asked for.
 */
export async function outgoingImage(
  context: Context,
  store: ImageStore,
  entry: IndexEntry,
  record: ImageRecord,
  options: OutgoingOptions,
): Promise<Outgoing> {
  const stored = storedManifest(store, entry, record)
  const how = options.unchanged === true ? { ...options, keepPlain: true } : options
  const work = record.layers.map((layer) => ({ layer, to: targetOf(layer, how) }))
  const isCompressed = work.some(({ to }) => to !== undefined)
  const wantsDocker = options.format === 'v2s2'
  const isDocker = stored.mediaType === mediaTypes.dockerManifest
  if (!isCompressed && (options.format === undefined || wantsDocker === isDocker)) {
    const { image } = imageOf(stored)
    return outgoing(store, stored, image, new Map())
  }
  if (options.unchanged === true)
    throw new TspodError(
      'not-supported',
      'copying this image would change its manifest, which would invalidate the signatures that it came with: --remove-signatures leaves them out',
    )
  const files: Files = new Map()
  try {
    const layers = await compressLayers(context, store, record, work, files, options)
    const manifest = toOciManifest({ ...imageOf(stored).image, layers })
    const keepDocker = wantsDocker || (options.format === undefined && isDocker && options.compression !== 'zstd')
    const final = keepDocker ? toDockerManifest(manifest) : manifest
    const bytes = Buffer.from(JSON.stringify(final))
    const raw = { bytes, mediaType: final.mediaType ?? mediaTypes.ociManifest, digest: await digestOf(bytes) }
    return outgoing(store, raw, final, files)
  } catch (error) {
    releaseAll(files)
    throw error
  }
}

/** Docker's own manifest where it came with one, the OCI's otherwise. */
function storedManifest(store: ImageStore, entry: IndexEntry, record: ImageRecord): RawManifest {
  const digest = entry.original !== undefined && store.hasBlob(entry.original) ? entry.original : record.manifest
  const bytes = store.readBlob(digest)
  const { mediaType } = parseManifest(bytes)
  return { bytes, mediaType, digest }
}

function imageOf(raw: RawManifest): { image: ImageManifest } {
  const parsed = parseManifest(raw.bytes, raw.mediaType)
  if (parsed.kind === 'image') return parsed
  throw new TspodError('image-invalid', `${raw.digest} is an index, not an image`)
}

/** The compression that a layer has to get; undefined if it stays as it is. */
function targetOf(
  layer: Descriptor,
  { compression: wanted, keepPlain, format }: OutgoingOptions,
): LayerCompression | undefined {
  const has = compressionOfLayer(layer.mediaType)
  if (has === undefined) return undefined
  if (wanted !== undefined) return has === wanted ? undefined : wanted
  /* Docker's manifest has no name for zstd. */
  if (has === 'zstd' && format === 'v2s2') return 'gzip'
  return has === 'none' && keepPlain !== true ? 'gzip' : undefined
}

type Files = Map<Digest, Lock>

async function compressLayers(
  context: Context,
  store: ImageStore,
  record: ImageRecord,
  work: readonly { readonly layer: Descriptor; readonly to: LayerCompression | undefined }[],
  files: Files,
  options: OutgoingOptions,
): Promise<readonly Descriptor[]> {
  const { recompress } = await import('../../storage/recompress.js')
  const made = new Map<Digest, Descriptor>()
  const tasks = work.flatMap(({ layer, to }, number) => {
    const diffId = record.diffIds[number]
    const isFirst = work.findIndex((one) => one.layer.digest === layer.digest) === number
    if (to === undefined || diffId === undefined || !isFirst) return []
    return [
      async (): Promise<void> => {
        const file = await temporaryBlob(context)
        try {
          const { digest, size } = await recompress(
            store.blobPath(layer.digest),
            file.path,
            { ...layer, diffId },
            {
              compression: to,
              signal: options.signal,
              ...(options.compressionLevel === undefined ? {} : { level: options.compressionLevel }),
            },
          )
          files.set(digest, file)
          const { annotations } = layer
          made.set(layer.digest, {
            mediaType: layerType(to),
            digest,
            size,
            ...(annotations === undefined ? {} : { annotations }),
          })
        } catch (error) {
          file.release({ unlink: true })
          throw error
        }
      },
    ]
  })
  await inParallel(tasks, 2)
  return work.map(({ layer }) => made.get(layer.digest) ?? layer)
}

/** A file in tmp/ under its own lock: if this process is killed, the next command that brings in blobs removes it. */
async function temporaryBlob(context: Context): Promise<Lock> {
  ensureFolder(context.paths.tmp)
  return acquireLock(join(context.paths.tmp, `blob-${newId()}`))
}

function releaseAll(files: Files): void {
  for (const file of files.values()) file.release({ unlink: true })
  files.clear()
}

function outgoing(store: ImageStore, raw: RawManifest, manifest: ImageManifest, files: Files): Outgoing {
  const blobs = [...new Map([...manifest.layers, manifest.config].map((one) => [one.digest, one])).values()]
  return {
    raw,
    blobs,
    open(blob) {
      const file = files.get(blob.digest)
      return verified(file === undefined ? store.streamBlob(blob.digest) : streamFile(file.path), blob)
    },
    [Symbol.dispose]: () => releaseAll(files),
  }
}

function streamFile(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Uint8Array>
}
