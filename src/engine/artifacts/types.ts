import type { Descriptor, Digest } from '../../oci/image-spec.js'
import type { RegistryAccess, SignOptions } from '../images/types.js'

export interface ArtifactAddOptions {
  /** `key=value` for each file. */
  readonly annotations?: readonly string[]
  /** Of the artifact. */
  readonly type?: string
  /** Media type of the files, instead of what they look like. */
  readonly fileType?: string
  /** Add to the artifact that has the name. */
  readonly append?: boolean
  /** Take the name from the artifact that has it. */
  readonly replace?: boolean
}

export interface ArtifactSummary {
  readonly name: string
  readonly digest: Digest
  /** Bytes of its files. */
  readonly size: number
}

/** One artifact, whatever it holds. */
export interface ArtifactInspection {
  /** As it is written. */
  readonly Manifest: object
  readonly Name: string
  readonly Digest: Digest
}

export interface ArtifactExtractOptions {
  /** Only the file with this digest; it then goes by the digest. */
  readonly digest?: string
  /** Only the file with this title. */
  readonly title?: string
}

export interface ArtifactPullOptions extends RegistryAccess {
  readonly signaturePolicy?: string
}

export type ArtifactPushOptions = RegistryAccess & SignOptions

/** One file of an artifact. */
export interface ArtifactFile {
  readonly layer: Descriptor
  /** Safe as a file's name: the title, or the digest. */
  readonly name: string
  /** Where its bytes are. */
  readonly path: string
}
