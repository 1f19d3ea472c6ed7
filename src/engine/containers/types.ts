import type { Moment } from '../../base/moment.js'
import type { ContainerSpec } from '../../container/spec.js'
import type { PortSpec } from '../../container/spec.js'

/** The streams that a client of a container can hold. */
export type StreamName = 'stdin' | 'stdout' | 'stderr'

/** How a command line is tied to a container: what `docker run` calls attached. */
export interface ForegroundOptions {
  /** Not attached: the engine announces the container's ID once it runs. */
  readonly detach?: boolean
  /** `-a`; without: stdout and stderr, and stdin where the container keeps it open. */
  readonly attach?: readonly StreamName[]
  /** Podman's grammar (`ctrl-p,ctrl-q`); an empty text turns detaching off. Without: containers.conf's. */
  readonly detachKeys?: string
  /** Forwards signals to the container. Default: yes, unless it has a terminal. */
  readonly sigProxy?: boolean
  readonly cidfile?: string
}

export interface CreateOptions {
  readonly cidfile?: string
}

export interface Created {
  readonly id: string
  readonly name: string
  readonly warnings: readonly string[]
}

/** What a foreground command answers in the rare case that it could not become the native process. */
export interface ForegroundResult {
  readonly exitCode: number
  readonly id?: string
}

export interface StopOptions {
  /** Seconds to wait before SIGKILL; -1 waits for ever. Without: the container's own. */
  readonly timeoutSeconds?: number
}

export interface RemoveOptions {
  /** Kills a running container first. */
  readonly force?: boolean
  /** Its anonymous volumes too. */
  readonly volumes?: boolean
  /** Seconds that a running container is given with `force`. */
  readonly timeoutSeconds?: number
  /** Containers that share its namespaces too. */
  readonly depend?: boolean
  /** What the caller removes side by side, as it was named: dependents that are among them go first, and are noted. */
  readonly alongside?: {
    readonly names: readonly string[]
    readonly gone: { readonly id: string; readonly name: string }[]
  }
  /** It is one of many: files may stay until `removed` is called, and are then removed by another process. */
  readonly ofMany?: boolean
}

export interface ListOptions {
  /** Not only the running ones. */
  readonly all?: boolean
  /** The newest so many, whatever their state. */
  readonly last?: number
  /** `key=value` pairs, Podman's names. The same key twice is “or”, different keys are “and”. */
  readonly filters?: readonly string[]
  readonly size?: boolean
  /** Which namespaces those that run are in. */
  readonly namespaces?: boolean
}

/** Numbers of namespaces; empty where nobody may ask. */
export interface NamespaceIds {
  readonly cgroup: string
  readonly ipc: string
  readonly mnt: string
  readonly net: string
  readonly pid: string
  readonly user: string
  readonly uts: string
}

/** `initialized`: all but the command is there, and waits for `start`. */
export type ContainerStatus = 'created' | 'initialized' | 'running' | 'paused' | 'exited' | 'removing'

export interface ContainerSummary {
  readonly id: string
  readonly name: string
  readonly image: string
  readonly imageId: string
  readonly command: readonly string[]
  readonly created: Date
  readonly status: ContainerStatus
  readonly startedAt?: Date
  readonly finishedAt?: Date
  readonly exitCode?: number
  readonly pid: number
  readonly ports: readonly PublishedPort[]
  readonly exposed: readonly { readonly port: number; readonly protocol: string; readonly range: number }[]
  readonly labels: Readonly<Record<string, string>>
  readonly mounts: readonly string[]
  readonly networks: readonly string[]
  readonly restarts: number
  /** Of one that runs and has a health check. */
  readonly health?: 'starting' | 'healthy' | 'unhealthy'
  readonly autoRemove: boolean
  readonly namespaces?: NamespaceIds
  /** Of one that is in a pod. */
  readonly pod?: { readonly id: string; readonly name: string }
  /** Bytes: of its own layer, and with its image. */
  readonly size?: { readonly writable: number; readonly virtual: number }
}

export type PublishedPort = Required<Pick<PortSpec, 'hostIp' | 'hostPort' | 'containerPort' | 'range' | 'protocol'>>

export interface LogOptions {
  readonly follow?: boolean
  /** So many lines from the end; without: all. */
  readonly tail?: number
  readonly since?: Date | Moment
  readonly until?: Date | Moment
  readonly signal?: AbortSignal
}

export interface LogLine {
  /** RFC 3339 with nanoseconds, as recorded. */
  readonly timestamp: string
  readonly stream: 'stdout' | 'stderr'
  /** Without its end of line. */
  readonly text: Buffer
  /** No end of line was written. */
  readonly partial: boolean
}

export interface ExecSpec {
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly workdir?: string
  readonly user?: string
  readonly tty?: boolean
  readonly interactive?: boolean
  readonly privileged?: boolean
  readonly preserveFds?: number
  readonly detachKeys?: string
  readonly pidFile?: string
}

export interface AttachOptions {
  /** One that is initialized only begins to run. */
  readonly start?: boolean
  readonly stdin?: boolean
  readonly detachKeys?: string
  readonly sigProxy?: boolean
}

export interface StartOptions {
  readonly attach?: boolean
  readonly interactive?: boolean
  readonly detachKeys?: string
  readonly sigProxy?: boolean
}

/** What `wait` waits for. */
export type WaitCondition =
  | 'configured'
  | 'created'
  | 'exited'
  | 'healthy'
  | 'initialized'
  | 'paused'
  | 'removing'
  | 'running'
  | 'stopped'
  | 'unhealthy'

export interface WaitOptions {
  readonly conditions?: readonly WaitCondition[]
  readonly intervalMilliseconds?: number
  readonly signal?: AbortSignal
}

export interface RunOptions extends CreateOptions {
  /** Kills the container (and removes it, if it was to be removed). */
  readonly signal?: AbortSignal
}

export type { ContainerSpec }
