import type { IdMapping, Process } from '../oci/runtime-spec.js'

/**
 * The contract with tspod-runtime (native/). Two plans, written as files before the native process
 * starts, and one stream of frames while it lives. ARCHITECTURE.md, “The native contract”.
 */

/**
 * `launch.json`, beside the OCI `config.json` in the container's run folder (the bundle): everything a
 * launch needs that an OCI configuration has no place for. All paths are absolute.
 */
export interface LaunchPlan {
  readonly version: 1
  readonly id: string
  readonly name: string
  /** graphroot/containers/ID; the monitor writes `state.json` here. */
  readonly stateDir: string
  /** runroot/containers/ID, the bundle; the monitor makes `attach.sock` here. */
  readonly runDir: string
  /** Held (flock) by the launching command, inherited as descriptor; let go once `running` is on disk. */
  readonly lockFd?: number
  readonly userns: UsernsPlan
  readonly rootfs: RootfsPlan
  readonly user: UserPlan
  readonly network: NetworkPlan
  readonly cgroup: CgroupPlan
  readonly log: LogPlan
  /** Keeps stdin open without a client (`-i`). Otherwise stdin is /dev/null. */
  readonly stdinOpen: boolean
  /** A compiled filter (struct sock_filter[]), loaded as it is; config.json then has no linux.seccomp. */
  readonly seccompFilter?: string
  /** Runs the built-in init as process 1. */
  readonly init: boolean
  /** A working directory that is not there is made (`own`: for the container's user), or refused. Without: made. */
  readonly workdir?: 'make' | 'existing' | 'own'
  readonly pidFile?: string
  readonly conmonPidFile?: string
  readonly sdnotify: 'container' | 'conmon' | 'healthy' | 'ignore'
  readonly preserveFds: number
  /** SIGTERM, or the image's; what the monitor sends at `timeoutSeconds` is SIGKILL. */
  readonly stopSignal: number
  readonly stopTimeoutSeconds: number
  /** 0: none. */
  readonly timeoutSeconds: number
  readonly restart: {
    readonly name: 'no' | 'on-failure' | 'always' | 'unless-stopped'
    readonly maximumRetries: number
  }
  readonly healthcheck?: HealthcheckPlan
  /**
   * The monitor appends what happens to the container: init, start, attach, died, restart, oom, health_status, cleanup,
   * remove (`--rm`).
   */
  readonly events?: EventsPlan
  /** lifetime: 'process'. When this process is gone the container is killed (and removed, if `remove`). */
  readonly owner?: { readonly pid: number; readonly startTime: string }
  /** `--rm`: what goes away after the end, in this order. */
  readonly remove?: RemovePlan
  /** Another OCI runtime (`--runtime crun`): argv up to its verb. The monitor stays ours. */
  readonly runtime?: readonly string[]
  /** Run by the client in its place if the launch fails, with the error frame's JSON in TSPOD_LAUNCH_ERROR. */
  readonly onError?: readonly string[]
}

export interface UsernsPlan {
  /** `host`: no new user namespace (only ever valid where the caller is in one already). */
  readonly mode: 'new' | 'join' | 'host'
  /** join: /proc/PID/ns/user of the donor. */
  readonly path?: string
  /** join: not that one, but the one that it is nested in. */
  readonly parent?: boolean
  /** How the maps are written: by newuidmap and newgidmap, by ourselves (single id), or by ourselves as root. */
  readonly writer: 'helpers' | 'self' | 'root'
  readonly newuidmap?: string
  readonly newgidmap?: string
  readonly uidMappings: readonly IdMapping[]
  readonly gidMappings: readonly IdMapping[]
  /** keep-id, auto: a second user namespace inside the first, made after the rootfs is mounted. IDs of the outer one. */
  readonly nested?: {
    readonly uidMappings: readonly IdMapping[]
    readonly gidMappings: readonly IdMapping[]
    /** It is the one of `path`, and is joined, not made. */
    readonly joined?: boolean
  }
}

export type RootfsPlan =
  | {
      readonly driver: 'overlay' | 'fuse-overlayfs'
      /** Topmost first. At most 500. */
      readonly lower: readonly string[]
      /** Without: read-only, no upper. */
      readonly upper?: string
      readonly work?: string
      readonly volatile: boolean
      /** fuse-overlayfs: its path and further `-o` options (id shifting). */
      readonly program?: string
      readonly options?: readonly string[]
      /** An empty folder to mount on. */
      readonly mountpoint: string
    }
  | { readonly driver: 'dir'; readonly path: string; readonly mountpoint: string }

export interface UserPlan {
  /** `user[:group]` looked up in the container's own /etc/passwd and /etc/group; '' is root. */
  readonly spec: string
  readonly groupAdd: readonly string[]
  /** Sets HOME from the passwd entry where `env` has none. */
  readonly setHome: boolean
  /** Lines appended to the container's /etc/passwd and /etc/group (by bind mount of a copy) if the ids are unknown there. */
  readonly passwdEntry?: string
  readonly groupEntry?: string
}

export interface NetworkPlan {
  readonly mode: 'none' | 'host' | 'join' | 'slirp4netns' | 'pasta'
  /** The helper's argv; `{pid}` stands for the container's process, `{ready}`, `{exit}` for descriptors, `{api}` for the socket. */
  readonly helper?: readonly string[]
  readonly apiSocket?: string
  /** slirp4netns API: request lines, each answered before the next. */
  readonly apiRequests?: readonly string[]
  /** Brings `lo` up (mode none and all new ones). */
  readonly loopback: boolean
}

export interface CgroupPlan {
  readonly manager: 'systemd' | 'cgroupfs' | 'disabled'
  /** systemd: the scope to ask for over `bus` (a unix socket path). */
  readonly scope?: string
  readonly slice?: string
  readonly bus?: string
  /** cgroupfs: the absolute folder to make. With systemd the monitor reads the scope's own from /proc/PID/cgroup. */
  readonly path?: string
  /** cgroup v2 files and what to write, in order, once the cgroup exists. */
  readonly files: readonly { readonly name: string; readonly value: string; readonly required: boolean }[]
}

export interface LogPlan {
  readonly driver: 'k8s-file' | 'json-file' | 'journald' | 'none' | 'passthrough'
  readonly path?: string
  /** Bytes; 0: unlimited. */
  readonly maxSize: number
  readonly maxFiles: number
  readonly tag?: string
  /** json-file and journald: fields to add. */
  readonly fields?: Readonly<Record<string, string>>
}

export interface RemovePlan {
  /** Symbolic links to unlink first (names/NAME), if they still hold `id`. */
  readonly links: readonly string[]
  /** Each is renamed into `tmp`, then removed. */
  readonly directories: readonly string[]
  readonly tmp: string
  /** Single files (cidfile). */
  readonly files: readonly string[]
  /** The anonymous volumes among the directories, for their events. */
  readonly volumes?: readonly string[]
}

/** A command that the monitor runs in the container, with the container's own process section and user. */
export interface CheckPlan {
  /** CMD-SHELL is resolved: `/bin/sh -c …`. */
  readonly argv: readonly string[]
  /** In place of the container's. */
  readonly env?: readonly string[]
  /** Between the end of one check and the next; 0: only when a client asks (`check`). */
  readonly intervalNs: number
  /** A check that takes longer is killed, and has failed. 0: none. */
  readonly timeoutNs: number
}

export interface HealthcheckPlan extends CheckPlan {
  /** Failures in it do not count; it ends with the first success. */
  readonly startPeriodNs: number
  /** In place of the interval during the start period; 0: the interval. */
  readonly startIntervalNs: number
  /** So many failures in a row make it unhealthy. At least 1. */
  readonly retries: number
  readonly onFailure: 'none' | 'kill' | 'restart' | 'stop'
  /** Runs instead until it has succeeded `successes` times. `retries` failures in a row restart the container (0: never). */
  readonly startup?: CheckPlan & { readonly successes: number; readonly retries: number }
  /** A second place for the log: a file in the format of Podman's (Status, FailingStreak, Log). */
  readonly logPath?: string
  /** Each check's output goes into its event (`HealthLog`). */
  readonly logEvents?: boolean
  /** Checks kept, and bytes kept of one's output; 0: as many as there may be (1000 and 64 KiB). */
  readonly maxLogCount: number
  readonly maxLogSize: number
}

/** Where lines of events go, one JSON object each (src/engine/events/types.ts). */
export interface EventsPlan {
  readonly file: string
  /** flock(2) it to rename `file` to `file`.1. */
  readonly lock: string
  /** What all its events have beside Time, Type, Status, ID and Name: Image, Attributes. An exec's have Name here. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** `exec/SESSION.json` in the run folder: one more process in a running container. */
export interface ExecPlan {
  readonly version: 1
  readonly id: string
  readonly containerId: string
  readonly session: string
  readonly pid: number
  readonly startTime: string
  readonly process: Process
  readonly user: UserPlan
  readonly seccompFilter?: string
  readonly cgroupPath?: string
  readonly stdinOpen: boolean
  readonly preserveFds: number
  readonly pidFile?: string
  /** Its monitor appends exec and exec_died. */
  readonly events?: EventsPlan
  readonly onError?: readonly string[]
}

/**
 * Frames, both directions, on the launch connection and on attach.sock (SOCK_STREAM): one byte of kind, four
 * bytes of length (big-endian), payload of at most 64 KiB.
 */
export const frameKinds = { message: 0, stdin: 1, stdout: 2, stderr: 3 } as const
export const maximumPayload = 65536
export const stdinWindow = 65536

/** To the monitor. `attach` or `wait` is the first on attach.sock; the launch connection is attached by its flags. An empty stdin frame is its end. */
export type ClientMessage =
  | {
      readonly type: 'attach'
      readonly stdin: boolean
      readonly output: boolean
      /** Asks for `consumed`: such a client keeps at most `stdinWindow` bytes of stdin unconsumed, and is never read slowly. */
      readonly flow?: boolean
    }
  | { readonly type: 'wait' }
  | { readonly type: 'start' }
  | { readonly type: 'resize'; readonly rows: number; readonly columns: number }
  | { readonly type: 'signal'; readonly signal: number }
  /** As `tspod stop`: no restart after it; SIGKILL after `timeoutSeconds` (the plan's, without; -1: never). */
  | { readonly type: 'stop'; readonly signal?: number; readonly timeoutSeconds?: number }
  /** Runs the health check now (or waits for the one that runs); answered by `health`. After `wait` or `attach`. */
  | { readonly type: 'check' }
  /** launch.json has been written anew: the monitor takes over `restart` and `healthcheck`, nothing else. Answered by `updated`. */
  | { readonly type: 'update' }
  /** Goes away on purpose: the container's stdin stays open. */
  | { readonly type: 'detach' }
  /** Nobody reads this stream any more (EPIPE); from the only client of a pipe it reaches the container as EPIPE. */
  | { readonly type: 'close'; readonly stream: 'stdout' | 'stderr' }

/** From the monitor. Unknown ones are refused by both sides. `removed` follows `exited` where `remove` was planned. */
export type MonitorMessage =
  | {
      readonly type: 'hello'
      readonly protocol: 1
      /** The container has a terminal; it reads stdin; `removed` will follow `exited`. */
      readonly terminal?: boolean
      readonly stdin?: boolean
      readonly removes?: boolean
    }
  | { readonly type: 'created'; readonly pid: number }
  | { readonly type: 'started' }
  | { readonly type: 'exited'; readonly status: number; readonly signal?: number; readonly oomKilled?: boolean }
  | { readonly type: 'removed' }
  /** So much of this client's stdin has gone to the container. Only after `attach` with `flow`. */
  | { readonly type: 'consumed'; readonly bytes: number }
  /** To who asked for a `check`: its exit code (-1: killed for taking too long) and what follows from it. */
  | { readonly type: 'health'; readonly status: HealthStatus; readonly exitCode: number; readonly output: string }
  | { readonly type: 'updated' }
  | LaunchWarning
  | LaunchError

export interface LaunchError {
  readonly type: 'error'
  readonly stage: Stage
  readonly errno: number
  readonly message: string
  readonly path?: string
}

export interface LaunchWarning {
  readonly type: 'warning'
  readonly stage: Stage
  readonly errno: number
  readonly message: string
  readonly path?: string
}

export const stages = [
  'plan',
  'config',
  'userns',
  'namespaces',
  'cgroup',
  'rootfs',
  'mount',
  'device',
  'network',
  'hostname',
  'sysctl',
  'rlimit',
  'user',
  'cwd',
  'capabilities',
  'seccomp',
  'security',
  'hook',
  'terminal',
  'exec',
  'runtime',
  'log',
  'monitor',
  'state',
  'remove',
] as const
export type Stage = (typeof stages)[number]

/** `state.json`, written by the monitor alone while it lives: what was observed. */
export interface ObservedState {
  readonly status: 'created' | 'running' | 'exited'
  /** Process 1 of the container in the host's numbering; 0 when not running. */
  readonly pid: number
  /** Field 22 of /proc/PID/stat, clock ticks since boot. */
  readonly startTime: string
  readonly monitorPid: number
  readonly monitorStartTime: string
  /** /proc/sys/kernel/random/boot_id */
  readonly bootId: string
  /** RFC 3339 with nanoseconds. */
  readonly startedAt: string
  readonly finishedAt?: string
  readonly exitCode?: number
  readonly signal?: number
  readonly oomKilled?: boolean
  readonly restartCount: number
  /** With `exited`: the restart policy starts it again after a delay; the monitor lives. */
  readonly restarting?: boolean
  readonly cgroupPath?: string
  /** Why the last launch failed. */
  readonly error?: string
}

export type HealthStatus = 'starting' | 'healthy' | 'unhealthy'

/** `health.json` beside `state.json`, replaced whole after each check; begun anew with each run of the container. */
export interface ObservedHealth {
  readonly status: HealthStatus
  readonly failingStreak: number
  /** The oldest first. Times are RFC 3339 with nanoseconds; exit code -1: killed for taking too long. */
  readonly log: readonly {
    readonly start: string
    readonly end: string
    readonly exitCode: number
    readonly output: string
  }[]
}
