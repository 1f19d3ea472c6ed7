import { Directives } from './directives.js'
import { invalid, located } from './error.js'
import { flagValue, parseFlags } from './flags.js'
import { heredocMarks } from './heredoc.js'
import { mayHaveHeredocs, parseInstruction, type RawHeredoc } from './instruction.js'
import { logicalLines, readHeredoc, type LogicalLine } from './lines.js'
import { limits, SourceLines } from './source.js'
import type { Dockerfile, Instruction, Stage, Written } from './syntax.js'
import { splitAtBlanks, trimEnd } from './text.js'
import { parseCommand } from './words.js'

/**
 * Reads a whole Dockerfile. `filename` is how messages call it: every error is `FILE:LINE: what`, code dockerfile-invalid.
 * Nothing is expanded or looked up. Source: the Dockerfile reference, syntax 1.20, and BuildKit's parser where it is silent.
 */
export function parseDockerfile(source: Buffer | string, filename: string): Dockerfile {
  const lines = new SourceLines(source, filename)
  const directives = new Directives()
  const globalArgs: Extract<Instruction, { kind: 'ARG' }>[] = []
  const stages: (Stage & { readonly instructions: Instruction[] })[] = []
  let count = 0
  for (const line of logicalLines(lines, directives)) {
    if (++count > limits.instructions)
      throw lines.error(`more than ${String(limits.instructions)} instructions`, line.startLine)
    located(filename, line.startLine, () => {
      const { keyword } = parseCommand(line.text, directives.escape)
      if (keyword.toUpperCase() === 'FROM') {
        stages.push(parseStage(line, lines.line, stages.length, directives.escape))
        return
      }
      const instruction = readInstruction(lines, line, directives.escape)
      const stage = stages.at(-1)
      if (stage !== undefined) stage.instructions.push(instruction)
      else if (instruction.kind === 'ARG') globalArgs.push(instruction)
      else throw invalid(`${instruction.kind} before the first FROM: no build stage in current context`)
    })
  }
  if (count === 0) throw invalid(`${filename}: file with no instructions`)
  if (stages.length === 0) throw invalid(`${filename}: no FROM: there are no stages to build`)
  return { filename, source: lines.text, escape: directives.escape, directives: directives.values, globalArgs, stages }
}

/** The instruction that an image's ONBUILD names, with its here-documents. `name` is how messages call it. */
export function parseTrigger(trigger: string, name: string): Instruction {
  const lines = new SourceLines(trigger, name)
  let result: Instruction | undefined
  for (const line of logicalLines(lines, new Directives()))
    result = located(name, line.startLine, () => {
      if (result !== undefined) throw invalid('an ONBUILD trigger is one instruction')
      const instruction = readInstruction(lines, line, '\\')
      if (instruction.kind === 'ONBUILD' || instruction.kind === 'MAINTAINER')
        throw invalid(`${instruction.kind} isn't allowed as an ONBUILD trigger`)
      return instruction
    })
  if (result === undefined) throw invalid(`${name}: empty ONBUILD trigger`)
  return result
}

function readInstruction(lines: SourceLines, line: LogicalLine, escape: string): Instruction {
  const heredocs = mayHaveHeredocs(line.text, escape) ? readHeredocs(lines, line) : []
  const parsed = parseInstruction(line.text, escape, heredocs)
  return {
    ...parsed,
    location: { startLine: line.startLine, endLine: lines.line },
    text: trimEnd(line.text),
    written: writtenOf(line, escape),
  }
}

function readHeredocs(lines: SourceLines, line: LogicalLine): RawHeredoc[] {
  const marks = heredocMarks(line.text)
  if (marks.length > limits.heredocsPerInstruction)
    throw invalid(`more than ${String(limits.heredocsPerInstruction)} heredocs in one instruction`)
  return marks.map((mark) => ({ ...mark, content: readHeredoc(lines, mark, line.startLine) }))
}

const stageName = /^[a-z][a-z0-9-_.]*$/

function parseStage(
  line: LogicalLine,
  endLine: number,
  index: number,
  escape: string,
): Stage & { readonly instructions: Instruction[] } {
  const command = parseCommand(line.text, escape)
  const flags = parseFlags('FROM', command.flags)
  const [base = '', as, name, ...more] = splitAtBlanks(command.rest)
  const named = as !== undefined && name !== undefined && as.toUpperCase() === 'AS'
  if (base === '' || more.length > 0 || (as !== undefined && !named))
    throw invalid('FROM requires either one or three arguments')
  if (named && !stageName.test(name.toLowerCase()))
    throw invalid(`invalid name for build stage: "${name}", name can't start with a number or contain symbols`)
  return {
    index,
    name: named ? name.toLowerCase() : undefined,
    base,
    platform: flagValue(flags, 'platform'),
    location: { startLine: line.startLine, endLine },
    text: trimEnd(line.text),
    instructions: [],
    written: { ...writtenOf(line, escape), ...(named ? { as: [as, name] as const } : {}) },
  }
}

function writtenOf({ text, comments, emptyContinuation }: LogicalLine, escape: string): Written {
  const { keyword } = parseCommand(text, escape)
  return { keyword, comments, ...(emptyContinuation === undefined ? {} : { emptyContinuation }) }
}
