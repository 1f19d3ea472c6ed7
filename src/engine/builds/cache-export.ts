import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { cacheManifest, formatCacheConfig } from '../../build/cache-manifest.js'
import type { StepRecord } from '../../build/cache-record.js'
import { digestOf } from '../../base/digest.js'
import { compressionOfLayer, layerType } from '../../image/convert.js'
import { inParallel, rawManifest } from '../../image/copy.js'
import type { ImageDestination } from '../../image/image.js'
import { parseReference } from '../../image/reference.js'
import { verified } from '../../image/verify.js'
import { mediaTypes, type Digest } from '../../oci/image-spec.js'
import { ensureFolder, removeFolder } from '../../state/file.js'
import { ImageStore } from '../../storage/images.js'
import { recompress } from '../../storage/recompress.js'
import type { CachePlace } from './options.js'
import type { Produced } from './produce.js'
import { placeName } from './remote-cache.js'
import { diffIdsOf } from './root.js'
import type { Session } from './session.js'
import { storedLayer } from './stored-layer.js'

type Place = Exclude<CachePlace, { type: 'inline' }>

/** `--cache-to`: brings the steps of this build, with the layers that they have made, to where other machines find them. */
export async function exportCaches(produced: Produced): Promise<void> {
  const { session } = produced
  for (const place of session.options.cacheTo ?? []) {
    if (place.type === 'inline') continue
    try {
      await session.report.step(`exporting cache to ${placeName(place)}`, () => exportCache(produced, place))
    } catch (error) {
      if (place.ignoreError !== true) throw error
      session.report.warning(`the cache was not written: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

async function exportCache(produced: Produced, place: Place): Promise<void> {
  const { session } = produced
  const chosen = await recordsFor(produced, place.mode ?? 'max')
  const blobs = new Map<Digest, NonNullable<StepRecord['layer']>>()
  for (const { layer } of chosen) if (layer !== undefined) blobs.set(layer.diffId, layer)
  const sent = new Map<Digest, StepRecord['layer']>()
  const { destination, finish } = await open(session, place)
  await inParallel(
    [...blobs.values()].map((layer) => async () => {
      sent.set(layer.diffId, await send(session, layer, destination))
    }),
    2,
  )
  const records = chosen.map((record) =>
    record.layer === undefined ? record : { ...record, layer: sent.get(record.layer.diffId) },
  )
  const config = formatCacheConfig(records)
  const descriptor = { digest: await digestOf(config), size: config.length }
  const manifest = cacheManifest(descriptor, records)
  await destination.putBlob(manifest.config, () => single(config))
  await finish(await rawManifest(Buffer.from(JSON.stringify(manifest)), mediaTypes.ociManifest))
}

/** All of them, or those whose layers are the results'. */
async function recordsFor({ stepper, products }: Produced, mode: 'min' | 'max'): Promise<readonly StepRecord[]> {
  const records = [...new Map(stepper.records.map((record) => [record.key, record])).values()]
  if (mode === 'max') return records
  const own = new Set((await Promise.all(products.map(({ stage }) => diffIdsOf(stage.root)))).flat())
  return records.filter(({ layer }) => layer === undefined || own.has(layer.diffId))
}

/** Compressed, as it travels. */
async function send(
  session: Session,
  layer: NonNullable<StepRecord['layer']>,
  destination: ImageDestination,
): Promise<NonNullable<StepRecord['layer']>> {
  const { store, options } = session
  const { signal } = options
  await storedLayer(session, layer).ensureBlob()
  const { blob } = layer
  if (compressionOfLayer(blob.mediaType) !== 'none') {
    await destination.putBlob(blob, () => verified(store.streamBlob(blob.digest), blob), signal)
    return layer
  }
  const draft = await store.draft()
  try {
    const expected = { digest: blob.digest, size: blob.size, diffId: layer.diffId }
    const { digest, size } = await recompress(store.blobPath(blob.digest), draft.path, expected, {
      compression: 'gzip',
      signal,
    })
    const compressed = { mediaType: layerType('gzip'), digest, size }
    const { createReadStream } = await import('node:fs')
    await destination.putBlob(
      compressed,
      () => verified(createReadStream(draft.path) as AsyncIterable<Buffer>, compressed),
      signal,
    )
    return { ...layer, blob: compressed }
  } finally {
    draft.release({ unlink: true })
  }
}

interface OpenPlace {
  readonly destination: ImageDestination
  readonly finish: (raw: Awaited<ReturnType<typeof rawManifest>>) => Promise<void>
}

async function open({ context, options }: Session, place: Place): Promise<OpenPlace> {
  if (place.type === 'registry') {
    const { RegistryDestination } = await import('../../image/registry/destination.js')
    const { registryOptions } = await import('../images/access.js')
    const destination = new RegistryDestination(parseReference(place.reference), registryOptions(context, options))
    return {
      destination,
      async finish(raw) {
        await destination.putManifest(raw)
        await destination.close()
      },
    }
  }
  return localPlace(resolve(place.path))
}

/** An OCI layout, whose only entry is the cache of today. */
function localPlace(folder: string): OpenPlace {
  ensureFolder(folder)
  const tmp = join(folder, '.partial')
  const store = new ImageStore({ images: folder, tmp })
  const put = async (digest: Digest, bytes: Uint8Array): Promise<void> => {
    await store.putBlob({ digest, size: bytes.length }, () => single(bytes))
  }
  return {
    destination: {
      description: folder,
      putBlob: (descriptor, from) => store.putBlob(descriptor, from),
      putManifest: (raw) => put(raw.digest, raw.bytes),
    },
    async finish(raw) {
      await put(raw.digest, raw.bytes)
      const { mediaType, digest, bytes } = raw
      const entry = {
        manifest: digest,
        mediaType,
        size: bytes.length,
        name: 'cache',
        digests: [],
        history: [],
        annotations: {},
      }
      await store.update(() => ({ entries: [entry], result: undefined }))
      const manifest = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
        config: { digest: Digest }
        layers: { digest: Digest }[]
      }
      const kept = new Set<string>([digest, manifest.config.digest, ...manifest.layers.map((layer) => layer.digest)])
      await store.collect(
        () => Promise.resolve({ blobs: kept }),
        () => Promise.resolve(),
      )
      if (readdirSync(folder).includes('.partial')) removeFolder(tmp)
    },
  }
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes)
}
