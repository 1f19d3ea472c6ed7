import type { LogLine } from '../../index.js'
import { writeError, writeOutput } from '../output/write.js'

export interface LogPrinterOptions {
  readonly names: boolean
  readonly timestamps: boolean
  readonly color: boolean
}

export interface LogSource {
  readonly label: string
  readonly index: number
  /** One of several containers, whose lines come mixed. */
  readonly many: boolean
}

const colors = [37, 31, 32, 33, 34, 35, 36]

/** Writes the lines of logs to the streams that they were written to. */
export function logPrinter(options: LogPrinterOptions): (line: LogLine, source: LogSource) => void {
  const open = new Set<number>()
  return (line, source) => {
    /* What continues a line has its beginning's prefix. */
    const key = source.index * 2 + (line.stream === 'stderr' ? 1 : 0)
    const prefix = open.has(key) ? '' : prefixOf(line, source, options)
    if (line.partial) open.add(key)
    else open.delete(key)
    const text = Buffer.concat([Buffer.from(prefix), line.text, Buffer.from(line.partial ? '' : '\n')])
    if (line.stream === 'stderr') writeError(text)
    else writeOutput(text)
  }
}

function prefixOf({ timestamp }: LogLine, { label, index, many }: LogSource, options: LogPrinterOptions): string {
  const name = options.names || many ? `${label} ` : ''
  const colored = options.color && name !== '' ? `\u001b[${colors[index % colors.length]}m${name}\u001b[0m` : name
  return `${colored}${options.timestamps ? `${timestamp} ` : ''}`
}
