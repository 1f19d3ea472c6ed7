import { TspodError } from '../base/errors.js'
import { digestOf } from '../base/digest.js'
import type { Descriptor, Digest, ImageConfig, ImageIndex, ImageManifest, Platform } from '../oci/image-spec.js'
import { maximumConfigSize, parseImageConfig, requireImage, requireSameLayers } from './config.js'
import type { ImageCheck, ImageDestination, ImageSource, LoadedImage, OpenBlob, RawManifest } from './image.js'
import { choosePlatform, parseManifest } from './manifest.js'
import { measured, readVerified, verified } from './verify.js'

export interface CopyOptions {
  readonly platform: Platform
  /** Layers at once. */
  readonly parallel?: number
  readonly onProgress?: (event: CopyProgress) => void
  /** Called for each layer as soon as the destination has it, the lowest first in the list but in any order in time. */
  readonly onLayer?: (layer: Descriptor, diffId: Digest) => Promise<void>
  readonly signal?: AbortSignal | undefined
}

export interface CopyProgress {
  readonly descriptor: Descriptor
  readonly kind: 'layer' | 'config'
  readonly current: number
  readonly done: boolean
  readonly existed: boolean
}

export interface CopiedImage extends LoadedImage {
  /** Of the index that it was chosen from. */
  readonly indexDigest?: Digest
}

/** Deeper than an index in an index in an index nothing is found: no image has that, an attack might. */
const maximumDepth = 3

/** Copies one image: pull, push, save and load are all this. */
export async function copyImage(
  source: ImageSource,
  destination: ImageDestination,
  options: CopyOptions,
): Promise<CopiedImage> {
  const image = await loadImage(source, options.platform, options.signal)
  await copyLoaded(source, destination, image, options)
  return image
}

/** Reads manifest and configuration, following indexes to the platform. Every byte of both was verified. */
export async function loadImage(source: ImageSource, platform: Platform, signal?: AbortSignal): Promise<CopiedImage> {
  const top = await source.manifest(undefined, signal)
  return loadFrom(source, top, platform, signal)
}

/** As `loadImage`, where the top manifest is known already. `check` decides whether the image may be read at all. */
export async function loadFrom(
  source: ImageSource,
  top: RawManifest,
  platform: Platform,
  signal?: AbortSignal,
  check?: ImageCheck,
): Promise<CopiedImage> {
  let raw = top
  for (let depth = 0; ; depth++) {
    const parsed = parseManifest(raw.bytes, raw.mediaType)
    if (parsed.kind === 'image') {
      await check?.(source, raw, signal)
      const loaded = await loadConfig(source, { ...raw, mediaType: parsed.mediaType }, parsed.image, signal)
      return top.digest === raw.digest ? loaded : { ...loaded, indexDigest: top.digest }
    }
    if (depth >= maximumDepth)
      throw new TspodError('image-invalid', `${source.description}: its indexes are nested too deeply`)
    raw = await namedManifest(source, parsed.index, platform, signal)
  }
}

/** Moves the blobs and the manifest of an image whose head was read. */
export async function copyLoaded(
  source: ImageSource,
  destination: ImageDestination,
  image: LoadedImage,
  options: CopyOptions,
): Promise<void> {
  const { manifest, config, raw } = image
  const abort = new AbortController()
  const signal = options.signal === undefined ? abort.signal : AbortSignal.any([options.signal, abort.signal])
  const distinct = distinctLayers(manifest, config)
  const tasks = distinct.map(({ layer, diffId }) => async () => {
    await copyBlob(source, destination, layer, 'layer', options, signal)
    await options.onLayer?.(layer, diffId)
  })
  try {
    await inParallel(tasks, options.parallel ?? 3)
  } catch (error) {
    abort.abort(error)
    throw error
  }
  await destination.putBlob(manifest.config, () => once(image.configBytes), signal)
  options.onProgress?.({
    descriptor: manifest.config,
    kind: 'config',
    current: manifest.config.size,
    done: true,
    existed: false,
  })
  await destination.putManifest(raw)
}

async function copyBlob(
  source: ImageSource,
  destination: ImageDestination,
  descriptor: Descriptor,
  kind: 'layer',
  options: CopyOptions,
  signal: AbortSignal,
): Promise<void> {
  const report = (current: number, done: boolean, existed: boolean): void =>
    options.onProgress?.({ descriptor, kind, current, done, existed })
  report(0, false, false)
  const open: OpenBlob = (how) => {
    const check = how === 'as-they-come' ? measured : verified
    return check(source.blob(descriptor, signal), descriptor, (total) => report(total, false, false))
  }
  const { existed } = await destination.putBlob(descriptor, open, signal)
  report(descriptor.size, true, existed)
}

async function namedManifest(
  source: ImageSource,
  index: ImageIndex,
  platform: Platform,
  signal: AbortSignal | undefined,
): Promise<RawManifest> {
  const descriptor = choosePlatform(index, platform)
  const raw = await source.manifest(descriptor.digest, signal)
  if (raw.bytes.length !== descriptor.size) {
    throw new TspodError(
      'digest-mismatch',
      `manifest ${descriptor.digest} has ${String(raw.bytes.length)} bytes instead of ${String(descriptor.size)}`,
    )
  }
  return { ...raw, mediaType: descriptor.mediaType }
}

async function loadConfig(
  source: ImageSource,
  raw: RawManifest,
  manifest: ImageManifest,
  signal: AbortSignal | undefined,
): Promise<LoadedImage> {
  requireImage(manifest)
  const configBytes = await readVerified(source.blob(manifest.config, signal), manifest.config, maximumConfigSize)
  const config = parseImageConfig(configBytes)
  requireSameLayers(manifest, config)
  return { raw, manifest, config, configBytes, id: manifest.config.digest }
}

/** One layer may be there twice; it travels once. The same blob with two DiffIDs is a lie. */
function distinctLayers(manifest: ImageManifest, config: ImageConfig): { layer: Descriptor; diffId: Digest }[] {
  const seen = new Map<Digest, Digest>()
  const distinct: { layer: Descriptor; diffId: Digest }[] = []
  manifest.layers.forEach((layer, number) => {
    const diffId = config.rootfs.diff_ids[number]
    if (diffId === undefined) return
    const known = seen.get(layer.digest)
    if (known !== undefined && known !== diffId) {
      throw new TspodError('image-invalid', `layer ${layer.digest} is said to unpack to two different things`)
    }
    if (known === undefined) distinct.push({ layer, diffId })
    seen.set(layer.digest, diffId)
  })
  return distinct
}

/** Runs tasks, so many at once; the first failure is thrown after the running ones have ended. */
export async function inParallel(tasks: readonly (() => Promise<void>)[], atOnce: number): Promise<void> {
  let next = 0
  let failed: { error: unknown } | undefined
  const worker = async (): Promise<void> => {
    for (let task = tasks[next++]; task !== undefined && failed === undefined; task = tasks[next++]) {
      try {
        await task()
      } catch (error) {
        failed ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, Math.min(atOnce, tasks.length)) }, worker))
  if (failed !== undefined) throw failed.error
}

/** A manifest in memory, with its digest. */
export async function rawManifest(bytes: Uint8Array, mediaType: string): Promise<RawManifest> {
  return { bytes, mediaType, digest: await digestOf(bytes) }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes)
}
