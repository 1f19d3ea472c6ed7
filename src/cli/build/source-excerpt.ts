import { plainText } from '../output/plain-text.js'
import { cutToWidth } from '../output/width.js'

/** Lines of the file around what is shown, and at most so many of an instruction. */
const context = 2
const most = 20
const longest = 240

export interface Excerpt {
  readonly file: string
  readonly source: string
  /** 1-based, both included. */
  readonly line: number
  readonly endLine: number
}

/** Lines of a Dockerfile with those around them, as BuildKit shows them. */
export function sourceExcerpt({ file, source, line, endLine }: Excerpt): string {
  const lines = source.split('\n')
  if (line < 1 || line > lines.length) return ''
  const last = Math.min(Math.max(line, endLine), lines.length)
  const numbers = range(Math.max(1, line - context), Math.min(lines.length, last + context))
  const shown = numbers.filter((number) => number < line + most || number > last - 1)
  const rows = shown.flatMap((number, index) => {
    const gap = index > 0 && number !== (shown[index - 1] ?? 0) + 1 ? ['     | >>> …\n'] : []
    return [...gap, row(number, lines[number - 1] ?? '', number >= line && number <= last)]
  })
  return `${plainText(file)}:${String(line)}\n${rule}${rows.join('')}${rule}`
}

const rule = '--------------------\n'

function row(number: number, text: string, marked: boolean): string {
  return ` ${String(number).padStart(3)} | ${marked ? '>>>' : '   '} ${cutToWidth(plainText(text.slice(0, 4 * longest)), longest)}`
    .trimEnd()
    .concat('\n')
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
