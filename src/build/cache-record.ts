import { isDigest } from '../base/digest.js'
import type { Descriptor, Digest } from '../oci/image-spec.js'

/** What a step has made, as the cache remembers it: found again by the step's key alone. */
export interface StepRecord {
  readonly version: 1
  /** 64 hexadecimal digits: src/build/cache-key.ts */
  readonly key: string
  /** Undefined: the step changed no file, and there is no layer. */
  readonly layer: StepLayer | undefined
  /** As progress shows the step. */
  readonly description: string
  /** RFC 3339; when the step was run, which is its time in an image's history. */
  readonly created: string
  readonly lastUsed: string
  /** How often it was found. */
  readonly uses: number
}

export interface StepLayer {
  readonly diffId: Digest
  readonly blob: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>
  readonly entries: number
  readonly uncompressedSize: number
}

/** The record that a value is, whoever wrote it; undefined if it is none. */
export function parseStepRecord(value: unknown): StepRecord | undefined {
  if (!isObject(value) || value['version'] !== 1) return undefined
  const { key, layer, description, created, lastUsed, uses } = value
  if (!isKey(key) || !isMoment(created) || !isMoment(lastUsed) || !isCount(uses)) return undefined
  if (typeof description !== 'string' || description.length > 1 << 16) return undefined
  const parsed = layer === undefined ? undefined : parseLayer(layer)
  if (layer !== undefined && parsed === undefined) return undefined
  return { version: 1, key, layer: parsed, description, created, lastUsed, uses }
}

export function isKey(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

function parseLayer(value: unknown): StepLayer | undefined {
  if (!isObject(value) || !isObject(value['blob'])) return undefined
  const { diffId, blob, entries, uncompressedSize } = value
  const { mediaType, digest, size } = value['blob']
  if (!isDigest(diffId) || !isDigest(digest) || typeof mediaType !== 'string' || !isObject(blob)) return undefined
  if (!isCount(size) || !isCount(entries) || !isCount(uncompressedSize)) return undefined
  return { diffId, blob: { mediaType, digest, size }, entries, uncompressedSize }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function isMoment(value: unknown): value is string {
  return typeof value === 'string' && value.length < 64 && !Number.isNaN(Date.parse(value))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
