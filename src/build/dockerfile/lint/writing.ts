import type { Dockerfile, Instruction, Location, Stage, Written } from '../syntax.js'
import type { LintReport } from './report.js'

/** The rules about how instructions are written, for which nothing has to be known but the text. */
export function lintWriting(file: Dockerfile, report: LintReport): void {
  for (const each of file.globalArgs) lintInstruction(each, report)
  for (const stage of file.stages) {
    lintContinuation(stage, report)
    lintFrom(stage, report)
    for (const each of stage.instructions) lintInstruction(each, report)
  }
  lintStageNames(file, report)
  lintCase(file, report)
}

function lintInstruction(instruction: Instruction, report: LintReport): void {
  lintContinuation(instruction, report)
  const own = report.under(instruction.written?.comments)
  if (instruction.kind === 'MAINTAINER')
    own.warn('MaintainerDeprecated', 'MAINTAINER is deprecated: use LABEL', instruction.location)
  if (instruction.kind === 'ARG') {
    const names = instruction.args.map(({ name }) => name)
    lintDescription('ARG', names, instruction, own)
  }
}

function lintContinuation({ written }: { readonly written?: Written }, report: LintReport): void {
  const line = written?.emptyContinuation
  if (line !== undefined)
    report.warn('NoEmptyContinuation', 'empty line within an instruction', { startLine: line, endLine: line })
}

function lintFrom(stage: Stage, report: LintReport): void {
  const { written, location } = stage
  if (written?.as === undefined) return
  const own = report.under(written.comments)
  const [as, name] = written.as
  if (name !== name.toLowerCase()) own.warn('StageNameCasing', `stage name "${name}" should be in lower case`, location)
  const from = written.keyword
  if ((isLower(from) && !isLower(as)) || (isUpper(from) && !isLower(from) && !isUpper(as)))
    own.warn('FromAsCasing', `"${as}" and "${from}" should be in the same case`, location)
  lintDescription('FROM', [name.toLowerCase()], stage, own)
}

/** The comment just before a definition is taken for its description. */
function lintDescription(
  kind: string,
  names: readonly string[],
  { written, location }: { readonly written?: Written; readonly location: Location },
  report: LintReport,
): void {
  const comment = written?.comments.at(-1)
  if (comment === undefined || names.includes(comment.split(' ')[0] ?? '')) return
  const name = names.length === 1 ? (names[0] ?? '') : '<arg_key>'
  report.warn('InvalidDefinitionDescription', `the comment of ${kind} should be "# ${name} <description>"`, location)
}

function lintStageNames(file: Dockerfile, report: LintReport): void {
  const seen = new Set<string>()
  for (const { name, location } of file.stages) {
    if (name === undefined) continue
    if (name === 'context' || name === 'scratch')
      report.warn('ReservedStageName', `"${name}" means something else than a stage`, location)
    if (seen.has(name)) report.warn('DuplicateStageName', `there is a stage "${name}" already`, location)
    seen.add(name)
  }
}

/** Names that are neither in upper nor in lower case count for neither. */
function lintCase(file: Dockerfile, report: LintReport): void {
  const all = file.stages.flatMap((stage) => [stage, ...stage.instructions])
  const keywords = all.map(({ written }) => written?.keyword ?? '')
  const lower = keywords.filter(isLower).length
  const upper = keywords.filter((keyword) => isUpper(keyword) && !isLower(keyword)).length
  for (const { written, location } of all) {
    const keyword = written?.keyword ?? ''
    if (lower > upper ? isLower(keyword) : isUpper(keyword)) continue
    const most = lower > upper ? 'lower' : 'upper'
    report.warn('ConsistentInstructionCasing', `"${keyword}" should be in ${most} case, as most are`, location)
  }
}

function isLower(text: string): boolean {
  return text === text.toLowerCase()
}

function isUpper(text: string): boolean {
  return text === text.toUpperCase()
}
