import { TspodError } from '../../base/errors.js'
import { mediaTypes, type Descriptor, type Digest } from '../../oci/image-spec.js'
import type { ListDocument } from './lists.js'
import type { ManifestDetails } from './types.js'

/** Pure changes of a manifest list. */

export const emptyList: ListDocument = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }

/** Adds images, or replaces those that are in it. */
export function withManifests(document: ListDocument, added: readonly Descriptor[]): ListDocument {
  const digests = new Set<unknown>(added.map((one) => one.digest))
  const kept = document.manifests.filter((one) => !digests.has(one['digest']))
  return { ...document, manifests: [...kept, ...added.map((one) => ({ ...one }))] }
}

export function withoutManifest(document: ListDocument, digest: Digest): ListDocument {
  const kept = document.manifests.filter((one) => one['digest'] !== digest)
  if (kept.length === document.manifests.length)
    throw new TspodError('no-such-image', `no instance matching digest ${digest} found in manifest list`)
  return { ...document, manifests: kept }
}

/** Says more of one image of the list. */
export function withDetails(document: ListDocument, digest: Digest, details: ManifestDetails): ListDocument {
  if (!document.manifests.some((one) => one['digest'] === digest))
    throw new TspodError('no-such-image', `no instance matching digest ${digest} found in manifest list`)
  return {
    ...document,
    manifests: document.manifests.map((one) => (one['digest'] === digest ? detailed(one, details) : one)),
  }
}

export function withAnnotations(document: ListDocument, annotations: readonly string[]): ListDocument {
  if (annotations.length === 0) return document
  return { ...document, annotations: { ...document.annotations, ...parseAnnotations(annotations) } }
}

/** `KEY=VALUE`, as a map. */
export function parseAnnotations(annotations: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    annotations.map((text) => {
      const equals = text.indexOf('=')
      if (equals < 1) throw new TspodError('usage', `annotation ${JSON.stringify(text)} is not KEY=VALUE`)
      return [text.slice(0, equals), text.slice(equals + 1)]
    }),
  )
}

function detailed(one: Readonly<Record<string, unknown>>, details: ManifestDetails): Readonly<Record<string, unknown>> {
  const platform = tableOf(one['platform'])
  const { annotations = [], architecture, os, osVersion, osFeatures, features, variant } = details
  const changed = {
    ...platform,
    ...(architecture === undefined ? {} : { architecture }),
    ...(os === undefined ? {} : { os }),
    ...(osVersion === undefined ? {} : { 'os.version': osVersion }),
    ...(osFeatures === undefined ? {} : { 'os.features': osFeatures }),
    ...(features === undefined ? {} : { features }),
    ...(variant === undefined ? {} : { variant }),
  }
  return {
    ...one,
    ...(Object.keys(changed).length === 0 ? {} : { platform: changed }),
    ...(annotations.length === 0
      ? {}
      : { annotations: { ...tableOf(one['annotations']), ...parseAnnotations(annotations) } }),
  }
}

function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}
