import type { RegistryAccess } from '../images/types.js'

export interface LoginOptions extends Omit<RegistryAccess, 'creds'> {
  readonly username: string
  readonly password: string
  /** A file of Docker's kind to write, too: its name for Docker Hub is another one. */
  readonly compatAuthFile?: string
}

export interface LogoutOptions {
  readonly authfile?: string
  readonly compatAuthFile?: string
}

export interface StoredUser {
  readonly username: string
}

export interface SearchOptions extends RegistryAccess {
  /** At most so many from each registry; 25 if not said otherwise. */
  readonly limit?: number
  /** `is-official=true`, `is-automated=false`, `stars=3`. */
  readonly filters?: readonly string[]
}

export interface SearchResult {
  /** The registry that was asked. */
  readonly index: string
  /** `registry/name` */
  readonly name: string
  readonly description: string
  readonly stars: number
  readonly official: boolean
  readonly automated: boolean
}

export interface TagResult {
  readonly name: string
  readonly tags: readonly string[]
}

export interface TrustRule {
  readonly transport: string
  readonly name: string
  /** accept, reject, signed, sigstoreSigned */
  readonly type: string
  /** Whose keys sign; of gpg's keys only. */
  readonly id?: string
  /** Where registries.d says that signatures are. */
  readonly store?: string
}

export interface TrustChange {
  readonly type: 'accept' | 'reject' | 'signedBy' | 'sigstoreSigned'
  /** Files with public keys. */
  readonly keys: readonly string[]
  /** The file to change; without it the user's, which begins as a copy of the system's. */
  readonly policy?: string
}

export interface TrustReport {
  /** The file as it is written. */
  readonly raw: object
  readonly rules: readonly TrustRule[]
}
