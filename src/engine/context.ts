import type { ContainersConf } from '../config/containers-conf.js'
import type { Observation } from '../base/looks.js'
import type { Paths } from '../state/paths.js'

/** The first argument of every operation: where things are, and what the outside world gives. */
export interface Context {
  readonly paths: Paths
  readonly options: EngineOptions
  /** The engine's environment; operations read no other. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: () => Date
  /** 64 hexadecimal digits. */
  readonly newId: () => string
  /** `--log-level`; the CLI prints it on stderr, a library user gets nothing unless it asks. */
  readonly log: (level: LogLevel, message: string) => void
  /** Progress of long operations: never printed here. */
  readonly onProgress?: (event: ProgressEvent) => void
  /** containers.conf, read when first asked for. */
  readonly conf: () => Promise<ContainersConf>
}

/** A command line that means the same whenever its arguments, folder, environment and caller are the same. */
export interface Repeatable {
  readonly argv: readonly string[]
  readonly cwd: string
  /** All that the command has looked at and written since its command line was read. */
  readonly observation: Observation
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/** `total` and `current` in bytes where known. One `id` is one line of progress. */
export interface ProgressEvent {
  readonly id: string
  readonly action: string
  /** How it ended, where that is not plain: `skipped: already exists`. */
  readonly remark?: string
  readonly current?: number
  readonly total?: number
  readonly done?: boolean
}

/** What `openEngine` takes; every field has the default of DESIGN, “Folders”. */
export interface EngineOptions {
  readonly root?: string
  readonly runroot?: string
  readonly logLevel?: LogLevel
  /** tspod-runtime's own container part, or another OCI runtime: a name or a path. */
  readonly runtime?: string
  readonly cgroupManager?: 'systemd' | 'cgroupfs' | 'disabled'
  readonly storageDriver?: 'overlay' | 'fuse-overlayfs' | 'copy'
  /** Further containers.conf files, over those that are read anyway: paths, or names in `containers.conf.modules`. */
  readonly modules?: readonly string[]
  readonly onLog?: (level: LogLevel, message: string) => void
  readonly onProgress?: (event: ProgressEvent) => void
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Called right before this process becomes another program (`runInPlace` and its kin). */
  readonly beforeExec?: () => void
  /** Starts of this command line may be kept, and done again without asking (engine/containers/kept-start.ts). */
  readonly repeatable?: Repeatable
  /** The command line's program and first arguments, by which the native process can call it back when a launch fails. */
  readonly self?: readonly string[]
}
