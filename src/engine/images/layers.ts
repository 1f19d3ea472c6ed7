import type { Descriptor, Digest } from '../../oci/image-spec.js'
import { LayerStore } from '../../storage/layers.js'
import type { Context } from '../context.js'

export interface LayerToUnpack {
  readonly layer: Descriptor
  readonly diffId: Digest
  /** The blob. */
  readonly path: string
  readonly signal?: AbortSignal | undefined
}

/** The store of unpacked layers, with the ids that this user's containers have. */
export function layerStore(context: Context): LayerStore {
  return new LayerStore(context.paths, async () => {
    const { hostMapping } = await import('../../../rootless/ladder.js')
    return (await hostMapping()).plan
  })
}

/** Whether every layer of an image is unpacked. */
export function layersArePresent(context: Context, diffIds: readonly Digest[]): boolean {
  const layers = layerStore(context)
  return diffIds.every((diffId) => layers.has(diffId))
}

/** Unpacks a layer unless it is unpacked already; its digest and its DiffID are verified on the way. */
export async function ensureLayer(context: Context, { layer, diffId, path, signal }: LayerToUnpack): Promise<void> {
  await layerStore(context).ensureLayer(layer, diffId, () => path, { signal })
}

/** The size of unpacked layers, where it is known. */
export function layerSizes(context: Context): (diffId: Digest) => number | undefined {
  const layers = layerStore(context)
  const known = new Map<Digest, number | undefined>()
  return (diffId) => {
    if (!known.has(diffId)) known.set(diffId, sizeOf(layers, diffId))
    return known.get(diffId)
  }
}

/** Removes the unpacked layers that are not named. */
export async function removeLayersExcept(context: Context, kept: ReadonlySet<Digest>): Promise<void> {
  await layerStore(context).removeExcept(kept)
}

function sizeOf(layers: LayerStore, diffId: Digest): number | undefined {
  try {
    return layers.get(diffId)?.uncompressedSize
  } catch {
    return undefined /* A damaged record is for `system check` to tell. */
  }
}
