import { TspodError } from '../../base/errors.js'
import { isDigest } from '../../base/digest.js'
import { parseManifest } from '../../image/manifest.js'
import { formatReference, parseReference } from '../../image/reference.js'
import { RegistrySource } from '../../image/registry/source.js'
import type { Digest } from '../../oci/image-spec.js'
import { ImageStore } from '../../storage/images.js'
import type { Context } from '../context.js'
import { registryOptions } from '../images/access.js'
import { withLease } from '../images/collect.js'
import { localName } from '../images/local-name.js'
import { findImage } from '../images/lookup.js'
import { removeImages } from '../images/remove.js'
import { parseTransport } from '../images/transports.js'
import type { PushedImage, RegistryAccess, RemovedImages } from '../images/types.js'
import { emptyList, withAnnotations, withDetails, withManifests, withoutManifest } from './edit.js'
import { gatherManifests, type Gathered } from './gather.js'
import { changeList, findList, requireList, saveList, type ListDocument } from './lists.js'
import type {
  ManifestAddOptions,
  ManifestAnnotateOptions,
  ManifestCreateOptions,
  ManifestPushOptions,
} from './types.js'

/** Makes a list of images, which may be none; answers its ID. */
export async function createManifest(
  context: Context,
  name: string,
  images: readonly string[],
  options: ManifestCreateOptions = {},
): Promise<Digest> {
  const store = new ImageStore(context.paths)
  const listName = localName(name)
  const known = store.entries().find((entry) => entry.name === listName)
  if (known !== undefined && options.amend !== true)
    throw new TspodError('name-in-use', `that name is already in use: ${listName} (--amend adds to it)`)
  return withLease(context, async () => {
    const { descriptors, signatures } = await gatherAll(context, store, images, options)
    const before = known === undefined ? emptyList : (await requireList(context, store, listName)).document
    const after = withAnnotations(withManifests(before, descriptors), options.annotations ?? [])
    return known === undefined
      ? saveList(store, after, listName, signatures)
      : changeList(context, store, listName, () => after, signatures)
  })
}

/** Adds images to a list; answers its ID, which is another one then. */
export async function addToManifest(
  context: Context,
  list: string,
  images: readonly string[],
  options: ManifestAddOptions = {},
): Promise<Digest> {
  const store = new ImageStore(context.paths)
  await requireList(context, store, list)
  return withLease(context, async () => {
    const { descriptors, signatures } = await gatherAll(context, store, images, options)
    const add = (document: ListDocument): ListDocument =>
      descriptors.reduce((all, { digest }) => withDetails(all, digest, options), withManifests(document, descriptors))
    return changeList(context, store, list, add, signatures)
  })
}

async function gatherAll(
  context: Context,
  store: ImageStore,
  images: readonly string[],
  options: Parameters<typeof gatherManifests>[3],
): Promise<Gathered> {
  const all: Gathered[] = []
  for (const image of images) all.push(await gatherManifests(context, store, image, options))
  return {
    descriptors: all.flatMap(({ descriptors }) => descriptors),
    signatures: new Map(all.flatMap(({ signatures }) => [...signatures])),
  }
}

/** Says more of an image of a list, or of the list. */
export async function annotateManifest(
  context: Context,
  list: string,
  image: string | undefined,
  options: ManifestAnnotateOptions,
): Promise<Digest> {
  const store = new ImageStore(context.paths)
  if (options.index === true)
    return changeList(context, store, list, (document) => withAnnotations(document, options.annotations ?? []))
  if (image === undefined) throw new TspodError('usage', 'name an image of the list, or use --index')
  const digest = await digestOfMember(context, store, image)
  return changeList(context, store, list, (document) => withDetails(document, digest, options))
}

export async function removeFromManifest(context: Context, list: string, image: string): Promise<Digest> {
  const store = new ImageStore(context.paths)
  const digest = await digestOfMember(context, store, image)
  return changeList(context, store, list, (document) => withoutManifest(document, digest))
}

/** The list as it is written: the local one, or a registry's. */
export async function inspectManifest(context: Context, name: string, access: RegistryAccess = {}): Promise<object> {
  const local = await findList(context, new ImageStore(context.paths), name.replace(/^containers-storage:/, ''))
  if (local !== undefined) return local.document
  const source = new RegistrySource(parseReference(name.replace(/^docker:\/\//, '')), registryOptions(context, access))
  try {
    const raw = await source.manifest(undefined, access.signal)
    parseManifest(raw.bytes, raw.mediaType)
    return JSON.parse(Buffer.from(raw.bytes).toString('utf8')) as object
  } finally {
    await source.close()
  }
}

export async function manifestExists(context: Context, name: string): Promise<boolean> {
  return (await findList(context, new ImageStore(context.paths), name)) !== undefined
}

/** Removes lists; their images stay. */
export async function removeManifests(
  context: Context,
  names: readonly string[],
  ignore = false,
): Promise<RemovedImages> {
  const store = new ImageStore(context.paths)
  const removed: string[] = []
  const errors: Error[] = []
  for (const name of names) {
    try {
      await requireList(context, store, name)
      removed.push(name)
    } catch (error) {
      const isMissing = error instanceof TspodError && error.code === 'no-such-image'
      if (!(ignore && isMissing)) errors.push(error instanceof Error ? error : new Error(String(error)))
    }
  }
  const result = await removeImages(context, removed)
  return { ...result, errors: [...errors, ...result.errors] }
}

/** Sends a list with all of its images to a registry, or writes it by a transport. */
export async function pushManifest(
  context: Context,
  list: string,
  destination: string | undefined,
  options: ManifestPushOptions = {},
): Promise<PushedImage> {
  const store = new ImageStore(context.paths)
  const { entry } = await requireList(context, store, list)
  const { pushToRegistry } = await import('../images/push.js')
  const target = destination ?? entry.name
  if (target === undefined) throw new TspodError('usage', `${list} has no name: say where to push it`)
  const transport = parseTransport(target)
  const pushed = await withLease(context, async () => {
    if (transport !== undefined && transport.name !== 'docker') {
      const { writeListTo } = await import('./write-list.js')
      return { digest: await writeListTo(context, store, entry, transport, options), name: target }
    }
    const reference = parseReference(transport?.path ?? target)
    return { ...(await pushToRegistry(context, store, entry, reference, options)), name: formatReference(reference) }
  })
  if (options.rm === true) await removeManifests(context, [list])
  return pushed
}

/** A digest as it is, or the digest of a local image. */
async function digestOfMember(context: Context, store: ImageStore, image: string): Promise<Digest> {
  if (isDigest(image)) return image
  const found = await findImage(context, store.entries(), image)
  if (found === undefined) throw new TspodError('no-such-image', `${image}: neither a digest nor a local image`)
  return found.entry.original ?? found.entry.manifest
}
