import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'

/**
 * What the OCI image-spec's JSON schemas say, written anew: required members, patterns, enumerations. Every failing member is
 * named with its path.
 */

type Json = Readonly<Record<string, unknown>>

const mediaType = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/
const digest = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

/** Walks a whole layout: every document by its schema, every blob by its digest and size. Answers the mistakes. */
export async function layoutMistakes(folder: string): Promise<string[]> {
  const layout = await readJson(join(folder, 'oci-layout'))
  const mistakes = layout['imageLayoutVersion'] === '1.0.0' ? [] : ['oci-layout: imageLayoutVersion']
  const index = await readJson(join(folder, 'index.json'))
  mistakes.push(...indexMistakes(index, 'index.json'))
  for (const one of listOf(index['manifests'])) mistakes.push(...(await blobMistakes(folder, one)))
  return mistakes
}

/** As `layoutMistakes`, for a test to call. */
export async function expectValidLayout(folder: string): Promise<void> {
  expect(await layoutMistakes(folder)).toEqual([])
}

export function manifestMistakes(manifest: Json, at: string): string[] {
  return [
    ...(manifest['schemaVersion'] === 2 ? [] : [`${at}.schemaVersion`]),
    ...optional(manifest, 'mediaType', at, isMatching(mediaType)),
    ...optional(manifest, 'artifactType', at, isMatching(mediaType)),
    ...descriptorMistakes(manifest['config'], `${at}.config`),
    ...(Array.isArray(manifest['layers']) && manifest['layers'].length > 0 ? [] : [`${at}.layers`]),
    ...listOf(manifest['layers']).flatMap((layer, number) =>
      descriptorMistakes(layer, `${at}.layers[${String(number)}]`),
    ),
    ...(manifest['subject'] === undefined ? [] : descriptorMistakes(manifest['subject'], `${at}.subject`)),
    ...optional(manifest, 'annotations', at, isTexts),
    ...emptyConfigMistakes(manifest, at),
  ]
}

export function indexMistakes(index: Json, at: string): string[] {
  return [
    ...(index['schemaVersion'] === 2 ? [] : [`${at}.schemaVersion`]),
    ...optional(index, 'mediaType', at, isMatching(mediaType)),
    ...(Array.isArray(index['manifests']) ? [] : [`${at}.manifests`]),
    ...listOf(index['manifests']).flatMap((one, number) =>
      descriptorMistakes(one, `${at}.manifests[${String(number)}]`),
    ),
    ...optional(index, 'annotations', at, isTexts),
  ]
}

export function configMistakes(config: Json, at: string): string[] {
  const rootfs = config['rootfs'] as Json | undefined
  const run = (config['config'] ?? {}) as Json
  const lists = ['Env', 'Entrypoint', 'Cmd'].flatMap((key) => optional(run, key, `${at}.config`, isListOfTexts))
  const maps = ['ExposedPorts', 'Volumes'].flatMap((key) => optional(run, key, `${at}.config`, isObject))
  return [
    ...optional(config, 'created', at, isMatching(time)),
    ...optional(config, 'author', at, isText),
    ...(typeof config['architecture'] === 'string' ? [] : [`${at}.architecture`]),
    ...(typeof config['os'] === 'string' ? [] : [`${at}.os`]),
    ...(rootfs?.['type'] === 'layers' && isListOfTexts(rootfs['diff_ids']) ? [] : [`${at}.rootfs`]),
    ...lists,
    ...maps,
    ...optional(run, 'User', `${at}.config`, isText),
    ...optional(run, 'WorkingDir', `${at}.config`, isText),
    ...optional(run, 'StopSignal', `${at}.config`, isText),
    ...optional(run, 'Labels', `${at}.config`, isTexts),
    ...listOf(config['history']).flatMap((entry, number) => historyMistakes(entry, `${at}.history[${String(number)}]`)),
  ]
}

/** image-spec, “Guidance for an Empty Descriptor”: no schema can say that. */
function emptyConfigMistakes(manifest: Json, at: string): string[] {
  const config = manifest['config'] as Json | undefined
  const isEmpty = config?.['mediaType'] === 'application/vnd.oci.empty.v1+json'
  return isEmpty && manifest['artifactType'] === undefined
    ? [`${at}.artifactType is missing beside an empty config`]
    : []
}

function historyMistakes(entry: unknown, at: string): string[] {
  const history = entry as Json
  return [
    ...optional(history, 'created', at, isMatching(time)),
    ...['author', 'created_by', 'comment'].flatMap((key) => optional(history, key, at, isText)),
    ...optional(history, 'empty_layer', at, (value) => typeof value === 'boolean'),
  ]
}

function descriptorMistakes(value: unknown, at: string): string[] {
  if (!isObject(value)) return [at]
  return [
    ...(isMatching(mediaType)(value['mediaType']) ? [] : [`${at}.mediaType`]),
    ...(isMatching(digest)(value['digest']) ? [] : [`${at}.digest`]),
    ...(Number.isSafeInteger(value['size']) && Number(value['size']) >= 0 ? [] : [`${at}.size`]),
    ...optional(value, 'urls', at, isListOfTexts),
    ...optional(value, 'artifactType', at, isMatching(mediaType)),
    ...optional(value, 'annotations', at, isTexts),
    ...optional(value, 'data', at, isText),
    ...optional(
      value,
      'platform',
      at,
      (one) =>
        isObject(one) &&
        isText(one['architecture']) &&
        isText(one['os']) &&
        (one['variant'] === undefined || isText(one['variant'])),
    ),
  ]
}

async function blobMistakes(folder: string, value: unknown): Promise<string[]> {
  const descriptor = value as { readonly digest: string; readonly size: number; readonly mediaType: string }
  const at = descriptor.digest.slice(0, 19)
  const bytes = await readFile(join(folder, 'blobs', descriptor.digest.replace(':', '/')))
  const [algorithm = ''] = descriptor.digest.split(':')
  const found = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
  const mistakes = [
    ...(found === descriptor.digest ? [] : [`${at}: its digest is ${found}`]),
    ...(bytes.length === descriptor.size
      ? []
      : [`${at}: it has ${String(bytes.length)} bytes, not ${String(descriptor.size)}`]),
  ]
  const document = (): Json => JSON.parse(bytes.toString('utf8')) as Json
  if (descriptor.mediaType.endsWith('.config.v1+json')) return [...mistakes, ...configMistakes(document(), at)]
  if (!/(?:manifest|index)\.v1\+json$/.test(descriptor.mediaType)) return mistakes
  const manifest = document()
  const isIndex = 'manifests' in manifest
  const parts = isIndex ? listOf(manifest['manifests']) : [manifest['config'], ...listOf(manifest['layers'])]
  const inner = await Promise.all(parts.map((one) => blobMistakes(folder, one)))
  return [...mistakes, ...(isIndex ? indexMistakes(manifest, at) : manifestMistakes(manifest, at)), ...inner.flat()]
}

function optional(object: Json, key: string, at: string, check: (value: unknown) => boolean): string[] {
  const value = object[key]
  return value === undefined || check(value) ? [] : [`${at}.${key}`]
}

function isMatching(pattern: RegExp): (value: unknown) => boolean {
  return (value) => typeof value === 'string' && pattern.test(value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

function isTexts(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((one) => typeof one === 'string')
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : []
}

async function readJson(path: string): Promise<Json> {
  return JSON.parse(await readFile(path, 'utf8')) as Json
}
