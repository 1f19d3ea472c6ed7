import { join } from 'node:path'
import { digestHex } from '../../base/digest.js'
import { mediaTypes, type Digest } from '../../oci/image-spec.js'
import { digestOfEntry } from '../../storage/image-index.js'
import { ImageStore } from '../../storage/images.js'
import type { Context } from '../context.js'
import {
  containersByImage,
  isParent,
  parentOf,
  readCatalog,
  repoDigestsOf,
  tagsOf,
  type CatalogImage,
} from './catalog.js'
import { imageTests, isDangling, isIntermediate, referenceTest } from './filters.js'
import { layerSizes } from './layers.js'
import { findImage } from './lookup.js'
import { bareId, imageNotKnown } from './record.js'
import type { HistoryEntry, ImageInspection, ImageListOptions, ImageSummary } from './types.js'

/** The images of the store, as `images` shows them. */
export async function listImages(context: Context, options: ImageListOptions = {}): Promise<ImageSummary[]> {
  const all = await readCatalog(context)
  const test = await imageTests(context, options.filters ?? [], all)
  const wantsIntermediate = options.all === true || options.filters?.some((one) => /^intermediate/.test(one)) === true
  const users = containersByImage(context)
  const shared = sharedLayers(all)
  const sizes = layerSizes(context)
  const named = options.name === undefined ? undefined : await namedTest(context, options.name, all)
  return all
    .filter((image) => test(image) && (named?.(image) ?? true) && (wantsIntermediate || !isIntermediate(image, all)))
    .map((image) => summary(image, all, users.get(bareId(image.id))?.length ?? 0, sharedSize(image, shared, sizes)))
}

/** Everything that is known of an image. */
export async function inspectImage(context: Context, name: string): Promise<ImageInspection> {
  const all = await readCatalog(context)
  const image = await requireImage(context, name, all)
  const { record } = image
  const parent = parentOf(image, all)
  const folders = record.diffIds.map((diffId) => join(context.paths.layers, digestHex(diffId), 'diff')).reverse()
  const [upper, ...lower] = folders
  return {
    Id: bareId(image.id),
    Digest: topDigest(image),
    RepoTags: tagsOf(image),
    RepoDigests: repoDigestsOf(image),
    Parent: parent === undefined ? '' : bareId(parent.id),
    Comment: record.comment,
    Created: record.created,
    Config: record.config,
    Version: '',
    Author: record.author,
    Architecture: record.architecture,
    Os: record.os,
    ...(record.variant === undefined ? {} : { Variant: record.variant }),
    Size: image.size,
    VirtualSize: image.size,
    GraphDriver: {
      Name: 'overlay',
      Data: {
        ...(lower.length === 0 ? {} : { LowerDir: lower.join(':') }),
        ...(upper === undefined ? {} : { UpperDir: upper }),
      },
    },
    RootFS: { Type: 'layers', Layers: record.diffIds },
    Labels: record.config.Labels ?? null,
    Annotations: record.annotations,
    ManifestType: image.entries.at(-1)?.original === undefined ? record.mediaType : mediaTypes.dockerManifest,
    User: record.config.User ?? '',
    History: record.history,
    NamesHistory: [...image.history].reverse(),
    ...(record.config.Healthcheck === undefined ? {} : { Healthcheck: record.config.Healthcheck }),
  }
}

/** The steps an image was made in, the newest first. */
export async function imageHistory(context: Context, name: string): Promise<HistoryEntry[]> {
  const all = await readCatalog(context)
  const image = await requireImage(context, name, all)
  const { record } = image
  const sizes = layerSizes(context)
  let layer = 0
  const steps = record.history.map((step, number): HistoryEntry => {
    const size = step.empty_layer === true ? 0 : sizeOfLayer(image, layer++, sizes)
    const owner = all.find(
      (other) => other.id !== image.id && other.record.history.length === number + 1 && isParent(other.record, record),
    )
    const isTop = number === record.history.length - 1
    return {
      id: isTop ? bareId(image.id) : owner === undefined ? '<missing>' : bareId(owner.id),
      created: new Date(step.created ?? record.created),
      createdBy: step.created_by ?? '',
      size,
      comment: step.comment ?? '',
      tags: isTop ? tagsOf(image) : owner === undefined ? [] : tagsOf(owner),
    }
  })
  return steps.reverse()
}

export async function imageExists(context: Context, name: string): Promise<boolean> {
  return (await findImage(context, new ImageStore(context.paths).entries(), name)) !== undefined
}

export async function requireImage(
  context: Context,
  name: string,
  all: readonly CatalogImage[],
): Promise<CatalogImage> {
  const found = await findImage(
    context,
    all.flatMap((image) => image.entries),
    name,
  )
  const image = found === undefined ? undefined : all.find((one) => one.entries.includes(found.entry))
  if (image === undefined) throw imageNotKnown(name)
  return image
}

/** `images NAME`: a repository, a name, a pattern, or an ID. */
async function namedTest(
  context: Context,
  name: string,
  all: readonly CatalogImage[],
): Promise<(image: CatalogImage) => boolean> {
  const byPattern = referenceTest(name)
  if (all.some(byPattern)) return byPattern
  const found = await findImage(
    context,
    all.flatMap((image) => image.entries),
    name,
  )
  return (image) => found !== undefined && image.entries.includes(found.entry)
}

function summary(image: CatalogImage, all: readonly CatalogImage[], containers: number, shared: number): ImageSummary {
  const { record } = image
  const parent = parentOf(image, all)
  return {
    id: bareId(image.id),
    parentId: parent === undefined ? '' : bareId(parent.id),
    names: image.names,
    repoTags: tagsOf(image),
    repoDigests: repoDigestsOf(image),
    digest: topDigest(image),
    created: image.created,
    size: image.size,
    sharedSize: shared,
    labels: record.config.Labels ?? {},
    containers,
    dangling: isDangling(image, all),
    intermediate: isIntermediate(image, all),
    readOnly: false,
    history: image.history,
    architecture: record.architecture,
    os: record.os,
    isManifestList: /index|list/.test(record.mediaType),
  }
}

function sharedLayers(all: readonly CatalogImage[]): ReadonlySet<string> {
  const seen = new Set<string>()
  const shared = new Set<string>()
  for (const image of all) {
    for (const diffId of new Set(image.record.diffIds)) {
      if (seen.has(diffId)) shared.add(diffId)
      seen.add(diffId)
    }
  }
  return shared
}

function sharedSize(image: CatalogImage, shared: ReadonlySet<string>, sizes: ReturnType<typeof layerSizes>): number {
  return image.record.diffIds.reduce(
    (sum, diffId, number) => (shared.has(diffId) ? sum + sizeOfLayer(image, number, sizes) : sum),
    0,
  )
}

function sizeOfLayer(image: CatalogImage, number: number, sizes: ReturnType<typeof layerSizes>): number {
  const diffId = image.record.diffIds[number]
  return (diffId === undefined ? undefined : sizes(diffId)) ?? image.record.layers[number]?.size ?? 0
}

/** Of the manifest that came last, as its registry calls it. */
function topDigest(image: CatalogImage): Digest {
  const entry = image.entries.at(-1)
  return entry === undefined ? image.record.manifest : digestOfEntry(entry)
}
