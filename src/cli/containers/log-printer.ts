import type { LogLine } from '../../index.js'
import { writeError, writeOutput } from '../output/write.js'

export interface LogPrinterOptions {
  readonly timestamps: boolean
  readonly color: boolean
}

const colors = [37, 31, 32, 33, 34, 35, 36]

/**
 * Writes the lines of logs to the streams that they were written to: a printer for each container, which puts its label
 * before its lines, and its color on them.
 */
export function logPrinter(options: LogPrinterOptions): (label: string, index: number) => (line: LogLine) => void {
  const gathered = gatherer()
  return (label, index) => {
    const open = new Set<LogLine['stream']>()
    const begin = options.color ? `\u001b[${colors[index % colors.length] ?? 37}m` : ''
    const end = options.color ? '\u001b[0m' : ''
    return (line) => {
      /* What continues a line has its beginning's label. */
      const prefix = open.has(line.stream) ? '' : prefixOf(line, label, options)
      if (line.partial) open.add(line.stream)
      else open.delete(line.stream)
      gathered.add(line.stream, `${begin}${prefix}`, line.text, `${end}${line.partial ? '' : '\n'}`)
    }
  }
}

const gatherAtMost = 256 * 1024

interface Gatherer {
  add(stream: LogLine['stream'], before: string, text: Buffer, after: string): void
}

/** Writes what comes in one go, as far as one stream goes; the rest as soon as nothing more is at hand. */
function gatherer(): Gatherer {
  const buffer = Buffer.allocUnsafe(gatherAtMost)
  let length = 0
  let current: LogLine['stream'] = 'stdout'
  let pending: NodeJS.Immediate | undefined
  const flush = (): void => {
    if (pending !== undefined) clearImmediate(pending)
    pending = undefined
    printText({ stream: current, text: buffer.subarray(0, length) })
    length = 0
  }
  return {
    add: (stream, before, text, after) => {
      const size = 3 * before.length + text.length + after.length
      if (stream !== current || length + size > gatherAtMost) flush()
      current = stream
      if (size > gatherAtMost) {
        printText({ stream, text: Buffer.concat([Buffer.from(before), text, Buffer.from(after)]) })
        return
      }
      length += buffer.write(before, length)
      length += text.copy(buffer, length)
      length += buffer.write(after, length)
      pending ??= setImmediate(flush)
    },
  }
}

/** What a container wrote, as it wrote it. */
export function printText({ stream, text }: Pick<LogLine, 'stream' | 'text'>): void {
  if (stream === 'stderr') writeError(text)
  else writeOutput(text)
}

function prefixOf({ timestamp }: LogLine, label: string, { timestamps }: LogPrinterOptions): string {
  return `${label === '' ? '' : `${label} `}${timestamps ? `${timestamp} ` : ''}`
}
