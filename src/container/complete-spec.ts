import type { RuntimeConfig } from '../oci/runtime-spec.js'
import type {
  DeviceSpec,
  ExposeSpec,
  HealthcheckSpec,
  LogDriver,
  MountSpec,
  NamespaceSpec,
  NetworkSpec,
  PortSpec,
  ResourceSpec,
  RestartPolicy,
  Ulimit,
} from './spec.js'

/**
 * What a container is: the spec with nothing left to look up, kept in its record for as long as it exists. What is
 * still optional has no default: its absence is a value (no timezone, no pid file).
 */
export interface CompleteSpec {
  readonly image: CompleteImage
  readonly rootfs?: { readonly path: string; readonly overlay: boolean }
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  /** `KEY=VALUE` */
  readonly env: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly workdir: string
  /** It was asked for, and so has to be there; an image's is made. */
  readonly workdirGiven: boolean
  readonly user: string
  readonly groupAdd: readonly string[]
  readonly hostname: string
  readonly interactive: boolean
  readonly tty: boolean
  readonly remove: boolean
  readonly lifetime: 'container' | 'process'
  readonly stopSignal: number
  readonly stopTimeoutSeconds: number
  readonly timeoutSeconds: number
  readonly init: boolean
  readonly initPath?: string
  readonly timezone?: string
  readonly umask: number
  readonly passwd: boolean
  readonly passwdEntry?: string
  readonly groupEntry?: string
  readonly sdnotify: 'container' | 'conmon' | 'healthy' | 'ignore'
  readonly pidfile?: string
  readonly conmonPidfile?: string
  readonly cidfile?: string
  readonly preserveFds: number
  readonly restart: Required<RestartPolicy>
  readonly healthcheck?: HealthcheckSpec
  readonly log: CompleteLog
  readonly mounts: readonly MountSpec[]
  readonly volumesFrom: readonly string[]
  readonly readOnly: boolean
  readonly readOnlyTmpfs: boolean
  readonly shmSize: number
  readonly devices: readonly DeviceSpec[]
  readonly hooksDir: readonly string[]
  readonly hooks?: RuntimeConfig['hooks']
  readonly capabilities: readonly string[]
  readonly capAdd: readonly string[]
  readonly capDrop: readonly string[]
  readonly privileged: boolean
  readonly security: CompleteSecurity
  readonly ulimits: readonly Ulimit[]
  readonly sysctl: Readonly<Record<string, string>>
  readonly oomScoreAdj?: number
  readonly personality?: string
  readonly resources: ResourceSpec
  readonly cgroups: 'enabled' | 'disabled' | 'no-conmon' | 'split'
  /** `--cgroups=enabled` was said: a limit that cannot be had is an error. */
  readonly insistsOnLimits: boolean
  readonly cgroupParent?: string
  readonly cgroupConf: Readonly<Record<string, string>>
  /** Containers are named by their IDs. */
  readonly namespaces: Required<NamespaceSpec>
  readonly uidMap: readonly string[]
  readonly gidMap: readonly string[]
  readonly subuidName?: string
  readonly subgidName?: string
  readonly network: NetworkSpec
  readonly publish: readonly PortSpec[]
  readonly publishAll: boolean
  readonly expose: readonly ExposeSpec[]
  readonly addHost: readonly { readonly name: string; readonly address: string }[]
  readonly noHosts: boolean
  readonly noHostname: boolean
  readonly dns: readonly string[]
  readonly dnsSearch: readonly string[]
  readonly dnsOption: readonly string[]
  readonly detachKeys: string
  readonly createCommand: readonly string[]
}

/** The image as it was when the container was made; empty texts for a rootfs. */
export interface CompleteImage {
  readonly id: string
  readonly name: string
  readonly digest: string
  /** DiffIDs, the lowest first. */
  readonly layers: readonly string[]
  readonly architecture: string
}

export interface CompleteLog {
  readonly driver: LogDriver
  /** Another place than the container's folder. */
  readonly path?: string
  /** Bytes; 0 is unlimited. */
  readonly maxSize: number
  readonly maxFiles: number
  readonly tag?: string
  readonly options: Readonly<Record<string, string>>
}

export interface CompleteSecurity {
  /** A profile's path, `unconfined`, or `default`. */
  readonly seccomp: string
  readonly noNewPrivileges: boolean
  readonly mask: readonly string[]
  readonly unmask: readonly string[]
  readonly label: readonly string[]
  readonly apparmor?: string
  readonly procOptions: readonly string[]
}
