import { formatInline, inlineAnnotation } from '../../build/cache-manifest.js'
import type { StepRecord } from '../../build/cache-record.js'
import { digestOf } from '../../base/digest.js'
import { programVersion } from '../../base/version.js'
import { rawManifest } from '../../image/copy.js'
import { toDockerManifest } from '../../image/convert.js'
import type { LoadedImage } from '../../image/image.js'
import {
  mediaTypes,
  type Descriptor,
  type ImageConfig,
  type ImageHistory,
  type ImageManifest,
  type ImageRunConfig,
} from '../../oci/image-spec.js'
import { environmentList, environmentOf } from '../../build/dockerfile/stage-state.js'
import { nameImage, storeDestination } from '../images/store-image.js'
import type { LayerContent } from './layer.js'
import type { BuildOptions } from './options.js'
import type { Product } from './produce.js'
import type { Session } from './session.js'
import { squashed } from './squash.js'
import { fixedTime } from './times.js'

/**
 * The image of a product: its configuration and its manifest, not yet kept. With `--cache-to type=inline` it says which
 * steps its layers come from.
 */
export async function imageOf(
  session: Session,
  product: Product,
  records: readonly StepRecord[] = [],
): Promise<LoadedImage> {
  const { options } = session
  const { root, history, baseLayers, base } = product.stage
  const all = await Promise.all(root.layers.map((layer) => layer.content))
  const whole = { contents: all, history, kept: baseLayers, layers: root.layers }
  const { contents, history: entries } = await squashed(session, whole, base?.history.length ?? 0)
  const config = configOf(session, product, contents, entries)
  const configBytes = Buffer.from(JSON.stringify(config))
  const manifest = await manifestOf(product, contents, configBytes, {
    ...inlineOf(options, records, contents),
    ...options.annotations,
  })
  const final = options.format === 'docker' ? toDockerManifest(manifest) : manifest
  const raw = await rawManifest(Buffer.from(JSON.stringify(final)), final.mediaType ?? mediaTypes.ociManifest)
  return { raw, manifest: final, config, configBytes, id: final.config.digest }
}

/** Writes an image into the store, under its names or under none. */
export async function keepImage(session: Session, image: LoadedImage, names: readonly string[]): Promise<void> {
  const { context, store } = session
  const entries = store.entries().filter((entry) => (entry.original ?? entry.manifest) === image.raw.digest)
  const isKnown =
    entries.length > 0 && names.every((name) => entries.some((entry) => entry.name === name)) && store.hasBlob(image.id)
  if (isKnown) return
  const destination = storeDestination(store)
  await destination.putBlob(image.manifest.config, () => single(image.configBytes))
  await destination.putManifest(image.raw)
  await nameImage(context, store, image, names)
}

function configOf(
  { options, context }: Session,
  { stage }: Product,
  contents: readonly LayerContent[],
  history: readonly ImageHistory[],
): ImageConfig {
  const { state, platform, base } = stage
  const fixed = fixedTime(options)
  const old = base?.history.length ?? 0
  const created = fixed ?? notLater(stage.created, context.clock())
  const entries = history.map((entry, number) =>
    number < old ? entry : { ...entry, created: fixed ?? notLater(entry.created ?? created, context.clock()) },
  )
  return {
    created,
    ...(state.author === undefined ? {} : { author: state.author }),
    ...platform,
    config: runConfigOf(state.config, options),
    rootfs: { type: 'layers', diff_ids: contents.map(({ diffId }) => diffId) },
    history: entries,
  }
}

/** A file of the context may be from tomorrow. */
function notLater(moment: string, now: Date): string {
  return Date.parse(moment) > now.getTime() ? now.toISOString() : moment
}

function runConfigOf(config: ImageRunConfig, options: BuildOptions): ImageRunConfig {
  const env = environmentOf(config.Env ?? [])
  for (const name of options.unsetEnv ?? []) env.delete(name)
  const labels: Record<string, string> = { ...config.Labels }
  for (const name of options.unsetLabels ?? []) Reflect.deleteProperty(labels, name)
  if (options.identityLabel === true) labels['dev.tspod.version'] = programVersion()
  Object.assign(labels, options.labels)
  const { Labels: _, Env: __, ...rest } = config
  const all: ImageRunConfig = {
    ...rest,
    ...(env.size === 0 ? {} : { Env: environmentList(env) }),
    ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }),
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null && value !== undefined))
}

async function manifestOf(
  { stage }: Product,
  contents: readonly LayerContent[],
  configBytes: Uint8Array,
  annotations: Readonly<Record<string, string>>,
): Promise<ImageManifest> {
  const { base } = stage
  const own = {
    ...(base === undefined
      ? {}
      : { 'org.opencontainers.image.base.digest': base.digest, 'org.opencontainers.image.base.name': base.name }),
    ...annotations,
  }
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: await digestOf(configBytes), size: configBytes.length },
    layers: contents.map(({ blob }): Descriptor => ({
      mediaType: blob.mediaType,
      digest: blob.digest,
      size: blob.size,
    })),
    ...(Object.keys(own).length === 0 ? {} : { annotations: own }),
  }
}

function inlineOf(
  { cacheTo = [] }: BuildOptions,
  records: readonly StepRecord[],
  contents: readonly LayerContent[],
): Readonly<Record<string, string>> {
  if (!cacheTo.some(({ type }) => type === 'inline')) return {}
  const text = formatInline(
    records,
    contents.map(({ diffId }) => diffId),
  )
  return { [inlineAnnotation]: text }
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes)
}
