import { TspodError } from '../../base/errors.js'
import { syncFileSystem } from '../../base/syscalls.js'
import { mediaTypes } from '../../oci/image-spec.js'
import type { RootfsPlan } from '../../runtime/protocol.js'
import type { Lock } from '../../state/lock.js'
import { fillRootfs, fitsOverlay, planRootfs } from '../../storage/overlay.js'
import { packLayer, type Packed, type PackOptions } from '../../storage/pack.js'
import { settleLayer } from '../../storage/settle.js'
import { withCopies } from '../containers/changes.js'
import { rootMountpoint } from '../containers/launch.js'
import { stubArguments } from '../containers/mount-stubs.js'
import { ensureLayer, layerStore } from '../images/layers.js'
import { lowerFolders, type FreshLayer, type LayerContent, type StageLayer } from './layer.js'
import type { Session } from './session.js'
import { mountpoints, type StepPlace } from './workspace.js'

export interface MakeOptions {
  /** An image will need the layer's archive; otherwise only its digest is taken. */
  readonly archive: boolean
  /** Lowest of all: folders that mounts are made on, instead of the usual ones. */
  readonly bottom?: (place: StepPlace) => Promise<string> | string
}

/** The root that a step writes to. */
export interface StepRoot {
  readonly rootfs: RootfsPlan
  /** Topmost first; what is below the step's own folder. */
  readonly lower: readonly string[]
  readonly place: StepPlace
}

/**
 * Lets `write` change a root that consists of these layers; what it has changed becomes one layer more. The upper folder
 * itself becomes the layer, and its archive is made while other steps go on.
 */
export async function makeLayer(
  session: Session,
  below: readonly StageLayer[],
  options: MakeOptions,
  write: (root: StepRoot) => Promise<void>,
): Promise<StageLayer> {
  const { context, driver } = session
  const place = session.workspace.place()
  const lower = await lowerFolders(below, (await options.bottom?.(place)) ?? mountpoints(context))
  if (driver.name === 'copy') return copiedLayer(session, place, lower, options, write)
  if (!fitsOverlay(lower)) {
    throw new TspodError('limit-exceeded', `${String(lower.length)} layers are more than an overlay takes`)
  }
  const mountpoint = rootMountpoint(context)
  const planned = planRootfs({ driver, lower, folder: place.aside, mountpoint, volatile: true })
  const rootfs: RootfsPlan = planned.driver === 'dir' ? planned : { ...planned, upper: place.diff, work: place.work }
  await write({ rootfs, lower, place })
  await settleLayer(driver.name, place.diff, session.plan)
  return freshLayer(session, place, options)
}

function freshLayer(session: Session, { place, diff }: StepPlace, { archive }: MakeOptions): FreshLayer {
  const { store, drafts } = session
  let folder = diff
  let draft: Lock | undefined
  const pack = async (): Promise<LayerContent> => {
    const packed = await packDraft(session, diff)
    ;({ draft } = packed)
    drafts.add(packed.draft)
    return packed.content
  }
  const content = archive ? pack() : digested(session, diff)
  /* Whoever needs it will hear of its failure. */
  content.catch(() => undefined)
  return {
    place,
    content,
    files: () => Promise.resolve(folder),
    async ensureBlob() {
      const { blob } = await content
      if (!store.hasBlob(blob.digest, blob.size)) await packInto(session, folder)
    },
    archive: () => draft,
    moved: (to) => (folder = to),
  }
}

async function digested({ plan, times, options }: Session, folder: string): Promise<LayerContent> {
  return contentOf(await packLayer(folder, { plan, output: '/dev/null', signal: options.signal, ...times }))
}

/** A blob that is whole, but has no name yet. */
async function packDraft(
  { store, plan, times, options }: Session,
  folder: string,
  more: Partial<PackOptions> & { readonly base?: string } = {},
): Promise<{ readonly content: LayerContent; readonly draft: Lock }> {
  const draft = await store.draft()
  try {
    /* A step that fails does not undo what others have done: only the caller ends this. */
    const how = { plan, output: draft.path, signal: options.signal, ...times, ...more }
    return { content: contentOf(await packLayer(folder, how)), draft }
  } catch (error) {
    draft.release({ unlink: true })
    throw error
  }
}

async function packInto(
  session: Session,
  folder: string,
  more: Partial<PackOptions> & { readonly base?: string } = {},
): Promise<LayerContent> {
  const { content, draft } = await packDraft(session, folder, more)
  session.store.adopt(draft, content.blob.digest)
  draft.release()
  return content
}

function contentOf({ diffId, digest, size, entries, uncompressedSize }: Packed): LayerContent {
  return { diffId, blob: { mediaType: mediaTypes.ociLayer, digest, size }, entries, uncompressedSize }
}

/** Without overlays a step works on a copy of everything, and its layer is how that differs from another copy. */
async function copiedLayer(
  session: Session,
  place: StepPlace,
  lower: readonly string[],
  { archive: _ }: MakeOptions,
  write: (root: StepRoot) => Promise<void>,
): Promise<StageLayer> {
  const { context, store, plan, signal } = session
  await fillRootfs(lower, place.diff, plan)
  await write({ rootfs: { driver: 'dir', path: place.diff, mountpoint: rootMountpoint(context) }, lower, place })
  const stubs = stubArguments()
  const content = await withCopies(context, lower, (base) => packInto(session, place.diff, { base, stubs }))
  const { diffId, blob } = content
  await ensureLayer(context, { layer: blob, diffId, path: store.blobPath(blob.digest), signal })
  return {
    content: Promise.resolve(content),
    files: () => Promise.resolve(layerStore(context).folder(diffId)),
    ensureBlob: () => Promise.resolve(),
  }
}

/**
 * Makes layers and blobs of what steps have made, so that it outlives the build: written out all at once, then named.
 * Nothing may be about to mount the folders.
 */
export async function publishLayers(session: Session, layers: readonly FreshLayer[]): Promise<void> {
  if (layers.length === 0) return
  const { context, store, drafts } = session
  const unpacked = layerStore(context)
  const known = await Promise.all(layers.map(async (layer) => ({ layer, content: await layer.content })))
  for (const { layer, content } of known) {
    const { diffId, blob, entries, uncompressedSize } = content
    unpacked.describeLayer(layer.place, { diffId, digest: blob.digest, size: blob.size, uncompressedSize, entries })
  }
  syncFileSystem(context.paths.tmp)
  const archives = known.flatMap(({ layer, content }) => {
    const draft = layer.archive()
    return draft === undefined ? [] : [{ draft, digest: content.blob.digest }]
  })
  store.adoptSynced(archives)
  for (const { draft } of archives) {
    draft.release()
    drafts.delete(draft)
  }
  await unpacked.adoptLayers(known.map(({ layer: { place }, content: { diffId } }) => ({ place, diffId })))
  for (const { layer, content } of known) layer.moved(unpacked.folder(content.diffId))
}
