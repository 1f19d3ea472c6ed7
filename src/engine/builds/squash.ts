import { mediaTypes, type ImageHistory } from '../../oci/image-spec.js'
import { packLayer, type Packed, type PackOptions } from '../../storage/pack.js'
import { tarRoot } from '../../storage/root-archive.js'
import { withCopies } from '../containers/changes.js'
import { ensureLayer } from '../images/layers.js'
import type { LayerContent, StageLayer } from './layer.js'
import { withSource } from './root.js'
import type { Session } from './session.js'

export interface Layering {
  readonly contents: readonly LayerContent[]
  readonly history: readonly ImageHistory[]
}

interface Unsquashed extends Layering {
  readonly layers: readonly StageLayer[]
  /** How many of them are the base image's. */
  readonly kept: number
}

/**
 * `--squash` and `--layers=false`: the layers of this build as one, on those of the base; `--squash-all`: everything as one.
 * The history stays; the last instruction has the layer. `keptHistory`: how many of its entries are the base's.
 */
export async function squashed(session: Session, whole: Unsquashed, keptHistory: number): Promise<Layering> {
  const { squash, squashAll, layers } = session.options
  const merges = squashAll === true || squash === true || layers === false
  const kept = squashAll === true ? 0 : whole.kept
  const merged = whole.layers.slice(kept)
  if (!merges || merged.length === 0) return plain(whole)
  const content = await merge(session, whole.layers, kept)
  return {
    contents: [...whole.contents.slice(0, kept), content],
    history: withLastLayer(whole.history, squashAll === true ? 0 : keptHistory),
  }
}

async function plain({ contents, history, layers }: Unsquashed): Promise<Layering> {
  /* To be sent elsewhere, and to be run. */
  await Promise.all(layers.flatMap((layer) => [layer.ensureBlob(), layer.files()]))
  return { contents, history }
}

async function merge(session: Session, layers: readonly StageLayer[], kept: number): Promise<LayerContent> {
  const { context, store, plan, times, options } = session
  const draft = await store.draft()
  try {
    const how = { plan, output: draft.path, signal: options.signal, ...times }
    const packed =
      kept === 0
        ? await withSource(session, { layers }, (root) => tarRoot(root, how))
        : await difference(session, layers, kept, how)
    store.adopt(draft, packed.digest)
    draft.release()
    const blob = { mediaType: mediaTypes.ociLayer, digest: packed.digest, size: packed.size }
    const { diffId, entries, uncompressedSize } = packed
    await ensureLayer(context, { layer: blob, diffId, path: store.blobPath(blob.digest), signal: options.signal })
    return { diffId, blob, entries, uncompressedSize }
  } catch (error) {
    draft.release({ unlink: true })
    throw error
  }
}

/** How all layers together differ from the base's together: what was made and removed again is in neither. */
async function difference(
  { context }: Session,
  layers: readonly StageLayer[],
  kept: number,
  how: PackOptions,
): Promise<Packed> {
  const folders = await Promise.all(layers.map((layer) => layer.files()))
  const topmostFirst = (some: readonly string[]): string[] => [...new Set(some.toReversed())]
  return withCopies(context, topmostFirst(folders.slice(0, kept)), (base) =>
    withCopies(context, topmostFirst(folders), (folder) => packLayer(folder, { ...how, base })),
  )
}

function withLastLayer(history: readonly ImageHistory[], kept: number): readonly ImageHistory[] {
  return history.map((entry, number) => {
    if (number < kept) return entry
    const { empty_layer: _, ...rest } = entry
    return number === history.length - 1 ? rest : { ...rest, empty_layer: true }
  })
}
