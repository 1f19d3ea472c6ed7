import type { RuntimeConfig } from '../oci/runtime-spec.js'
import type { DeviceRate, Limits } from '../../rootless/cgroup-plan.js'
import type { UserNamespaceMode } from '../../rootless/userns.js'
import type { Platform } from '../oci/image-spec.js'

/**
 * What was asked for: the one value that `run` and `create` hand to the engine. Every field but the
 * image (or a rootfs) is optional; `completeSpec` fills the rest from the image and containers.conf.
 * Sizes are bytes, times seconds unless the name says otherwise.
 */
export interface ContainerSpec {
  readonly image?: string
  /** A folder to use as the root file system instead of an image. */
  readonly rootfs?: { readonly path: string; readonly overlay?: boolean }
  readonly command?: readonly string[]
  /** An empty list clears the image's. */
  readonly entrypoint?: readonly string[]
  readonly name?: string
  readonly replace?: boolean
  readonly pull?: PullPolicy
  readonly platform?: Partial<Platform>
  readonly quiet?: boolean
  readonly authfile?: string
  readonly tlsVerify?: boolean

  /** In order; `KEY` alone was resolved by the command line already. Later ones win. */
  readonly env?: Readonly<Record<string, string>>
  readonly unsetEnv?: readonly string[]
  readonly unsetEnvAll?: boolean
  /** Passes HTTP_PROXY and its kin from the engine's environment. Default: no. */
  readonly httpProxy?: boolean
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  /** Has to be there, unless it is on a mount; one that the image names is made. */
  readonly workdir?: string
  /** `user[:group]`, names or numbers. */
  readonly user?: string
  readonly groupAdd?: readonly string[]
  readonly hostname?: string
  readonly interactive?: boolean
  readonly tty?: boolean
  readonly remove?: boolean
  /** `docker run --rm`'s library cousin: the container is removed when this process ends. */
  readonly lifetime?: 'container' | 'process'
  readonly stopSignal?: string
  readonly stopTimeoutSeconds?: number
  /** The container is killed after so long. */
  readonly timeoutSeconds?: number
  readonly init?: boolean
  readonly initPath?: string
  readonly timezone?: string
  /** Octal, as a number. */
  readonly umask?: number
  readonly passwd?: boolean
  readonly passwdEntry?: string
  readonly groupEntry?: string
  readonly sdnotify?: 'container' | 'conmon' | 'healthy' | 'ignore'
  readonly pidfile?: string
  readonly conmonPidfile?: string
  readonly preserveFds?: number
  readonly restart?: RestartPolicy
  readonly healthcheck?: HealthcheckSpec | 'none'

  readonly log?: { readonly driver?: LogDriver; readonly options?: Readonly<Record<string, string>> }

  readonly mounts?: readonly MountSpec[]
  readonly volumesFrom?: readonly string[]
  readonly imageVolume?: 'anonymous' | 'tmpfs' | 'ignore'
  readonly readOnly?: boolean
  readonly readOnlyTmpfs?: boolean
  readonly shmSize?: number
  readonly devices?: readonly DeviceSpec[]
  /** By name, `vendor.com/class=name`: what their specifications say is done to the container. */
  readonly cdiDevices?: readonly string[]
  readonly hooksDir?: readonly string[]
  /** Beside those of `hooksDir`. */
  readonly hooks?: RuntimeConfig['hooks']

  readonly capAdd?: readonly string[]
  readonly capDrop?: readonly string[]
  readonly privileged?: boolean
  readonly security?: SecuritySpec
  readonly ulimits?: readonly Ulimit[]
  readonly sysctl?: Readonly<Record<string, string>>
  readonly oomScoreAdj?: number
  readonly personality?: string

  readonly resources?: ResourceSpec
  readonly cgroups?: 'enabled' | 'disabled' | 'no-conmon' | 'split'
  readonly cgroupParent?: string
  readonly cgroupConf?: Readonly<Record<string, string>>

  readonly namespaces?: NamespaceSpec
  readonly uidMap?: readonly string[]
  readonly gidMap?: readonly string[]
  readonly subuidName?: string
  readonly subgidName?: string

  readonly network?: NetworkSpec
  readonly publish?: readonly PortSpec[]
  readonly publishAll?: boolean
  readonly expose?: readonly ExposeSpec[]
  readonly addHost?: readonly { readonly name: string; readonly address: string }[]
  readonly noHosts?: boolean
  readonly noHostname?: boolean
  readonly dns?: readonly string[]
  readonly dnsSearch?: readonly string[]
  readonly dnsOption?: readonly string[]

  /** The command line that made it, for `inspect`. */
  readonly createCommand?: readonly string[]
}

export type PullPolicy = 'always' | 'missing' | 'never' | 'newer'
export type LogDriver = 'k8s-file' | 'json-file' | 'journald' | 'none' | 'passthrough'

export interface RestartPolicy {
  readonly name: 'no' | 'on-failure' | 'always' | 'unless-stopped'
  readonly maximumRetries?: number
}

/** Times in nanoseconds, as in the image's configuration. */
export interface HealthcheckSpec {
  readonly command?: readonly string[]
  readonly interval?: number
  readonly timeout?: number
  readonly retries?: number
  readonly startPeriod?: number
  readonly startInterval?: number
  readonly onFailure?: 'none' | 'kill' | 'restart' | 'stop'
  /** Runs in its place until it has succeeded. */
  readonly startup?: StartupCheckSpec
  /** `local`, `events_logger`, or a folder. */
  readonly logDestination?: string
  /** Checks kept, and bytes kept of the output of one; 0: as many as there are. */
  readonly maxLogCount?: number
  readonly maxLogSize?: number
}

/** Times in nanoseconds. */
export interface StartupCheckSpec {
  readonly command: readonly string[]
  readonly interval?: number
  readonly timeout?: number
  /** So many failures in a row restart the container; 0: none do. */
  readonly retries?: number
  readonly successes?: number
}

/** `options` are what followed in `-v src:dst:options` or `--mount`, mount(8) and Podman names (`ro`, `z`, `U`, `rslave` …). */
export type MountSpec =
  | {
      readonly type: 'bind'
      readonly source: string
      readonly target: string
      readonly options: readonly string[]
      readonly createSource?: boolean
    }
  | {
      readonly type: 'volume'
      readonly name?: string
      readonly target: string
      readonly options: readonly string[]
      readonly subpath?: string
    }
  | { readonly type: 'tmpfs'; readonly target: string; readonly options: readonly string[] }
  | {
      readonly type: 'image'
      readonly image: string
      readonly target: string
      readonly writable: boolean
      readonly subpath?: string
    }
  | { readonly type: 'devpts'; readonly target: string; readonly options: readonly string[] }
  | { readonly type: 'ramfs'; readonly target: string; readonly options: readonly string[] }

export interface DeviceSpec {
  readonly source: string
  readonly target: string
  /** A subset of `rwm`. */
  readonly access: string
}

export interface SecuritySpec {
  /** A profile's path, or `unconfined`. */
  readonly seccomp?: string
  readonly noNewPrivileges?: boolean
  readonly mask?: readonly string[]
  /** Paths, or `ALL`. */
  readonly unmask?: readonly string[]
  /** `disable`, `nested`, `user:…`, `type:…` … */
  readonly label?: readonly string[]
  readonly apparmor?: string
  readonly procOptions?: readonly string[]
}

/** -1 is unlimited. */
export interface Ulimit {
  /** `nofile`, `nproc` …, or `host` for the engine's own. */
  readonly name: string
  readonly soft: number
  readonly hard: number
}

/** Limits of the container's cgroup. */
export type ResourceSpec = Limits

export type NamespaceMode =
  | { readonly mode: 'private' }
  | { readonly mode: 'host' }
  | { readonly mode: 'none' }
  | { readonly mode: 'shareable' }
  | { readonly mode: 'container'; readonly container: string }
  | { readonly mode: 'path'; readonly path: string }

export type { DeviceRate, UserNamespaceMode }

export interface NamespaceSpec {
  readonly pid?: NamespaceMode
  readonly ipc?: NamespaceMode
  readonly uts?: NamespaceMode
  readonly cgroup?: NamespaceMode
  readonly user?: UserNamespaceMode
}

export type NetworkSpec =
  | { readonly mode: 'slirp4netns'; readonly options: Readonly<Record<string, string>> }
  | { readonly mode: 'pasta'; readonly options: readonly string[] }
  | { readonly mode: 'host' }
  | { readonly mode: 'none' }
  | { readonly mode: 'container'; readonly container: string }
  | { readonly mode: 'path'; readonly path: string }
  | { readonly mode: 'bridge'; readonly networks: readonly string[] }

export interface PortSpec {
  readonly hostIp?: string
  /** Without: one that is free. */
  readonly hostPort?: number
  readonly containerPort: number
  /** So many ports from each of these two on. */
  readonly range: number
  readonly protocol: 'tcp' | 'udp' | 'sctp'
}

export interface ExposeSpec {
  readonly port: number
  readonly range: number
  readonly protocol: 'tcp' | 'udp' | 'sctp'
}
