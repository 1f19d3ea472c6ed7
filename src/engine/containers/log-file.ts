import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { isMissing } from '../../state/file.js'

const chunkSize = 64 * 1024
const blockSize = 256 * 1024
const newline = 0x0a
/** A record longer than this is cut: no writer of ours makes one. */
const longestRecord = 16 * 1024 * 1024

/** One file of a log, read forward, record by record, for as long as it grows. */
export class LogFile implements Disposable {
  readonly fd: number
  readonly inode: number
  #position: number
  #rest: Buffer = Buffer.alloc(0)

  constructor(path: string, position = 0) {
    this.fd = openSync(path, 'r')
    this.inode = fstatSync(this.fd).ino
    this.#position = position
  }

  /** The records that are there whole, from where the last call ended. */
  *records(): Generator<Buffer> {
    for (const block of this.blocks()) {
      for (let at = 0, end = block.indexOf(newline); end >= 0; at = end + 1, end = block.indexOf(newline, at)) {
        yield Buffer.from(block.subarray(at, end))
      }
    }
  }

  /** The same, many at once with their ends of line. A block is the caller's to change until it asks for the next. */
  *blocks(): Generator<Buffer> {
    let buffer = Buffer.allocUnsafe(blockSize)
    let held = this.#rest.copy(buffer)
    for (;;) {
      const count = readSync(this.fd, buffer, held, buffer.length - held, this.#position)
      if (count === 0) break
      this.#position += count
      const end = held + count
      const whole = buffer.lastIndexOf(newline, end - 1) + 1
      const rest = Buffer.from(buffer.subarray(whole, end))
      if (whole > 0) yield buffer.subarray(0, whole)
      if (rest.length === buffer.length) buffer = Buffer.allocUnsafe(buffer.length * 2)
      held = rest.length > longestRecord ? 0 : rest.copy(buffer)
    }
    this.#rest = Buffer.from(buffer.subarray(0, held))
  }

  [Symbol.dispose](): void {
    closeSync(this.fd)
  }
}

/** A log's files, the oldest first: `log.2`, `log.1`, `log`. */
export function logFiles(path: string): string[] {
  const files: string[] = []
  for (let index = 1; existsFile(`${path}.${index}`); index++) files.unshift(`${path}.${index}`)
  return existsFile(path) ? [...files, path] : files
}

/** Whether a path still names the file that was opened: a rotation gives it to another. */
export function isRotated(path: string, inode: number): boolean {
  return statSync(path, { throwIfNoEntry: false })?.ino !== inode
}

/**
 * Where the last `count` lines of a file begin, found from its end, and how many there are if there are fewer.
 * A record that continues a line (`isPartial`) counts as part of it.
 */
export function tailOffset(
  path: string,
  count: number,
  isPartial: (record: Buffer) => boolean,
): { readonly offset: number; readonly lines: number } {
  const fd = openSync(path, 'r')
  try {
    return scanBackwards(fd, count, isPartial)
  } finally {
    closeSync(fd)
  }
}

function scanBackwards(
  fd: number,
  count: number,
  isPartial: (record: Buffer) => boolean,
): { readonly offset: number; readonly lines: number } {
  let lines = 0
  let begin = fstatSync(fd).size
  for (const { offset, record, isLast } of recordsBackwards(fd, begin)) {
    if (isLast || !isPartial(record)) {
      if (lines === count) return { offset: begin, lines }
      lines += 1
    }
    begin = offset
  }
  return { offset: 0, lines }
}

/** The records of a file from the last to the first, each with where it begins. */
function* recordsBackwards(fd: number, size: number): Generator<{ offset: number; record: Buffer; isLast: boolean }> {
  let tail: Buffer = Buffer.alloc(0)
  let isLast = true
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - chunkSize)
    const chunk = Buffer.allocUnsafe(end - start)
    let data = Buffer.concat([chunk.subarray(0, readSync(fd, chunk, 0, chunk.length, start)), tail])
    for (let at = previousBreak(data); at >= 0; at = previousBreak(data)) {
      yield { offset: start + at + 1, record: withoutBreak(data.subarray(at + 1)), isLast }
      isLast = false
      data = data.subarray(0, at + 1)
    }
    tail = data
    end = start
  }
  if (tail.length > 0) yield { offset: 0, record: withoutBreak(tail), isLast }
}

/** Where the last record's predecessor ends, or -1. */
function previousBreak(data: Buffer): number {
  return data.length < 2 ? -1 : data.lastIndexOf(newline, data.length - 2)
}

function withoutBreak(record: Buffer): Buffer {
  return record.at(-1) === newline ? record.subarray(0, -1) : record
}

function existsFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
