import type { DeviceSpec, NetworkSpec, PullPolicy, ResourceSpec, SecuritySpec, Ulimit } from '../../container/spec.js'
import type { BuildEvent } from '../../build/progress.js'
import type { Digest, Platform } from '../../oci/image-spec.js'
import type { RegistryAccess } from '../images/types.js'

/** The bytes of an archive or of a file, read once. */
export type BuildBytes = AsyncIterable<Uint8Array>

/**
 * What `build` takes. Every field is optional; without a context there is none, and COPY finds nothing. Times are seconds
 * since 1970, sizes bytes.
 */
export interface BuildOptions extends RegistryAccess {
  /** A folder, a git repository's or an archive's URL, or the bytes of a tar archive (or of a Dockerfile alone). */
  readonly context?: string | BuildBytes
  /**
   * Dockerfiles, put together in order: paths (as the caller's working folder has them, then the context's), URLs, or the
   * text itself. Default: Containerfile or Dockerfile of the context.
   */
  readonly files?: readonly (string | DockerfileText)[]
  /** Arguments of cpp's, which preprocesses files whose names end in `.in`. */
  readonly cppFlags?: readonly string[]
  /** Instead of .containerignore and .dockerignore. */
  readonly ignoreFile?: string
  /** `name` to a folder, URL, `docker-image://NAME`, `oci-layout://PATH[:TAG][@DIGEST]` or `target:STAGE`'s own name. */
  readonly contexts?: Readonly<Record<string, string>>
  readonly target?: string
  readonly buildArgs?: Readonly<Record<string, string>>
  readonly secrets?: readonly BuildSecret[]
  readonly ssh?: readonly BuildSsh[]

  /** The names that the image gets. */
  readonly tags?: readonly string[]
  /** Several make a manifest list. */
  readonly platforms?: readonly Partial<Platform>[]
  /** A manifest list that the images are added to, made if it is missing. */
  readonly manifest?: string
  readonly format?: 'oci' | 'docker'
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  readonly unsetEnv?: readonly string[]
  readonly unsetLabels?: readonly string[]
  /** Adds a label `dev.tspod.version`. Default: no, since another version would make another image of the same. */
  readonly identityLabel?: boolean
  readonly outputs?: readonly BuildOutput[]
  readonly iidFile?: string
  readonly metadataFile?: string

  readonly pull?: PullPolicy
  readonly noCache?: boolean
  /** Stages that are made anew, by name. */
  readonly noCacheFilter?: readonly string[]
  /** Repositories (or `type=registry|local` sources) whose images are looked through for steps. */
  readonly cacheFrom?: readonly CachePlace[]
  readonly cacheTo?: readonly CachePlace[]
  /** Steps that are older are made anew; 0: all. */
  readonly cacheTtlSeconds?: number
  /** False: one layer for all instructions of the last stage, and no cache for them. Default: true. */
  readonly layers?: boolean
  /** All new layers become one. */
  readonly squash?: boolean
  /** All layers become one, those of the base too. */
  readonly squashAll?: boolean
  /** The image's creation time, its history's, and that of all files in its layers. */
  readonly timestamp?: number
  /** The build argument, and the image's creation time and its history's. */
  readonly sourceDateEpoch?: number
  /** Files in new layers are no newer than `sourceDateEpoch`. */
  readonly rewriteTimestamp?: boolean
  readonly provenance?: ProvenanceOptions
  /** A scanner image that makes an SPDX document of the result. */
  readonly sbom?: SbomOptions
  readonly skipUnusedStages?: boolean

  /** Steps at once; 0: as many as there are. Default: the number of processors, and no fewer than four. */
  readonly jobs?: number
  /** Default: as `run` has it. */
  readonly network?: NetworkSpec
  readonly addHost?: readonly { readonly name: string; readonly address: string }[]
  readonly noHosts?: boolean
  readonly noHostname?: boolean
  readonly dns?: readonly string[]
  readonly dnsSearch?: readonly string[]
  readonly dnsOption?: readonly string[]
  /** Folders of the host in RUN steps: as `run --volume`'s binds. */
  readonly volumes?: readonly BuildVolume[]
  readonly devices?: readonly DeviceSpec[]
  /** By their names in the Container Device Interface. */
  readonly cdiDevices?: readonly string[]
  readonly capAdd?: readonly string[]
  readonly capDrop?: readonly string[]
  readonly security?: SecuritySpec
  readonly ulimits?: readonly Ulimit[]
  readonly shmSize?: number
  readonly resources?: ResourceSpec
  readonly cgroupParent?: string
  /** `--allow`: what steps may ask for beyond the usual. */
  readonly entitlements?: readonly ('network.host' | 'security.insecure' | 'device')[]
  /** Passes HTTP_PROXY and its kin as build arguments. Default: true. */
  readonly httpProxy?: boolean
  /** All of them run steps in tspod's own runtime; what `chroot` asks for, less isolation, is never given. */
  readonly isolation?: 'oci' | 'rootless' | 'chroot' | 'default'
  readonly hooksDir?: readonly string[]
  readonly umask?: number

  /** In the order in which things happen; must not throw. */
  readonly onEvent?: (event: BuildEvent) => void
  /** Called once when a RUN step has failed, while its files are still there. */
  readonly onFailedStep?: (failed: FailedStep) => Promise<void>
}

export interface DockerfileText {
  readonly name: string
  /** Bytes have to be UTF-8 where they are no comment. */
  readonly text: string | Uint8Array
}

export interface BuildSecret {
  readonly id: string
  readonly source: { readonly type: 'file'; readonly path: string } | { readonly type: 'env'; readonly name: string }
}

export interface BuildSsh {
  /** `default` where none was named. */
  readonly id: string
  /** Sockets or keys; empty: SSH_AUTH_SOCK. */
  readonly paths: readonly string[]
}

export interface BuildVolume {
  readonly source: string
  readonly target: string
  /** `ro`, `z`, `O` … */
  readonly options: readonly string[]
}

export type CachePlace =
  | {
      readonly type: 'registry'
      readonly reference: string
      /** To: steps of all stages, not only of the result. Default: max. */
      readonly mode?: 'min' | 'max'
      readonly ignoreError?: boolean
    }
  | {
      readonly type: 'local'
      /** A folder: an OCI layout. */
      readonly path: string
      readonly mode?: 'min' | 'max'
      readonly ignoreError?: boolean
    }
  | { readonly type: 'inline' }

/** A path, or where the bytes go. */
export type OutputTarget = string | ((chunk: Uint8Array) => Promise<void>)

export type BuildOutput =
  /** The result's files in a folder; several platforms: a folder each. */
  | ({ readonly type: 'local'; readonly path: string } & FileOutput)
  | ({ readonly type: 'tar'; readonly target: OutputTarget } & FileOutput)
  /** An image archive; `tar: false`: a folder. */
  | { readonly type: 'oci' | 'docker'; readonly target: OutputTarget; readonly tar?: boolean; readonly name?: string }
  | { readonly type: 'image'; readonly names: readonly string[]; readonly push: boolean }
  | { readonly type: 'registry'; readonly names: readonly string[] }

export interface FileOutput {
  readonly platformSplit?: boolean
  /** What the names of attestations begin with. */
  readonly attestationPrefix?: string
}

/** How a build tells of itself. */
export interface ProvenanceOptions {
  /** `max` tells the build arguments and the Dockerfile, too. */
  readonly mode: 'min' | 'max'
  /** Of SLSA's provenance. Default: `v1`. */
  readonly version?: 'v0.2' | 'v1'
  readonly builderId?: string
  readonly reproducible?: boolean
  /** Beside outputs of files. Default: `provenance.json`. */
  readonly fileName?: string
  /** Not beside outputs of files. */
  readonly inlineOnly?: boolean
}

export interface SbomOptions {
  readonly scanner?: string
  /** `NAME=VALUE` for the scanner's environment. */
  readonly args?: Readonly<Record<string, string>>
}

export interface BuildResult {
  /** 64 hexadecimal digits: the image's, or the manifest list's. Undefined if all outputs are files. */
  readonly id: string | undefined
  /** Of the manifest, or of the list. */
  readonly digest: Digest | undefined
  readonly names: readonly string[]
  /** One for each platform, in the order in which they were asked for. */
  readonly images: readonly BuiltImage[]
  /** What `--metadata-file` has: `containerimage.digest`, `image.name` … */
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface BuiltImage {
  readonly platform: Platform
  readonly id: string
  readonly digest: Digest
  readonly steps: { readonly total: number; readonly cached: number }
}

export interface BuildWarning {
  /** BuildKit's name of the rule. */
  readonly rule: string
  readonly message: string
  readonly detail?: string
  readonly file: string
  /** 1-based; undefined: the whole file. */
  readonly line?: number
}

/** `--check`: nothing is built. */
export interface CheckResult {
  readonly warnings: readonly BuildWarning[]
  /** `check=error=true` makes warnings fatal. */
  readonly failed: boolean
}

/** `--verify`: what two builds without a cache made of the same input. */
export interface VerifyResult {
  readonly result: BuildResult
  /** The first step, and the first path in its layer, in which the second build differs; undefined: none does. */
  readonly difference?: {
    readonly instruction: string
    readonly line?: number
    readonly what: 'layer' | 'config' | 'history'
    readonly path?: string
    readonly detail: string
  }
}

/** A RUN step that has failed: what a person needs to see, and a way in. */
export interface FailedStep {
  readonly file: string
  readonly line: number
  /** `[build 3/7] RUN make` */
  readonly name: string
  readonly command: readonly string[]
  readonly exitCode: number
  /** The end of what it wrote, both streams. */
  readonly lastOutput: string
  /** Runs a command where the step failed, on this process's terminal, and answers its exit status. Default: `/bin/sh`. */
  openShell(command?: readonly string[]): Promise<number>
}

/** The `cause` of the error by which a build fails, where the fault is an instruction's. */
export interface BuildFailure {
  readonly file: string
  readonly line: number
  readonly endLine: number
  /** The whole Dockerfile's text, for the lines around. */
  readonly source: string
  readonly instruction: string
  readonly command?: readonly string[]
  readonly exitCode?: number
  readonly lastOutput?: string
}

export interface BuildPruneOptions {
  /** Also what was used lately, and what is half an image. Default: steps that no image and no newer build needs. */
  readonly all?: boolean
  /** `until=`, `type=`, `id=`. */
  readonly filters?: readonly string[]
  /** Keep so many bytes of what was used last. */
  readonly keepStorage?: number
}

export interface BuildCacheEntry {
  readonly id: string
  readonly type: 'step' | 'mount' | 'context'
  readonly description: string
  readonly created: Date
  readonly lastUsed: Date
  readonly uses: number
  /** Bytes; 0 where an image has the same layer. */
  readonly size: number
  readonly inUse: boolean
  readonly shared: boolean
}

export interface BuildPruned {
  readonly removed: readonly string[]
  /** Bytes. */
  readonly reclaimed: number
}
