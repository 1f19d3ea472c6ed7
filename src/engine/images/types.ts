import type { PullPolicy } from '../../container/spec.js'
import type { Descriptor, Digest, ImageConfig, ImageRunConfig, Platform } from '../../oci/image-spec.js'

/** What every operation that speaks to a registry takes. */
export interface RegistryAccess {
  readonly authfile?: string
  /** `user:password`, for this operation only. */
  readonly creds?: string
  readonly certDir?: string
  /** Without: registries.conf decides; a loopback registry needs no TLS. */
  readonly tlsVerify?: boolean
  /** Further tries after a failure that may pass. */
  readonly retries?: number
  readonly retryDelaySeconds?: number
  readonly signal?: AbortSignal
}

export interface PullOptions extends RegistryAccess {
  /** Instead of the user's or the system's policy.json. */
  readonly signaturePolicy?: string
  /** Default: always. */
  readonly policy?: PullPolicy
  readonly platform?: Partial<Platform>
  /** Every tag of the repository. */
  readonly allTags?: boolean
  /** Asked where several registries may have a short name and registries.conf wants a person's answer. */
  readonly chooseRegistry?: (candidates: readonly string[]) => Promise<string>
}

/** With which keys an image is signed, and what opens them. */
export interface SignOptions {
  /** A gpg key of the user's. */
  readonly signBy?: string
  /** A file with a sigstore key: cosign's, or one of PKCS #8. */
  readonly signBySigstorePrivateKey?: string
  /** A file of containers-sigstore-signing-params.yaml(5). */
  readonly signBySigstore?: string
  readonly signPassphrase?: string
  readonly signPassphraseFile?: string
}

export interface SignImagesOptions extends RegistryAccess, SignOptions {
  /** Where the signatures are written; without it where registries.d says. */
  readonly directory?: string
  /** Every image of a list, too. */
  readonly all?: boolean
}

export interface PushOptions extends RegistryAccess, SignOptions {
  /** Without: as the image is stored. */
  readonly format?: 'oci' | 'v2s2'
  /** Without: layers stay as they are, plain ones by gzip. */
  readonly compression?: 'gzip' | 'zstd'
  /** To a folder (`dir:`): layers that are not compressed by gzip. */
  readonly compress?: boolean
  readonly compressionLevel?: number
  /** Signatures that came with the image stay behind. */
  readonly removeSignatures?: boolean
}

export interface PushedImage {
  /** Of the manifest as the destination has it. */
  readonly digest: Digest
  readonly name: string
}

export interface PulledImage {
  /** 64 hexadecimal digits. */
  readonly id: string
  /** The name it has now; undefined where it got none. */
  readonly name?: string
  readonly digest: Digest
}

/** What a container is started from. */
export interface ResolvedImage {
  readonly id: string
  /** As it is known here: `docker.io/library/busybox:latest`; the ID where it was named by that. */
  readonly name: string
  readonly digest: Digest
  readonly architecture: string
  readonly os: string
  readonly config: ImageRunConfig
  /** Lowest first. */
  readonly diffIds: readonly Digest[]
  readonly layers: readonly Descriptor[]
  readonly annotations: Readonly<Record<string, string>>
}

export interface ResolveOptions extends RegistryAccess {
  /** Default: missing. */
  readonly pull?: PullPolicy
  readonly platform?: Partial<Platform>
}

export interface ImageListOptions {
  /** Intermediate images too. */
  readonly all?: boolean
  /** `key=value`, `key!=value`; Podman's keys. */
  readonly filters?: readonly string[]
  /** Only images that this names. */
  readonly name?: string
}

export interface ImageSummary {
  readonly id: string
  readonly parentId: string
  /** Newest first: with tags, or `repository@digest`. */
  readonly names: readonly string[]
  readonly repoTags: readonly string[]
  readonly repoDigests: readonly string[]
  readonly digest: Digest
  readonly created: Date
  /** Bytes, unpacked where that is known. */
  readonly size: number
  readonly sharedSize: number
  readonly labels: Readonly<Record<string, string>>
  readonly containers: number
  readonly dangling: boolean
  readonly intermediate: boolean
  readonly readOnly: boolean
  readonly history: readonly string[]
  readonly architecture: string
  readonly os: string
  readonly isManifestList: boolean
}

export interface ImageInspection {
  readonly Id: string
  readonly Digest: Digest
  readonly RepoTags: readonly string[]
  readonly RepoDigests: readonly string[]
  readonly Parent: string
  readonly Comment: string
  readonly Created: string
  readonly Config: ImageRunConfig
  readonly Version: string
  readonly Author: string
  readonly Architecture: string
  readonly Os: string
  readonly Variant?: string
  readonly Size: number
  readonly VirtualSize: number
  readonly GraphDriver: { readonly Name: string; readonly Data: Readonly<Record<string, string>> }
  readonly RootFS: { readonly Type: 'layers'; readonly Layers: readonly Digest[] }
  readonly Labels: Readonly<Record<string, string>> | null
  readonly Annotations: Readonly<Record<string, string>>
  readonly ManifestType: string
  readonly User: string
  readonly History: NonNullable<ImageConfig['history']>
  readonly NamesHistory: readonly string[]
  readonly Healthcheck?: ImageRunConfig['Healthcheck']
}

export interface ImageTree {
  readonly id: string
  readonly tags: readonly string[]
  readonly size: number
  /** The lowest first. */
  readonly layers: readonly TreeLayer[]
  /** Images that were built on it. */
  readonly users: readonly TreeUser[]
}

export interface TreeLayer {
  /** 64 digits: of the DiffID. */
  readonly id: string
  readonly size: number
  readonly topLayerOf: readonly string[]
}

export interface TreeUser {
  readonly id: string
  readonly names: readonly string[]
  readonly size: number
  readonly users: readonly TreeUser[]
}

export interface HistoryEntry {
  /** 64 digits, or `<missing>`. */
  readonly id: string
  readonly created: Date
  readonly createdBy: string
  readonly size: number
  readonly comment: string
  readonly tags: readonly string[]
}

export interface RemoveImagesOptions {
  /** Every image, or with names nothing more. */
  readonly all?: boolean
  /** Also several names at once, and the containers that use it. */
  readonly force?: boolean
  /** Unknown images are no error. */
  readonly ignore?: boolean
  readonly noPrune?: boolean
}

export interface RemovedImages {
  /** In order: what lost its name, what is gone. */
  readonly untagged: readonly string[]
  readonly deleted: readonly string[]
  /** One for each name that could not be removed. */
  readonly errors: readonly Error[]
}

export interface LoadOptions {
  /** A file, a folder, or the bytes themselves. */
  readonly input: string | AsyncIterable<Uint8Array>
  /** Instead of the user's or the system's policy.json. */
  readonly signaturePolicy?: string
  readonly signal?: AbortSignal
  readonly platform?: Partial<Platform>
}

export type SaveFormat = 'docker-archive' | 'oci-archive' | 'oci-dir' | 'docker-dir'

export interface SaveOptions {
  readonly names: readonly string[]
  readonly format?: SaveFormat
  /** A path, or where the bytes go. */
  readonly output: string | ((chunk: Uint8Array) => Promise<void>)
  /** Further names in the archive, as they are. */
  readonly tags?: readonly string[]
  /** Several images in one archive. */
  readonly multi?: boolean
  /** Another manifest than the image came with: `push` to a folder. */
  readonly manifest?: Pick<PushOptions, 'format' | 'compression' | 'compressionLevel'>
  /** Layers of an OCI archive or folder without compression. */
  readonly uncompressed?: boolean
  /** Layers of a `docker-dir` that are not compressed by gzip. */
  readonly compress?: boolean
  /** Signatures that came with the image go along: into a `docker-dir`, which alone has a place for them. */
  readonly keepSignatures?: boolean
  readonly signal?: AbortSignal
}

export interface ImportOptions {
  /** A file, a URL, or the bytes of a tar archive, compressed or not. */
  readonly source: string | AsyncIterable<Uint8Array>
  readonly reference?: string
  /** Containerfile instructions: `CMD=…`, `ENV A=b`. */
  readonly changes?: readonly string[]
  readonly message?: string
  readonly platform?: Partial<Platform>
  readonly signal?: AbortSignal
}

export interface CopyImageOptions {
  readonly signal?: AbortSignal
}

/** An image whose files can be seen at a path of the host's. */
export interface MountedImage {
  readonly id: string
  /** The one it was asked for by. */
  readonly name?: string
  readonly mountpoint: string
}

export interface PruneOptions {
  /** Not only what has no name. */
  readonly all?: boolean
  readonly filters?: readonly string[]
}
