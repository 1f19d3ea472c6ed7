import type { Evaluation, StageState } from '../../build/dockerfile/index.js'
import type { Platform } from '../../oci/image-spec.js'
import type { Mounts } from './mounts.js'
import type { Root } from './root.js'
import type { Session } from './session.js'
import type { Source } from './sources.js'

/** What an instruction is done with: the stage as those before it have left it. */
export interface StageContext {
  readonly session: Session
  readonly root: Root
  readonly state: StageState
  readonly evaluation: Evaluation
  readonly platform: Platform
  /** The stage's layers are an image's: their archives are needed. */
  readonly archive: boolean
  readonly noCache: boolean
  /** `[build 3/7] RUN make` */
  readonly name: string
  readonly line: number
  /** What a `--from` names; undefined: the build's context. */
  readonly sourceOf: (from: string | undefined) => Promise<Source>
  readonly mounts: Mounts
}
