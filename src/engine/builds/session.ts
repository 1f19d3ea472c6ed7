import type { Lock } from '../../state/lock.js'
import type { StorageDriver } from '../../storage/driver.js'
import type { UsernsPlan } from '../../runtime/protocol.js'
import type { ImageStore } from '../../storage/images.js'
import type { Context } from '../context.js'
import type { Digests } from './digests.js'
import type { BuildReport } from './report.js'
import type { Gate } from './gate.js'
import type { BuildOptions } from './options.js'
import type { StepStore } from './step-store.js'
import type { PackTimes } from './times.js'
import type { Workspace } from './workspace.js'

/** What all stages of one build share. */
export interface Session {
  readonly context: Context
  readonly options: BuildOptions
  readonly store: ImageStore
  readonly workspace: Workspace
  readonly driver: StorageDriver
  /** The user namespace whose ids the files of layers have. */
  readonly plan: UsernsPlan
  readonly times: PackTimes
  readonly steps: StepStore
  readonly digests: Digests
  readonly report: BuildReport
  /** Archives that have no name yet. What is here when the build ends goes with it. */
  readonly drafts: Set<Lock>
  /** `--jobs` */
  readonly gate: Gate
  /** Aborted by the caller, or when a step has failed. */
  readonly signal: AbortSignal
}
