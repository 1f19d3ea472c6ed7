import { parseLogRecord } from './log-format.js'
import type { LogLine } from './types.js'

/** What a container has written to one stream, without a pause by the other. */
export interface LogText {
  readonly stream: LogLine['stream']
  readonly text: Buffer
}

const newline = 0x0a
const space = 0x20
/** `2026-11-21T05:46:00.123456789+00:00 stdout F `: every record of ours has these widths. */
const streamAt = 36
const flagAt = 43
const textAt = 45

/** The text of whole records, brought together where they lie: `block` is overwritten. */
export function* textOfRecords(block: Buffer): Generator<LogText> {
  let stream: LogLine['stream'] = 'stdout'
  let begin = 0
  let out = 0
  for (let at = 0; at < block.length;) {
    const found = block.indexOf(newline, at)
    const end = found < 0 ? block.length : found
    const plain = plainStream(block, at, end)
    const record = plain === undefined ? parseLogRecord(block.subarray(at, end)) : undefined
    const next = plain ?? record?.stream
    if (next !== undefined && next !== stream) {
      if (out > begin) yield { stream, text: block.subarray(begin, out) }
      stream = next
      begin = out
    }
    if (plain !== undefined) {
      const stop = block[at + flagAt] === 0x46 ? end + 1 : end
      block.copyWithin(out, at + textAt, stop)
      out += stop - at - textAt
    } else if (record !== undefined) {
      /* Never longer than the record that it came from, its end of line included. */
      out += record.text.copy(block, out)
      if (!record.partial) block[out++] = newline
    }
    at = end + 1
  }
  if (out > begin) yield { stream, text: block.subarray(begin, out) }
}

/** The stream of a record of the usual form; undefined for all others. */
function plainStream(block: Buffer, at: number, end: number): LogLine['stream'] | undefined {
  const usual =
    end - at >= textAt &&
    block[at + streamAt - 1] === space &&
    block[at + flagAt - 1] === space &&
    block[at + textAt - 1] === space &&
    (block[at + flagAt] === 0x46 || block[at + flagAt] === 0x50)
  if (!usual) return undefined
  /* std-o-ut, std-e-rr */
  const letter = block[at + streamAt + 3]
  return letter === 0x6f ? 'stdout' : letter === 0x65 ? 'stderr' : undefined
}
