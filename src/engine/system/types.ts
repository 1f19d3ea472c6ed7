/** `tspod version`. */
export interface VersionReport {
  readonly version: string
  readonly nodeVersion: string
  /** `linux/amd64` */
  readonly osArch: string
  readonly runtimeSpec: string
}

/** `tspod info`, with Podman's names. */
export interface SystemInfo {
  readonly host: HostInfo
  readonly store: StoreInfo
  readonly registries: Readonly<Record<string, unknown>>
  readonly plugins: Readonly<Record<string, readonly string[]>>
  readonly version: VersionReport
}

export interface HostInfo {
  readonly arch: string
  readonly os: string
  readonly kernel: string
  readonly hostname: string
  readonly distribution: { readonly distribution: string; readonly version: string; readonly codename: string }
  readonly cpus: number
  readonly memTotal: number
  readonly memFree: number
  readonly swapTotal: number
  readonly swapFree: number
  readonly uptime: string
  readonly cgroupVersion: 'v1' | 'v2'
  readonly cgroupManager: string
  readonly cgroupControllers: readonly string[]
  /** Why limits can or cannot be had. */
  readonly cgroupReason: string
  readonly idMappings: {
    /** The rung of the ladder, and why it is this one. */
    readonly rung: string
    readonly reason: string
    readonly uidmap: readonly MapLine[]
    readonly gidmap: readonly MapLine[]
  }
  readonly logDriver: string
  readonly eventLogger: string
  readonly networkBackend: string
  readonly rootlessNetworkCmd: string
  readonly slirp4netns: Executable
  readonly pasta: Executable
  readonly ociRuntime: Executable & { readonly name: string; readonly version: string }
  readonly security: SecurityInfo
}

export interface MapLine {
  readonly container_id: number
  readonly host_id: number
  readonly size: number
}

export interface Executable {
  /** '' if it is not installed. */
  readonly executable: string
}

export interface SecurityInfo {
  readonly rootless: boolean
  readonly capabilities: string
  readonly seccompEnabled: boolean
  readonly apparmorEnabled: boolean
  readonly selinuxEnabled: boolean
}

export interface StoreInfo {
  readonly graphRoot: string
  readonly runRoot: string
  readonly volumePath: string
  readonly graphDriverName: string
  /** Why it is this one. */
  readonly graphDriverReason: string
  readonly graphRootAllocated: number
  readonly graphRootUsed: number
  readonly containerStore: {
    readonly number: number
    readonly paused: number
    readonly running: number
    readonly stopped: number
  }
  readonly imageStore: { readonly number: number }
}

export type { HostCheck } from '../../../rootless/host-checks.js'
