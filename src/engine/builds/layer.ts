import type { Descriptor, Digest } from '../../oci/image-spec.js'
import type { Lock } from '../../state/lock.js'

/** What a layer is, once its archive is known. */
export interface LayerContent {
  readonly diffId: Digest
  /** As a manifest names it. A layer made here is not compressed: then this is the DiffID. */
  readonly blob: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>
  readonly entries: number
  readonly uncompressedSize: number
}

/**
 * One layer of a stage. Steps need its files, an image its content; where a step has just been run the files are there
 * before the content is.
 */
export interface StageLayer {
  readonly content: Promise<LayerContent>
  /** The folder that an overlay takes; brought here and unpacked if need be. */
  files(): Promise<string>
  /** Sees to it that the image store has the blob, by which an image can be sent elsewhere. */
  ensureBlob(): Promise<void>
}

/** The upper folder of a step that ran in this build, until it becomes `layers/HEX/diff`. */
export interface FreshLayer extends StageLayer {
  /** PLACE/diff has the files. */
  readonly place: string
  /** The archive, once `content` is known; undefined where only its digest was taken. */
  archive(): Lock | undefined
  /** The files are where layers are, and the archive is a blob. */
  moved(folder: string): void
}

export function isFresh(layer: StageLayer): layer is FreshLayer {
  return 'moved' in layer
}

/** The folders of a stage's layers for an overlay, topmost first. One that is there twice counts where it is topmost. */
export async function lowerFolders(layers: readonly StageLayer[], bottom: string): Promise<string[]> {
  const folders = await Promise.all(layers.map((layer) => layer.files()))
  return [...new Set(folders.toReversed()), bottom]
}
