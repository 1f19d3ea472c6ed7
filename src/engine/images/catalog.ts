import type { Digest } from '../../oci/image-spec.js'
import { digestOfEntry } from '../../storage/image-index.js'
import { ImageStore, type IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'
import { listRecords } from '../containers/store.js'
import { layerSizes } from './layers.js'
import { splitName } from './lookup.js'
import { bareId, recordOf, type ImageRecord } from './record.js'

/** One image with everything that belongs to its ID: manifests, names, and what it was made from. */
export interface CatalogImage {
  readonly id: Digest
  /** Of the manifest that came last. */
  readonly record: ImageRecord
  readonly entries: readonly IndexEntry[]
  /** The newest first. */
  readonly names: readonly string[]
  /** Of its manifests and of the indexes they were chosen from. */
  readonly digests: readonly Digest[]
  readonly created: Date
  /** Bytes: of the unpacked layers where that is known, and of the documents. */
  readonly size: number
  readonly history: readonly string[]
}

/** Every image of the store, the newest name first. Those that cannot be read are told and left out. */
export async function readCatalog(context: Context): Promise<CatalogImage[]> {
  const store = new ImageStore(context.paths)
  const groups = new Map<Digest, { records: ImageRecord[]; entries: IndexEntry[] }>()
  for (const entry of store.entries()) {
    let record: ImageRecord
    try {
      record = await recordOf(context, store, entry.manifest)
    } catch (error) {
      context.log(
        'warn',
        `image ${entry.name ?? entry.manifest} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      )
      continue
    }
    const group = groups.get(record.id) ?? { records: [], entries: [] }
    group.records.push(record)
    group.entries.push(entry)
    groups.set(record.id, group)
  }
  const sizes = layerSizes(context)
  return [...groups].map(([id, group]) => catalogImage(id, group.records, group.entries, sizes))
}

/** How many containers each image has, by bare ID. */
export function containersByImage(context: Context): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>()
  for (const record of listRecords(context)) {
    const { id } = record.spec.image
    users.set(id, [...(users.get(id) ?? []), record.id])
  }
  return users
}

/** Names with a tag. */
export function tagsOf(image: Pick<CatalogImage, 'names'>): readonly string[] {
  return image.names.filter((name) => splitName(name).tag !== undefined)
}

/** `repository@digest` for each repository and each digest. */
export function repoDigestsOf(image: Pick<CatalogImage, 'names' | 'digests'>): readonly string[] {
  const repositories = new Set(image.names.map((name) => splitName(name).repository))
  return [...repositories].flatMap((repository) => image.digests.map((digest) => `${repository}@${digest}`)).sort()
}

/** The image that this one was built on: fewer layers and a shorter history, both the same as far as they go. */
export function parentOf(image: CatalogImage, all: readonly CatalogImage[]): CatalogImage | undefined {
  let best: CatalogImage | undefined
  for (const other of all) {
    if (other.id === image.id || !isParent(other.record, image.record)) continue
    if (best === undefined || other.record.history.length > best.record.history.length) best = other
  }
  return best
}

/** Direct and indirect. */
export function childrenOf(image: CatalogImage, all: readonly CatalogImage[]): readonly CatalogImage[] {
  return all.filter((other) => other.id !== image.id && isParent(image.record, other.record))
}

/** Whether an image is a step on the way to another. */
export function isParent(parent: ImageRecord, child: ImageRecord): boolean {
  if (parent.history.length === 0 || parent.history.length >= child.history.length) return false
  if (parent.diffIds.length > child.diffIds.length) return false
  return (
    parent.diffIds.every((diffId, number) => diffId === child.diffIds[number]) &&
    parent.history.every((entry, number) => {
      const other = child.history[number]
      return entry.created_by === other?.created_by && entry.created === other?.created
    })
  )
}

function catalogImage(
  id: Digest,
  records: readonly ImageRecord[],
  entries: readonly IndexEntry[],
  sizes: (diffId: Digest) => number | undefined,
): CatalogImage {
  const record = records.at(-1) as ImageRecord
  const names = entries.flatMap((entry) => (entry.name === undefined ? [] : [entry.name])).reverse()
  const digests = [...new Set(entries.flatMap((entry) => [digestOfEntry(entry), ...entry.digests]).reverse())]
  const layers = record.layers.reduce((sum, layer, number) => {
    const diffId = record.diffIds[number]
    return sum + ((diffId === undefined ? undefined : sizes(diffId)) ?? layer.size)
  }, 0)
  return {
    id,
    record,
    entries,
    names,
    digests,
    created: createdOf(record),
    size: layers + record.configSize,
    history: [...new Set(entries.flatMap((entry) => entry.history))].reverse(),
  }
}

function createdOf(record: ImageRecord): Date {
  const date = new Date(record.created)
  return Number.isNaN(date.getTime()) ? new Date(0) : date
}

export { bareId }
