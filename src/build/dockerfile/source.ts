import { isUtf8 } from 'node:buffer'
import { invalid, invalidAt } from './error.js'

/** What a Dockerfile may be. BuildKit takes 16 MiB at most, too, and lines of 64 KiB. */
export const limits = {
  fileBytes: 16 << 20,
  /** Of a line as written, and of an instruction with its continuations, in UTF-16 units. */
  lineLength: 1 << 20,
  instructions: 10_000,
  heredocsPerInstruction: 1_000,
  /** That are remembered with the instruction they stand before: the last ones. */
  comments: 100,
} as const

/** Bytes. Who reads one reads no more than a byte beyond it. */
export const largestSource = limits.fileBytes

/** The lines of a Dockerfile, one after the other, each with its line end. */
export class SourceLines {
  readonly #text: string
  readonly #filename: string
  readonly #strict: boolean
  #position = 0
  /** Number of the line read last, 1-based. */
  line = 0

  /** Throws dockerfile-invalid for what is too large, or is no UTF-8 text where that matters. */
  constructor(source: Buffer | string, filename: string) {
    checkSource(source, filename)
    this.#strict = typeof source !== 'string' && !isUtf8(source)
    this.#text = (typeof source === 'string' ? source : source.toString('utf8')).replace(/^\ufeff/, '')
    this.#filename = filename
  }

  get text(): string {
    return this.#text
  }

  get filename(): string {
    return this.#filename
  }

  /** The next line, undefined behind the last. */
  next(): string | undefined {
    if (this.#position >= this.#text.length) return undefined
    const newline = this.#text.indexOf('\n', this.#position)
    const end = newline === -1 ? this.#text.length : newline + 1
    const line = this.#text.slice(this.#position, end)
    this.#position = end
    this.line++
    if (line.length > limits.lineLength) throw this.error(`line longer than ${String(limits.lineLength)} characters`)
    return line
  }

  /** A line that is no comment has to be text: it becomes arguments, environment or a file. */
  requireText(line: string): void {
    if (line.includes('\0')) throw this.error('line contains a NUL character')
    if (this.#strict && line.includes('\ufffd')) throw this.error('line is not valid UTF-8')
  }

  error(message: string, line = this.line): Error {
    return invalidAt(this.#filename, line, message)
  }
}

/** Throws dockerfile-invalid for what is too large to be read, or has two bytes to a character. */
export function checkSource(source: Buffer | string, filename: string): void {
  const size = typeof source === 'string' ? Buffer.byteLength(source) : source.length
  if (size > limits.fileBytes)
    throw invalid(`${filename}: larger than ${String(limits.fileBytes)} bytes, which a Dockerfile has at most`)
  if (isUtf16(source)) throw invalid(`${filename}: the file is UTF-16; save it as UTF-8`)
}

/** By its byte order mark, or what is left of that once it was read as UTF-8. */
function isUtf16(source: Buffer | string): boolean {
  if (typeof source === 'string') return source.startsWith('\ufffd\ufffd') && source.includes('\0')
  return (source[0] === 0xff && source[1] === 0xfe) || (source[0] === 0xfe && source[1] === 0xff)
}
