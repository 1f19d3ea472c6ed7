import type { LogLine } from './types.js'

/** Reads one record of a log file, in the form of k8s-file or of json-file; undefined for what is none. */
export function parseLogRecord(record: Buffer): LogLine | undefined {
  return record[0] === openingBrace ? parseJsonRecord(record) : parseK8sRecord(record)
}

const openingBrace = 0x7b
const space = 0x20

/** `2026-11-21T05:46:00.123456789+00:00 stdout F text` */
function parseK8sRecord(record: Buffer): LogLine | undefined {
  const first = record.indexOf(space)
  const second = record.indexOf(space, first + 1)
  if (first < 0 || second < 0) return undefined
  const stream = record.toString('latin1', first + 1, second)
  const flag = record.toString('latin1', second + 1, second + 3)
  if ((stream !== 'stdout' && stream !== 'stderr') || (flag !== 'F ' && flag !== 'P ')) return undefined
  const timestamp = record.toString('latin1', 0, first)
  return { timestamp, stream, partial: flag === 'P ', text: record.subarray(second + 3) }
}

/** `{"log":"text\n","stream":"stdout","time":"…"}` */
function parseJsonRecord(record: Buffer): LogLine | undefined {
  const value = parseJson(record)
  if (typeof value !== 'object' || value === null || !('log' in value) || typeof value.log !== 'string')
    return undefined
  const { log } = value
  const stream = 'stream' in value && value.stream === 'stderr' ? 'stderr' : 'stdout'
  const timestamp = 'time' in value && typeof value.time === 'string' ? value.time : ''
  const whole = log.endsWith('\n')
  return { timestamp, stream, partial: !whole, text: Buffer.from(whole ? log.slice(0, -1) : log) }
}

function parseJson(record: Buffer): unknown {
  try {
    return JSON.parse(record.toString('utf8')) as unknown
  } catch {
    /* Half-written by a monitor that was killed: no record. */
    return undefined
  }
}
