import { TspodError } from '../base/errors.js'
import { isDigest } from '../base/digest.js'
import { mediaTypes } from '../oci/image-spec.js'
import type { Descriptor, ImageIndex, ImageManifest, Platform } from '../oci/image-spec.js'
import { formatPlatform, platformRank } from './platform.js'

/** A manifest larger than this is refused before it is parsed (the distribution-spec's own limit). */
export const maximumManifestSize = 4 * 1024 * 1024
const maximumLayers = 1024
const maximumManifests = 4096
/** Podman writes parameters, `text/plain; charset=utf-8`, though the specification has none. */
const mediaTypePattern = /^[\w.+/-]{1,255}(?:; ?[\w.+-]{1,64}=[\w.+-]{1,64}){0,4}$/

/** What registries are asked for, best first. */
export const acceptedManifests: readonly string[] = [
  mediaTypes.ociIndex,
  mediaTypes.dockerList,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
]

export type Manifest =
  | { readonly kind: 'image'; readonly mediaType: string; readonly image: ImageManifest }
  | { readonly kind: 'index'; readonly mediaType: string; readonly index: ImageIndex }

/**
 * Parses a manifest or an index. The type that the sender claimed, the one in the document and its shape must
 * agree (CVE-2021-41190): a document with both `manifests` and `layers` is neither.
 */
export function parseManifest(bytes: Uint8Array, claimedType?: string): Manifest {
  if (bytes.length > maximumManifestSize) {
    throw new TspodError(
      'limit-exceeded',
      `manifest of ${String(bytes.length)} bytes is larger than ${String(maximumManifestSize)}`,
    )
  }
  const document = parseObject(bytes, 'manifest')
  if (document['schemaVersion'] !== 2) {
    throw bad(document['schemaVersion'] === 1 ? 'schema version 1 is not supported' : 'its schemaVersion is not 2')
  }
  const isIndex = 'manifests' in document
  if (isIndex && ('layers' in document || 'config' in document)) throw bad('it is both an image and an index')
  const mediaType = typeOf(document, isIndex, claimedType)
  return isIndex
    ? { kind: 'index', mediaType, index: parseIndex(document) }
    : { kind: 'image', mediaType, image: parseImage(document) }
}

/** The manifest of an index that fits a platform best; the first of equals. */
export function choosePlatform(index: ImageIndex, wanted: Platform): Descriptor {
  let best: { descriptor: Descriptor; rank: number } | undefined
  for (const descriptor of index.manifests) {
    if (descriptor.platform === undefined || descriptor.artifactType !== undefined) continue
    const rank = platformRank(wanted, descriptor.platform)
    if (rank !== undefined && (best === undefined || rank < best.rank)) best = { descriptor, rank }
  }
  if (best !== undefined) return best.descriptor
  const [only] = index.manifests
  if (index.manifests.length === 1 && only?.platform === undefined && only !== undefined) return only
  const offered = index.manifests.flatMap((one) => (one.platform === undefined ? [] : [formatPlatform(one.platform)]))
  throw new TspodError(
    'image-pull-failed',
    `no image found in image index for platform ${formatPlatform(wanted)}${offered.length === 0 ? '' : `; it has ${[...new Set(offered)].slice(0, 20).join(', ')}`}`,
  )
}

/** Checks one descriptor field by field; `what` names it in the error. */
export function parseDescriptor(value: unknown, what: string): Descriptor {
  const descriptor = requireObject(value, what)
  const { mediaType, digest, size } = descriptor
  if (typeof mediaType !== 'string' || !mediaTypePattern.test(mediaType)) throw bad(`${what} has no valid mediaType`)
  if (!isDigest(digest)) throw bad(`${what} has no valid digest`)
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw bad(`${what} has no valid size`)
  const platform = descriptor['platform']
  const annotations = descriptor['annotations']
  const urls = descriptor['urls']
  return {
    mediaType,
    digest,
    size,
    ...(platform === undefined || platform === null ? {} : { platform: parsePlatformObject(platform, what) }),
    ...(annotations === undefined || annotations === null ? {} : { annotations: parseTexts(annotations, what) }),
    ...(Array.isArray(urls) && urls.every((url) => typeof url === 'string') ? { urls } : {}),
    ...(typeof descriptor['artifactType'] === 'string' ? { artifactType: descriptor['artifactType'] } : {}),
  }
}

export function parseObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch (error) {
    throw new TspodError('image-invalid', `the ${what} is not JSON`, { cause: error })
  }
  return requireObject(value, what)
}

export function requireObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(`${what} is not an object`)
  return value as Record<string, unknown>
}

/** A map of texts, such as annotations and labels. */
export function parseTexts(value: unknown, what: string): Readonly<Record<string, string>> {
  const object = requireObject(value, what)
  for (const text of Object.values(object))
    if (typeof text !== 'string') throw bad(`${what} has a value that is no text`)
  return object as Readonly<Record<string, string>>
}

function typeOf(document: Record<string, unknown>, isIndex: boolean, claimed: string | undefined): string {
  const own = document['mediaType']
  if (own !== undefined && typeof own !== 'string') throw bad('its mediaType is no text')
  const fitting: readonly string[] = isIndex
    ? [mediaTypes.ociIndex, mediaTypes.dockerList]
    : [mediaTypes.ociManifest, mediaTypes.dockerManifest]
  const said = claimed === undefined ? undefined : claimed.split(';')[0]?.trim().toLowerCase()
  const known = said !== undefined && acceptedManifests.includes(said) ? said : undefined
  const mediaType = own ?? known ?? fitting[0]
  if (mediaType === undefined || !fitting.includes(mediaType)) {
    throw bad(`its type is ${JSON.stringify(mediaType)}, its content ${isIndex ? 'an index' : 'an image'}`)
  }
  if (known !== undefined && known !== mediaType) throw bad(`it was announced as ${known} but is ${mediaType}`)
  return mediaType
}

function parseIndex(document: Record<string, unknown>): ImageIndex {
  const { manifests, annotations } = document
  if (!Array.isArray(manifests)) throw bad('its manifests are no list')
  if (manifests.length > maximumManifests) throw bad(`it has more than ${String(maximumManifests)} manifests`)
  return {
    schemaVersion: 2,
    ...(typeof document['mediaType'] === 'string' ? { mediaType: document['mediaType'] } : {}),
    manifests: manifests.map((one, number) => parseDescriptor(one, `manifest ${String(number)}`)),
    ...(annotations === undefined || annotations === null
      ? {}
      : { annotations: parseTexts(annotations, 'its annotations') }),
  }
}

function parseImage(document: Record<string, unknown>): ImageManifest {
  const { layers, annotations, subject } = document
  if (!Array.isArray(layers)) throw bad('its layers are no list')
  if (layers.length > maximumLayers) throw bad(`it has more than ${String(maximumLayers)} layers`)
  return {
    schemaVersion: 2,
    ...(typeof document['mediaType'] === 'string' ? { mediaType: document['mediaType'] } : {}),
    ...(typeof document['artifactType'] === 'string' ? { artifactType: document['artifactType'] } : {}),
    config: parseDescriptor(document['config'], 'its config'),
    layers: layers.map((one, number) => parseDescriptor(one, `layer ${String(number)}`)),
    ...(subject === undefined || subject === null ? {} : { subject: parseDescriptor(subject, 'its subject') }),
    ...(annotations === undefined || annotations === null
      ? {}
      : { annotations: parseTexts(annotations, 'its annotations') }),
  }
}

function parsePlatformObject(value: unknown, what: string): Platform {
  const platform = requireObject(value, `the platform of ${what}`)
  const { architecture, os, variant } = platform
  if (typeof architecture !== 'string' || typeof os !== 'string') throw bad(`${what} has an incomplete platform`)
  return { architecture, os, ...(typeof variant === 'string' && variant !== '' ? { variant } : {}) }
}

function bad(why: string): TspodError {
  return new TspodError('image-invalid', `the manifest is not valid: ${why}`)
}
