import { TspodError } from '../../base/errors.js'
import { packLayer } from '../../storage/pack.js'
import { ensureLayer, layerStore } from '../images/layers.js'
import type { LayerContent, StageLayer } from './layer.js'
import type { PackTimes } from './times.js'
import type { Session } from './session.js'

/** A layer of an image or of the cache: its files or its blob are in the store, or can be fetched. */
export function storedLayer(session: Session, content: LayerContent, fetch?: () => Promise<void>): StageLayer {
  let files: Promise<string> | undefined
  let blob: Promise<void> | undefined
  const ensureBlob = (): Promise<void> => (blob ??= provideBlob(session, content, fetch))
  return {
    content: Promise.resolve(content),
    files: () => (files ??= provideFiles(session, content, ensureBlob)),
    ensureBlob,
  }
}

/** Whether a layer is here: unpacked, or as a blob. */
export function isLayerHere({ context, store }: Pick<Session, 'context' | 'store'>, content: LayerContent): boolean {
  return layerStore(context).has(content.diffId) || store.hasBlob(content.blob.digest, content.blob.size)
}

async function provideFiles(
  { context, store, signal }: Session,
  { diffId, blob }: LayerContent,
  ensureBlob: () => Promise<void>,
): Promise<string> {
  const layers = layerStore(context)
  if (!layers.has(diffId)) {
    await ensureBlob()
    await ensureLayer(context, { layer: blob, diffId, path: store.blobPath(blob.digest), signal })
  }
  return layers.folder(diffId)
}

async function provideBlob(session: Session, content: LayerContent, fetch?: () => Promise<void>): Promise<void> {
  const { store } = session
  const { digest, size } = content.blob
  if (store.hasBlob(digest, size)) return
  if (fetch !== undefined) await fetch()
  else await packAgain(session, content)
}

/** The archive of a layer that only its files are left of: the same files make the same bytes. */
async function packAgain({ context, store, plan, signal, times }: Session, content: LayerContent): Promise<void> {
  const { diffId, blob } = content
  const layers = layerStore(context)
  if (!layers.has(diffId) || blob.digest !== diffId) throw missing(content)
  const draft = await store.draft()
  try {
    for (const clamp of packings(times)) {
      const packed = await packLayer(layers.folder(diffId), { plan, output: draft.path, signal, ...clamp })
      if (packed.digest !== blob.digest) continue
      store.adopt(draft, packed.digest)
      draft.release()
      return
    }
  } catch (error) {
    draft.release({ unlink: true })
    throw error
  }
  draft.release({ unlink: true })
  throw missing(content)
}

/** The files have the times that they were made with; their archive may have been made with others. */
function packings(times: PackTimes): readonly PackTimes[] {
  return Object.keys(times).length === 0 ? [{}] : [times, {}]
}

function missing({ diffId }: LayerContent): TspodError {
  return new TspodError('store-corrupt', `the build cache has lost layer ${diffId}: build again with --no-cache`)
}
