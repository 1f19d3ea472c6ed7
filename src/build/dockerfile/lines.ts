import type { Directives } from './directives.js'
import type { HeredocMark } from './heredoc.js'
import { located } from './error.js'
import { limits, type SourceLines } from './source.js'
import { trim, trimStart } from './text.js'

/** An instruction's line with its continuations, before its here-documents. */
export interface LogicalLine {
  readonly text: string
  readonly startLine: number
  readonly comments: readonly string[]
  readonly emptyContinuation: number | undefined
}

/** The instructions of a file. Who reads here-documents takes their lines from `lines` before asking for the next. */
export function* logicalLines(lines: SourceLines, directives: Directives): Generator<LogicalLine> {
  let comments: string[] = []
  for (let raw = lines.next(); raw !== undefined; raw = lines.next()) {
    const line = trimStart(withoutLineEnd(raw))
    if (line.startsWith('#')) {
      if (located(lines.filename, lines.line, () => directives.read(line, lines.line))) continue
      const comment = trim(line.slice(1))
      if (comment === '') comments = []
      else if (comments.push(comment) > limits.comments) comments.shift()
      continue
    }
    directives.read(line, lines.line)
    if (line === '') continue
    lines.requireText(line)
    const startLine = lines.line
    yield { startLine, comments, ...joined(line, lines, directives.escape) }
    comments = []
  }
}

/** The text of a here-document, up to the line that is its name. */
export function readHeredoc(lines: SourceLines, mark: HeredocMark, startLine: number): string {
  const parts: string[] = []
  for (let raw = lines.next(); raw !== undefined; raw = lines.next()) {
    lines.requireText(raw)
    const line = withoutLineEnd(raw)
    if ((mark.chomp ? line.replace(/^\t+/, '') : line) === mark.name) return parts.join('')
    parts.push(raw)
  }
  throw lines.error(`unterminated heredoc: no line is "${mark.name}"`, startLine)
}

/** A line and those that continue it. Comments and empty lines between them are left out. */
function joined(
  first: string,
  lines: SourceLines,
  escape: string,
): { readonly text: string; readonly emptyContinuation: number | undefined } {
  const startLine = lines.line
  const parts: string[] = []
  let length = 0
  let emptyLine = false
  let part = continued(first, escape)
  while (part !== undefined) {
    length += part.length
    if (length > limits.lineLength)
      throw lines.error(`instruction longer than ${String(limits.lineLength)} characters`, startLine)
    parts.push(part)
    part = undefined
    let raw = lines.next()
    for (; raw !== undefined; raw = lines.next()) {
      const line = withoutLineEnd(raw)
      const start = trimStart(line)
      if (start.startsWith('#')) continue
      if (start === '') {
        emptyLine = true
        continue
      }
      lines.requireText(line)
      part = continued(line, escape)
      if (part === undefined) parts.push(line)
      break
    }
  }
  if (parts.length === 0) parts.push(first)
  return { text: parts.join(''), emptyContinuation: emptyLine ? lines.line : undefined }
}

/**
 * The line without the escape character at its end, if there is one: then the next line continues it. Two escape
 * characters there are none.
 */
function continued(line: string, escape: string): string | undefined {
  let end = line.length
  while (end > 0 && (line.charAt(end - 1) === ' ' || line.charAt(end - 1) === '\t')) end--
  if (line.charAt(end - 1) !== escape || line.charAt(end - 2) === escape) return undefined
  return line.slice(0, end - 1)
}

function withoutLineEnd(line: string): string {
  let end = line.length
  while (end > 0 && (line.charAt(end - 1) === '\n' || line.charAt(end - 1) === '\r')) end--
  return line.slice(0, end)
}
