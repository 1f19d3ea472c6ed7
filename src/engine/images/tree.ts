import type { Context } from '../context.js'
import { childrenOf, isParent, readCatalog, tagsOf, type CatalogImage } from './catalog.js'
import { layerSizes } from './layers.js'
import { findImage } from './lookup.js'
import { bareId, imageNotKnown } from './record.js'
import type { ImageTree, TreeLayer, TreeUser } from './types.js'

/** The layers of an image, and which images each of them is the top of. */
export async function imageTree(context: Context, name: string): Promise<ImageTree> {
  const all = await readCatalog(context)
  const image = await requireImage(context, all, name)
  const sizes = layerSizes(context)
  const { record } = image
  const layers = record.diffIds.map((diffId, number): TreeLayer => ({
    id: diffId.replace(/^.*:/, ''),
    size: sizes(diffId) ?? record.layers[number]?.size ?? 0,
    topLayerOf: all.filter((other) => endsAt(other, image, number)).flatMap((other) => namesOf(other)),
  }))
  return { id: bareId(image.id), tags: tagsOf(image), size: image.size, layers, users: usersOf(image, all) }
}

/** Its topmost layer is this one, and what is below is the same. */
function endsAt(other: CatalogImage, image: CatalogImage, number: number): boolean {
  const { diffIds } = other.record
  return diffIds.length === number + 1 && diffIds.every((diffId, at) => diffId === image.record.diffIds[at])
}

function namesOf(image: CatalogImage): readonly string[] {
  return image.names.length === 0 ? [bareId(image.id).slice(0, 12)] : image.names
}

/** What was built on it: each under the nearest that it was built on. */
function usersOf(image: CatalogImage, all: readonly CatalogImage[]): readonly TreeUser[] {
  const children = childrenOf(image, all)
  const nearest = children.filter((child) => !children.some((other) => isParent(other.record, child.record)))
  return nearest.map((child) => ({
    id: bareId(child.id),
    names: namesOf(child),
    size: child.size,
    users: usersOf(child, all),
  }))
}

async function requireImage(context: Context, all: readonly CatalogImage[], name: string): Promise<CatalogImage> {
  const found = await findImage(
    context,
    all.flatMap((image) => image.entries),
    name,
  )
  const image = found === undefined ? undefined : all.find((one) => one.entries.includes(found.entry))
  if (image === undefined) throw imageNotKnown(name)
  return image
}
