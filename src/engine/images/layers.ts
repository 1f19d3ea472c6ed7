import { join } from 'node:path'
import { digestHex } from '../../base/digest.js'
import type { Descriptor, Digest } from '../../oci/image-spec.js'
import { exists } from '../../state/file.js'
import type { Context } from '../context.js'

export interface LayerToUnpack {
  readonly layer: Descriptor
  readonly diffId: Digest
  /** The blob. */
  readonly path: string
}

/** Whether every layer of an image is unpacked. */
export function layersArePresent(context: Context, diffIds: readonly Digest[]): boolean {
  return diffIds.every((diffId) => exists(join(context.paths.layers, digestHex(diffId), 'diff')))
}

/** Unpacks a layer unless it is unpacked already. */
export async function ensureLayer(_context: Context, _layer: LayerToUnpack): Promise<void> {}

/** The size of unpacked layers, where it is known. */
export function layerSizes(_context: Context): (diffId: Digest) => number | undefined {
  return () => undefined
}

/** Removes the unpacked layers that are not named. */
export async function removeLayersExcept(_context: Context, _kept: ReadonlySet<Digest>): Promise<void> {}
