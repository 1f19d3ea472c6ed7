import type { Descriptor, Digest, ImageConfig, ImageManifest } from '../oci/image-spec.js'
import type { Signature } from './trust/signature.js'

/** Bytes of a manifest, as they were sent: they are never written anew, or their digest would change. */
export interface RawManifest {
  readonly bytes: Uint8Array
  readonly mediaType: string
  readonly digest: Digest
}

/** Where an image can be read: a registry, an archive, a layout, the store. */
export interface ImageSource {
  /** For messages: `docker://host/name:tag`. */
  readonly description: string
  /** The top manifest or index, or (by digest) one that an index of it names. Its digest was verified. */
  manifest(digest?: Digest, signal?: AbortSignal): Promise<RawManifest>
  /** The bytes of a blob; not verified yet, in one pass. */
  blob(descriptor: Descriptor, signal?: AbortSignal): AsyncIterable<Uint8Array>
  /** Signatures of a manifest, none of them verified. Without it the transport has none. */
  signatures?(digest: Digest, signal?: AbortSignal): Promise<readonly Signature[]>
  close(): Promise<void>
}

/** Throws unless an image may be used. Asked as soon as its manifest is known, before anything else of it is read. */
export type ImageCheck = (source: ImageSource, manifest: RawManifest, signal?: AbortSignal) => Promise<void>

/** Where an image can be written. Nothing is to be seen of it before `putManifest` of its top manifest. */
export interface ImageDestination {
  readonly description: string
  /**
   * Keeps a blob. `open` is called only if it is not there yet, and its bytes were verified: an error that it throws
   * means that nothing may be kept. Answers whether the blob was there already.
   */
  putBlob(descriptor: Descriptor, open: OpenBlob, signal?: AbortSignal): Promise<BlobResult>
  /** The layers and the configuration are there by now. */
  putManifest(manifest: RawManifest): Promise<void>
}

/** The bytes of a blob; `as-they-come` for who verifies them himself. */
export type OpenBlob = (how?: 'verified' | 'as-they-come') => AsyncIterable<Uint8Array>

export interface BlobResult {
  readonly existed: boolean
}

/** An image whose parts agree with each other. */
export interface LoadedImage {
  readonly raw: RawManifest
  readonly manifest: ImageManifest
  readonly config: ImageConfig
  readonly configBytes: Uint8Array
  /** The digest of its configuration: the ID that people see. */
  readonly id: Digest
}
