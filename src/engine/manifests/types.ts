import type { PushOptions, RegistryAccess } from '../images/types.js'

/** What a list says of one of its images, besides its digest. */
export interface ManifestDetails {
  readonly annotations?: readonly string[]
  readonly architecture?: string
  readonly os?: string
  readonly osVersion?: string
  readonly osFeatures?: readonly string[]
  readonly features?: readonly string[]
  readonly variant?: string
}

export interface ManifestAddOptions extends RegistryAccess, ManifestDetails {
  /** Every image of a list, not only this machine's. */
  readonly all?: boolean
}

export interface ManifestCreateOptions extends RegistryAccess {
  readonly all?: boolean
  /** Use a list of this name that is there already. */
  readonly amend?: boolean
  readonly annotations?: readonly string[]
}

export interface ManifestAnnotateOptions extends ManifestDetails {
  /** Of the list itself. */
  readonly index?: boolean
}

export interface ManifestPushOptions extends Omit<PushOptions, 'format' | 'compression' | 'compressionLevel'> {
  /** Remove the list when it was pushed. */
  readonly rm?: boolean
}
