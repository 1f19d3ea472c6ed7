import { TspodError } from '../../../base/errors.js'
import type { ImageRunConfig, Platform } from '../../../oci/image-spec.js'
import type { IgnoreMatcher } from '../../ignore.js'
import { startFromImage, startFromStage } from '../stage-state.js'
import { planStages, type PlannedStage } from '../stages.js'
import type { Dockerfile } from '../syntax.js'
import { formatPlatform, globalVariables, type BuildFacts } from '../variables.js'
import { lintBases } from './bases.js'
import { parseCheckOptions } from './check-options.js'
import { lintInstruction, type LintContext, type LintedStage } from './evaluation.js'
import { LintReport, type LintWarning } from './report.js'
import { lintWriting } from './writing.js'

export type { LintWarning } from './report.js'
export type { Rule } from './rules.js'

export interface LintOptions {
  readonly facts: BuildFacts
  /** Only the stages that the target needs; otherwise all. */
  readonly onlyNeeded?: boolean
  /** The context's ignore file. */
  readonly ignore?: IgnoreMatcher | undefined
  /** Instead of the file's `# check=`. */
  readonly check?: string | undefined
  readonly context?: (name: string) => string | undefined
  /** What is known of a base image; undefined: nothing, and no variable is called undefined for that. */
  readonly image?: (reference: string, platform: string | undefined) => LintedImage | undefined
}

export interface LintedImage {
  readonly config: ImageRunConfig
  readonly platform?: Platform
}

export interface LintResult {
  /** In the file's order. */
  readonly warnings: readonly LintWarning[]
  /** There are warnings, and `error=true` makes them errors. */
  readonly failed: boolean
  /** Why the file cannot be built at all. */
  readonly error?: TspodError
}

/** BuildKit's checks. Throws dockerfile-invalid for check options that are none. */
export function lintDockerfile(file: Dockerfile, options: LintOptions): LintResult {
  const check = parseCheckOptions(options.check ?? file.directives.check ?? '')
  const report = new LintReport(check)
  const error = lint(file, options, report)
  const { warnings } = report
  return { warnings, failed: check.error && warnings.length > 0, ...(error === undefined ? {} : { error }) }
}

function lint(file: Dockerfile, options: LintOptions, report: LintReport): TspodError | undefined {
  try {
    lintWriting(file, report)
    lintBases(file, options.facts, report)
    lintStages(file, options, report)
    return undefined
  } catch (error) {
    if (error instanceof TspodError) return error
    throw error
  }
}

function lintStages(file: Dockerfile, options: LintOptions, report: LintReport): void {
  const { facts } = options
  const globals = globalVariables(file, facts)
  const { stages, needed } = planStages(file, {
    globals,
    target: facts.target,
    context: options.context ?? (() => undefined),
  })
  const context: LintContext = {
    evaluation: { filename: file.filename, escape: file.escape, globals, buildArgs: facts.buildArgs },
    ignore: options.ignore,
  }
  const done = new Map<number, LintedStage>()
  for (const planned of stages) {
    const { index, instructions } = planned.stage
    if (options.onlyNeeded === true && !needed.includes(index)) continue
    const ends = instructions.reduce(
      (stage, instruction) => lintInstruction(stage, instruction, context, report),
      begin(planned, done, options, report),
    )
    done.set(index, ends)
  }
}

function begin(
  planned: PlannedStage,
  done: ReadonlyMap<number, LintedStage>,
  options: LintOptions,
  report: LintReport,
): LintedStage {
  const below = planned.base.type === 'stage' ? done.get(planned.base.index) : undefined
  if (below !== undefined) return { ...below, state: startFromStage(below.state).state, last: new Map() }
  const image = planned.base.type === 'image' ? options.image?.(planned.base.reference, planned.platform) : undefined
  if (planned.base.type === 'image' && image?.platform !== undefined)
    lintPlatform(planned, planned.base.reference, image.platform, options, report)
  return {
    state: startFromImage(image?.config).state,
    baseKnown: image !== undefined || planned.base.type === 'scratch',
    workdirSet: false,
    last: new Map(),
  }
}

function lintPlatform(
  { stage, platform }: PlannedStage,
  reference: string,
  actual: Platform,
  { facts }: LintOptions,
  report: LintReport,
): void {
  const expected = platform ?? formatPlatform(facts.targetPlatform)
  const [os, architecture] = expected.split('/')
  if (architecture === undefined || (actual.os === os && actual.architecture === architecture)) return
  report.warn(
    'InvalidBaseImagePlatform',
    `base image ${reference} is for "${formatPlatform(actual)}", this build for "${expected}"`,
    stage.location,
  )
}
