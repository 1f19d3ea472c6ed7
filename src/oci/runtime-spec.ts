/** Types of the OCI runtime specification 1.2 (config.md, config-linux.md). No logic. */

export interface RuntimeConfig {
  readonly ociVersion: string
  readonly process: Process
  readonly root: { readonly path: string; readonly readonly?: boolean }
  readonly hostname?: string
  readonly domainname?: string
  readonly mounts: readonly Mount[]
  readonly hooks?: Hooks
  readonly annotations?: Readonly<Record<string, string>>
  readonly linux: Linux
}

export interface Process {
  readonly terminal?: boolean
  readonly consoleSize?: { readonly height: number; readonly width: number }
  readonly cwd: string
  readonly env: readonly string[]
  readonly args: readonly string[]
  readonly user: User
  readonly rlimits?: readonly Rlimit[]
  readonly capabilities?: Capabilities
  readonly noNewPrivileges?: boolean
  readonly oomScoreAdj?: number
  readonly apparmorProfile?: string
  readonly selinuxLabel?: string
  readonly ioPriority?: { readonly class: string; readonly priority: number }
  readonly scheduler?: Readonly<Record<string, unknown>>
}

export interface User {
  readonly uid: number
  readonly gid: number
  readonly umask?: number
  readonly additionalGids?: readonly number[]
}

export interface Rlimit {
  /** `RLIMIT_NOFILE` … */
  readonly type: string
  readonly soft: number
  readonly hard: number
}

export interface Capabilities {
  readonly bounding: readonly string[]
  readonly effective: readonly string[]
  readonly inheritable: readonly string[]
  readonly permitted: readonly string[]
  readonly ambient: readonly string[]
}

export interface Mount {
  readonly destination: string
  readonly type?: string
  readonly source?: string
  /** mount(8) options; besides the specification's: `tmpcopyup`, `U` (chown to the container's user), `copyup`,
   * `copyup=content` (the folder stays as it is), `copyup=folder` (it alone becomes as in the image). */
  readonly options?: readonly string[]
  readonly uidMappings?: readonly IdMapping[]
  readonly gidMappings?: readonly IdMapping[]
}

export interface Hook {
  readonly path: string
  readonly args?: readonly string[]
  readonly env?: readonly string[]
  readonly timeout?: number
}

export interface Hooks {
  readonly prestart?: readonly Hook[]
  readonly createRuntime?: readonly Hook[]
  readonly createContainer?: readonly Hook[]
  readonly startContainer?: readonly Hook[]
  readonly poststart?: readonly Hook[]
  readonly poststop?: readonly Hook[]
}

export type NamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time'

export interface Namespace {
  readonly type: NamespaceType
  /** Joins this one; a new one without. */
  readonly path?: string
}

export interface IdMapping {
  readonly containerID: number
  readonly hostID: number
  readonly size: number
}

export interface Linux {
  readonly namespaces: readonly Namespace[]
  readonly uidMappings?: readonly IdMapping[]
  readonly gidMappings?: readonly IdMapping[]
  readonly devices?: readonly Device[]
  readonly cgroupsPath?: string
  readonly resources?: Resources
  readonly rootfsPropagation?: string
  readonly seccomp?: Seccomp
  readonly sysctl?: Readonly<Record<string, string>>
  readonly maskedPaths?: readonly string[]
  readonly readonlyPaths?: readonly string[]
  readonly mountLabel?: string
  readonly personality?: { readonly domain: string; readonly flags?: readonly string[] }
}

export interface Device {
  readonly type: 'c' | 'b' | 'u' | 'p'
  readonly path: string
  readonly major?: number
  readonly minor?: number
  readonly fileMode?: number
  readonly uid?: number
  readonly gid?: number
}

/** Sizes in bytes, times in microseconds. */
export interface Resources {
  readonly memory?: {
    readonly limit?: number
    readonly reservation?: number
    readonly swap?: number
    readonly disableOOMKiller?: boolean
    readonly swappiness?: number
  }
  readonly cpu?: {
    readonly shares?: number
    readonly quota?: number
    readonly period?: number
    readonly realtimeRuntime?: number
    readonly realtimePeriod?: number
    readonly cpus?: string
    readonly mems?: string
  }
  readonly pids?: { readonly limit: number }
  readonly blockIO?: {
    readonly weight?: number
    readonly throttleReadBpsDevice?: readonly ThrottleDevice[]
    readonly throttleWriteBpsDevice?: readonly ThrottleDevice[]
    readonly throttleReadIOPSDevice?: readonly ThrottleDevice[]
    readonly throttleWriteIOPSDevice?: readonly ThrottleDevice[]
  }
  /** cgroup v2 files written as they are: `memory.high` … */
  readonly unified?: Readonly<Record<string, string>>
}

export interface ThrottleDevice {
  readonly major: number
  readonly minor: number
  readonly rate: number
}

export interface Seccomp {
  readonly defaultAction: string
  readonly defaultErrnoRet?: number
  readonly architectures?: readonly string[]
  readonly flags?: readonly string[]
  readonly listenerPath?: string
  readonly listenerMetadata?: string
  readonly syscalls?: readonly SeccompSyscall[]
}

export interface SeccompSyscall {
  readonly names: readonly string[]
  readonly action: string
  readonly errnoRet?: number
  readonly args?: readonly SeccompArg[]
}

export interface SeccompArg {
  readonly index: number
  readonly value: number
  readonly valueTwo?: number
  readonly op: string
}
