import { posix } from 'node:path'
import type { IgnoreMatcher } from '../../ignore.js'
import { classifySource } from '../../context/classify.js'
import { copyStep, type CopyStep } from '../copy-step.js'
import { applyToConfig, isMetadata, type Evaluation } from '../evaluate.js'
import { expandWords } from '../expand.js'
import { parseExposedPorts } from '../ports.js'
import { runStep } from '../run-step.js'
import type { StageState } from '../stage-state.js'
import type { Instruction, Location } from '../syntax.js'
import { closest } from '../text.js'
import type { LintReport } from './report.js'

/** A stage while it is looked through. */
export interface LintedStage {
  readonly state: StageState
  /** The environment of its base image is known: a variable that is not there is nowhere. */
  readonly baseKnown: boolean
  /** A WORKDIR stood in it, or beneath it in the same file. */
  readonly workdirSet: boolean
  /** Where CMD, ENTRYPOINT and HEALTHCHECK stood last. */
  readonly last: ReadonlyMap<string, Location>
}

export interface LintContext {
  readonly evaluation: Omit<Evaluation, 'unset'>
  readonly ignore: IgnoreMatcher | undefined
}

/** The rules about one instruction in the state that those before it have made; the state that it makes. */
export function lintInstruction(
  stage: LintedStage,
  instruction: Instruction,
  context: LintContext,
  report: LintReport,
): LintedStage {
  const own = report.under(instruction.written?.comments)
  const unset = new Set<string>()
  const evaluation: Evaluation = { ...context.evaluation, unset }
  lintKind(stage, instruction, context, own)
  let { state } = stage
  if (isMetadata(instruction)) ({ state } = applyToConfig(stage.state, instruction, evaluation))
  else if (instruction.kind === 'RUN') runStep(stage.state, instruction, evaluation)
  else lintCopy(copyStep(stage.state, instruction, evaluation), instruction.location, context.ignore, own)
  lintUnset(stage, unset, instruction.location, own)
  return {
    ...stage,
    state,
    workdirSet: stage.workdirSet || instruction.kind === 'WORKDIR',
    last: lintOnce(stage, instruction, own),
  }
}

function lintKind(stage: LintedStage, instruction: Instruction, context: LintContext, report: LintReport): void {
  const { location } = instruction
  switch (instruction.kind) {
    case 'ARG':
      for (const { name } of instruction.args) lintSecret('ARG', name, location, report)
      return
    case 'ENV':
    case 'LABEL':
      if (instruction.legacy === true) {
        const keyword = instruction.written?.keyword ?? instruction.kind
        report.warn('LegacyKeyValueFormat', `use "${keyword} name=value" instead of "${keyword} name value"`, location)
      }
      if (instruction.kind === 'ENV')
        for (const { name } of instruction.pairs) lintSecret('ENV', name, location, report)
      return
    case 'EXPOSE':
      lintPorts(stage, instruction.values, location, context, report)
      return
    case 'WORKDIR':
      lintWorkdir(stage, instruction, context, report)
      return
    case 'CMD':
    case 'ENTRYPOINT':
      if (instruction.command.form === 'shell' && (stage.state.config.Shell ?? []).length === 0)
        report.warn(
          'JSONArgsRecommended',
          `write ${instruction.written?.keyword ?? instruction.kind} as a JSON array, so that signals reach the command`,
          location,
        )
      return
    default:
      return
  }
}

const secret = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i
const noSecret = /(?:_|^)(?:public|file|version)(?:_|$)/i

function lintSecret(kind: string, name: string, location: Location, report: LintReport): void {
  if (secret.test(name) && !noSecret.test(name))
    report.warn('SecretsUsedInArgOrEnv', `${kind} "${name}" seems to hold a secret, which stays in the image`, location)
}

function lintPorts(
  { state }: LintedStage,
  values: readonly string[],
  location: Location,
  { evaluation }: LintContext,
  report: LintReport,
): void {
  const lookup = (name: string): string | undefined => state.variables.get(name)
  const words = values.flatMap((value) => expandWords(value, lookup, { escape: evaluation.escape }))
  for (const { word, oddCase, mapped } of parseExposedPorts(words)) {
    if (oddCase) report.warn('ExposeProtoCasing', `the protocol of "${word}" should be in lower case`, location)
    if (mapped)
      report.warn('ExposeInvalidFormat', `"${word}" names an address or a port of the host, to no effect`, location)
  }
}

function lintWorkdir(
  stage: LintedStage,
  instruction: Extract<Instruction, { kind: 'USER' | 'WORKDIR' | 'STOPSIGNAL' | 'MAINTAINER' }>,
  { evaluation }: LintContext,
  report: LintReport,
): void {
  if (stage.workdirSet) return
  const [path = ''] = expandWords(instruction.value, (name) => stage.state.variables.get(name), {
    escape: evaluation.escape,
  })
  if (!path.startsWith('/'))
    report.warn('WorkdirRelativePath', `"${path}" is relative to what the base image has`, instruction.location)
}

/** Sources with exceptions in the ignore file are beyond what can be told from names alone. */
function lintCopy(step: CopyStep, location: Location, ignore: IgnoreMatcher | undefined, report: LintReport): void {
  if (ignore === undefined || ignore.hasExceptions || step.from !== undefined) return
  for (const source of step.sources) {
    if (classifySource(source).kind !== 'path') continue
    const path = posix.normalize(source).replace(/(.)\/$/, '$1')
    if ((path === '.' || path === '/') && !ignore.hidesAll) continue
    if (ignore.hides(path))
      report.warn('CopyIgnoredFile', `${step.kind} names "${path}", which the ignore file hides`, location)
  }
}

/** Arguments without a value are declared. */
function lintUnset(stage: LintedStage, unset: ReadonlySet<string>, location: Location, report: LintReport): void {
  for (const name of unset) {
    if (stage.state.args.has(name) || name.startsWith('BUILDKIT_SBOM_SCAN_')) continue
    const guess = closest(name, Array.from(stage.state.variables.keys()))
    if (!stage.baseKnown && guess === undefined) continue
    const hint = guess === undefined ? '' : ` (did you mean $${guess}?)`
    report.warn('UndefinedVar', `variable $${name} is not defined${hint}`, location)
  }
}

/** Of several the last one counts, so the one before is reported. */
function lintOnce(stage: LintedStage, instruction: Instruction, report: LintReport): ReadonlyMap<string, Location> {
  const { kind, location } = instruction
  if (kind !== 'CMD' && kind !== 'ENTRYPOINT' && kind !== 'HEALTHCHECK') return stage.last
  const before = stage.last.get(kind)
  if (before !== undefined)
    report.warn('MultipleInstructionsDisallowed', `a later ${kind} of the stage takes the place of this one`, before)
  return new Map([...stage.last, [kind, location]])
}
