import { TspodError } from '../../base/errors.js'
import type { Digest } from '../../oci/image-spec.js'
import { ImageStore, type IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'
import { emitImageEvent } from '../events/write.js'
import { childrenOf, containersByImage, parentOf, readCatalog, tagsOf, type CatalogImage } from './catalog.js'
import { collectGarbage } from './collect.js'
import { imageTests, isDangling } from './filters.js'
import { findImage } from './lookup.js'
import { withoutImage, withoutName } from './names.js'
import { bareId, imageNotKnown } from './record.js'
import type { PruneOptions, RemovedImages, RemoveImagesOptions } from './types.js'

interface Report {
  readonly untagged: string[]
  readonly deleted: string[]
  readonly errors: Error[]
}

/** Takes away names, and what has none any more. Podman's rules for names, IDs, users and children. */
export async function removeImages(
  context: Context,
  names: readonly string[],
  options: RemoveImagesOptions = {},
): Promise<RemovedImages> {
  const report: Report = { untagged: [], deleted: [], errors: [] }
  if (options.all === true) await removeAll(context, options, report)
  else {
    for (const name of names) {
      try {
        await removeOne(context, name, options, report)
      } catch (error) {
        if (options.ignore === true && error instanceof TspodError && error.code === 'no-such-image') continue
        report.errors.push(error instanceof Error ? error : new Error(String(error)))
      }
    }
  }
  if (report.deleted.length > 0) await collectGarbage(context)
  return report
}

/** Removes images that no container uses and that have no name (or with `all`, whatever their names). */
export async function pruneImages(context: Context, options: PruneOptions = {}): Promise<string[]> {
  const report: Report = { untagged: [], deleted: [], errors: [] }
  for (;;) {
    const all = await readCatalog(context)
    const test = await imageTests(context, options.filters ?? [], all)
    const used = containersByImage(context)
    const victims = all.filter((image) => {
      if (used.has(bareId(image.id)) || !test(image)) return false
      return options.all === true
        ? childrenOf(image, all).every((child) => !used.has(bareId(child.id)))
        : isDangling(image, all)
    })
    if (victims.length === 0) break
    for (const image of victims) await deleteImage(context, image, report)
  }
  if (report.deleted.length > 0) await collectGarbage(context)
  return report.deleted
}

async function removeAll(context: Context, options: RemoveImagesOptions, report: Report): Promise<void> {
  /* Children before parents: whoever has most layers first. */
  const all = (await readCatalog(context)).sort((one, other) => other.record.history.length - one.record.history.length)
  for (const image of all) {
    try {
      await freeFromContainers(context, image, options)
      await deleteImage(context, image, report)
    } catch (error) {
      report.errors.push(error instanceof Error ? error : new Error(String(error)))
    }
  }
}

async function removeOne(context: Context, name: string, options: RemoveImagesOptions, report: Report): Promise<void> {
  const all = await readCatalog(context)
  const found = await findImage(
    context,
    all.flatMap((image) => image.entries),
    name,
  )
  const image = found === undefined ? undefined : all.find((one) => one.entries.includes(found.entry))
  if (found === undefined || image === undefined) throw imageNotKnown(name)
  const own = found.name
  const others = image.names.filter((one) => one !== own)
  if (own !== undefined && others.length > 0) {
    await untag(context, image, own, report)
    return
  }
  if (own === undefined && others.length > 1 && options.force !== true) {
    throw new TspodError(
      'invalid-argument',
      `unable to delete image "${bareId(image.id)}" by ID with more than one tag ([${tagsOf(image).join(' ')}]): please force removal`,
    )
  }
  await freeFromContainers(context, image, options)
  /* What was built on it keeps it, without a name. */
  if (childrenOf(image, all).length > 0) {
    if (image.names.length === 0) {
      throw new TspodError(
        'image-in-use',
        `image ${bareId(image.id)} is the parent of another one: remove that one first`,
      )
    }
    for (const one of image.names) await untag(context, image, one, report)
    return
  }
  await deleteImage(context, image, report)
  if (options.noPrune !== true) await pruneParents(context, image, all, report)
}

/** Nameless parents were only there for this image. */
async function pruneParents(
  context: Context,
  image: CatalogImage,
  all: readonly CatalogImage[],
  report: Report,
): Promise<void> {
  const used = containersByImage(context)
  let rest = all.filter((one) => one.id !== image.id)
  for (let parent = parentOf(image, all); parent !== undefined;) {
    if (parent.names.length > 0 || used.has(bareId(parent.id)) || childrenOf(parent, rest).length > 0) return
    await deleteImage(context, parent, report)
    const gone: CatalogImage = parent
    parent = parentOf(gone, rest)
    rest = rest.filter((one) => one.id !== gone.id)
  }
}

async function freeFromContainers(context: Context, image: CatalogImage, options: RemoveImagesOptions): Promise<void> {
  const users = containersByImage(context).get(bareId(image.id)) ?? []
  const [first] = users
  if (first === undefined) return
  if (options.force !== true) {
    throw new TspodError(
      'image-in-use',
      `image used by ${first}: image is in use by a container: consider listing external containers and force-removing image`,
    )
  }
  const { removeContainer } = await import('../containers/remove.js')
  for (const id of users)
    await removeContainer(context, id, { force: true, volumes: true, timeoutSeconds: 0, depend: true })
}

async function deleteImage(context: Context, image: CatalogImage, report: Report): Promise<void> {
  const store = new ImageStore(context.paths)
  const gone = await store.update<readonly string[] | undefined>((entries) => {
    const own = entries.filter((one) => isOf(one, image.id, image))
    if (own.length === 0) return { entries, result: undefined }
    return {
      entries: withoutImage(entries, image.id).filter((one) => !isOf(one, image.id, image)),
      result: namesOf(own),
    }
  })
  if (gone === undefined) return
  const ID = bareId(image.id)
  report.untagged.push(...gone)
  report.deleted.push(ID)
  for (const name of gone) emitImageEvent(context, 'untag', { ID, Name: name })
  emitImageEvent(context, 'remove', { ID, Name: gone[0] ?? ID })
}

async function untag(context: Context, image: CatalogImage, name: string, report: Report): Promise<void> {
  const store = new ImageStore(context.paths)
  await store.update((entries) => ({ entries: withoutName(entries, name), result: undefined }))
  report.untagged.push(name)
  emitImageEvent(context, 'untag', { ID: bareId(image.id), Name: name })
}

/** Entries of another tool carry no ID; they are known by their manifest. */
function isOf(entry: IndexEntry, id: Digest, image: CatalogImage): boolean {
  return entry.id === id || image.entries.some((one) => one.manifest === entry.manifest)
}

function namesOf(entries: readonly IndexEntry[]): readonly string[] {
  return entries.flatMap((entry) => (entry.name === undefined ? [] : [entry.name])).reverse()
}
