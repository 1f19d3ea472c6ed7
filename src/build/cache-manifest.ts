import { isDigest } from '../base/digest.js'
import { TspodError } from '../base/errors.js'
import { mediaTypes, type Descriptor, type Digest, type ImageManifest } from '../oci/image-spec.js'
import { isKey, parseStepRecord, type StepRecord } from './cache-record.js'

/** The configuration of a manifest that is a build cache: its records. The layers' blobs are the manifest's. */
export const cacheConfigType = 'application/vnd.tspod.buildcache.v1+json'
/** An image's annotation, which says which of its layers which steps have made. */
export const inlineAnnotation = 'dev.tspod.buildcache.v1'

const mostRecords = 100_000

export function formatCacheConfig(records: readonly StepRecord[]): Buffer {
  return Buffer.from(JSON.stringify({ version: 1, steps: records }))
}

/** The manifest of a build cache. */
export function cacheManifest(
  config: { readonly digest: Digest; readonly size: number },
  records: readonly StepRecord[],
): ImageManifest {
  const blobs = new Map(records.flatMap(({ layer }) => (layer === undefined ? [] : [[layer.blob.digest, layer.blob]])))
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: cacheConfigType, ...config },
    layers: [...blobs.values()],
  }
}

/** The records of a cache's configuration; those that are none are left out. */
export function parseCacheConfig(bytes: Uint8Array): StepRecord[] {
  const value = parseJson(Buffer.from(bytes).toString('utf8'))
  const steps = typeof value === 'object' && value !== null && 'steps' in value ? value.steps : undefined
  if (!Array.isArray(steps) || steps.length > mostRecords)
    throw new TspodError('image-invalid', 'the build cache is of another version, or damaged')
  return steps.flatMap((step: unknown) => parseStepRecord(step) ?? [])
}

/** What stands in an image's annotation: by DiffID, since its blobs may be compressed on their way. */
export function formatInline(records: readonly StepRecord[], diffIds: readonly Digest[]): string {
  const own = records.filter(({ layer }) => layer === undefined || diffIds.includes(layer.diffId))
  return JSON.stringify(own.map(({ key, layer, created }) => [key, layer?.diffId ?? '', created]))
}

/** The records of an image with such an annotation. */
export function parseInline(text: string, layers: readonly Descriptor[], diffIds: readonly Digest[]): StepRecord[] {
  const value = parseJson(text)
  if (!Array.isArray(value) || value.length > mostRecords) return []
  return value.flatMap((entry: unknown): StepRecord[] => {
    if (!Array.isArray(entry)) return []
    const [key, diffId, created] = entry as unknown[]
    if (!isKey(key) || typeof created !== 'string' || Number.isNaN(Date.parse(created))) return []
    const shared = { version: 1, key, description: '', created, lastUsed: created, uses: 0 } as const
    if (diffId === '') return [{ ...shared, layer: undefined }]
    if (!isDigest(diffId)) return []
    const blob = layers[diffIds.indexOf(diffId)]
    if (blob === undefined) return []
    const { mediaType, digest, size } = blob
    return [{ ...shared, layer: { diffId, blob: { mediaType, digest, size }, entries: 0, uncompressedSize: size } }]
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new TspodError('image-invalid', 'the build cache is not JSON', { cause: error })
  }
}
