import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cacheConfigType, inlineAnnotation, parseCacheConfig, parseInline } from '../../build/cache-manifest.js'
import type { StepRecord } from '../../build/cache-record.js'
import { TspodError } from '../../base/errors.js'
import { layoutImages, layoutSource } from '../../image/archive/oci-layout.js'
import { openArchive } from '../../image/archive/open.js'
import { maximumConfigSize, parseImageConfig } from '../../image/config.js'
import type { ImageSource, RawManifest } from '../../image/image.js'
import { choosePlatform, parseManifest } from '../../image/manifest.js'
import { completePlatform } from '../../image/platform.js'
import { parseReference } from '../../image/reference.js'
import { readVerified, verified } from '../../image/verify.js'
import type { ImageManifest } from '../../oci/image-spec.js'
import type { CachePlace } from './options.js'
import type { Session } from './session.js'
import type { RemoteSteps } from './stepper.js'

interface RemoteStep {
  readonly record: StepRecord
  readonly fetch: () => Promise<void>
}

/** Records and what images say of themselves: more is no cache. */
const largestConfig = 64 * 1024 * 1024

/** What `--cache-from` names, read when a step is first looked for in vain on this machine. */
export class RemoteCache implements RemoteSteps {
  readonly #session: Session
  #steps: Promise<ReadonlyMap<string, RemoteStep>> | undefined
  readonly #sources: ImageSource[] = []

  constructor(session: Session) {
    this.#session = session
  }

  async find(key: string): Promise<RemoteStep | undefined> {
    const { cacheFrom = [] } = this.#session.options
    if (cacheFrom.length === 0) return undefined
    this.#steps ??= this.#read(cacheFrom)
    return (await this.#steps).get(key)
  }

  async close(): Promise<void> {
    for (const source of this.#sources.splice(0)) await source.close()
  }

  /** All places side by side; the first that has a step gives it. One that cannot be read is as good as empty. */
  async #read(places: readonly CachePlace[]): Promise<ReadonlyMap<string, RemoteStep>> {
    const { report, signal } = this.#session
    const found = await Promise.all(
      places.map((place) =>
        report
          .step(`importing cache from ${placeName(place)}`, () => this.#readPlace(place))
          .catch((error: unknown) => {
            signal.throwIfAborted()
            report.warning(
              `the cache ${placeName(place)} is not used: ${error instanceof Error ? error.message : String(error)}`,
            )
            return []
          }),
      ),
    )
    const steps = new Map<string, RemoteStep>()
    for (const step of found.flat()) if (!steps.has(step.record.key)) steps.set(step.record.key, step)
    return steps
  }

  async #readPlace(place: CachePlace): Promise<RemoteStep[]> {
    if (place.type === 'inline') return []
    const { signal, store } = this.#session
    const source = await this.#open(place)
    this.#sources.push(source)
    const records = await recordsOf(source, await source.manifest(undefined, signal), signal)
    return records.map((record) => ({
      record,
      async fetch() {
        const blob = record.layer?.blob
        if (blob !== undefined) await store.putBlob(blob, () => verified(source.blob(blob, signal), blob))
      },
    }))
  }

  async #open(place: Exclude<CachePlace, { type: 'inline' }>): Promise<ImageSource> {
    const { context, options } = this.#session
    if (place.type === 'registry') {
      const { RegistrySource } = await import('../../image/registry/source.js')
      const { registryOptions } = await import('../images/access.js')
      return new RegistrySource(parseReference(place.reference), registryOptions(context, options))
    }
    if (!existsSync(join(place.path, 'index.json')))
      throw new TspodError('invalid-argument', `${place.path} is not an OCI layout`)
    const reader = await openArchive(place.path, context.paths.tmp)
    const [image] = await layoutImages(reader)
    if (image === undefined) throw new TspodError('image-invalid', `${place.path} is empty`)
    return layoutSource(reader, image)
  }
}

/** A cache's own records, or those that an image has of its layers. */
async function recordsOf(source: ImageSource, raw: RawManifest, signal: AbortSignal): Promise<StepRecord[]> {
  const parsed = parseManifest(raw.bytes, raw.mediaType)
  if (parsed.kind === 'index') {
    const { digest } = choosePlatform(parsed.index, completePlatform())
    return recordsOf(source, await source.manifest(digest, signal), signal)
  }
  const { image } = parsed
  if (image.config.mediaType === cacheConfigType)
    return parseCacheConfig(await readVerified(source.blob(image.config, signal), image.config, largestConfig))
  return inlineRecords(source, image, signal)
}

async function inlineRecords(source: ImageSource, image: ImageManifest, signal: AbortSignal): Promise<StepRecord[]> {
  const text = image.annotations?.[inlineAnnotation]
  if (text === undefined) return []
  const bytes = await readVerified(source.blob(image.config, signal), image.config, maximumConfigSize)
  return parseInline(text, image.layers, parseImageConfig(bytes).rootfs.diff_ids)
}

export function placeName(place: CachePlace): string {
  return place.type === 'registry' ? place.reference : place.type === 'local' ? place.path : 'inline'
}
