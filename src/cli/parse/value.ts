import { parseByteSize } from '../../base/byte-size.js'
import { TspodError } from '../../base/errors.js'
import { parseGoDuration } from '../../base/go-duration.js'

export function invalid(message: string): TspodError {
  return new TspodError('invalid-argument', message)
}

/** A row of a table by a key that a user typed: `constructor` is none. */
export function row<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}

/** `64m`, `1.5g`, `512`: bytes, by powers of 1024 (`b`, `kb` and `kib` mean the same, as in Docker). */
export function parseSize(text: string): number {
  const bytes = parseByteSize(text)
  if (bytes === undefined) throw invalid(`"${text}" is not a size like 64m or 1g`)
  return bytes
}

/** A size, or -1 for no limit. */
export function parseSizeOrUnlimited(text: string): number {
  return text === '-1' ? -1 : parseSize(text)
}

/** Go's `1h30m`, `1.5s`, `300ms`, in nanoseconds. A bare number is refused, but for 0. */
export function parseDuration(text: string): number {
  const nanoseconds = parseGoDuration(text)
  if (nanoseconds === undefined || nanoseconds < 0)
    throw invalid(`"${text}" is not a duration like 30s or 1m30s, or too long`)
  return nanoseconds
}

/** A whole number within bounds. */
export function parseInteger(
  text: string,
  minimum = Number.MIN_SAFE_INTEGER,
  maximum = Number.MAX_SAFE_INTEGER,
): number {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(value)) throw invalid(`"${text}" is not a whole number`)
  if (value < minimum || value > maximum) throw invalid(`${text} is not between ${minimum} and ${maximum}`)
  return value
}

/** A decimal number of at least 0. */
export function parseDecimal(text: string): number {
  if (!/^(?:\d+(?:\.\d*)?|\.\d+)$/.test(text)) throw invalid(`"${text}" is not a number`)
  return Number(text)
}

/** `0022`, `22`: octal. */
export function parseOctal(text: string, maximum = 0o7777): number {
  const value = /^[0-7]{1,5}$/.test(text) ? Number.parseInt(text, 8) : NaN
  if (Number.isNaN(value) || value > maximum)
    throw invalid(`"${text}" is not an octal number of at most ${maximum.toString(8)}`)
  return value
}

export function parseBoolean(text: string): boolean {
  if (/^(?:1|t|true)$/i.test(text)) return true
  if (/^(?:0|f|false)$/i.test(text)) return false
  throw invalid(`"${text}" is neither true nor false`)
}

/** `key=value`; the value may be empty and have `=` in it. `key` alone is the key with nothing, unless a value is needed. */
export function parsePair(text: string, { needsValue = false } = {}): readonly [string, string] {
  const equals = text.indexOf('=')
  const key = equals < 0 ? text : text.slice(0, equals)
  if (key === '') throw invalid(`"${text}" has no name before the "="`)
  if (equals < 0 && needsValue) throw invalid(`"${text}" must be in the format KEY=VALUE`)
  return [key, equals < 0 ? '' : text.slice(equals + 1)]
}

/** Absolute, and without what no path can have. */
export function parseContainerPath(text: string, what = 'container path'): string {
  if (!text.startsWith('/')) throw invalid(`invalid ${what} "${text}": it must be an absolute path`)
  if (text.includes('\0')) throw invalid(`invalid ${what}: it has a null character`)
  return text
}

/** `0-3,7`: a list of numbers and ranges, as cpuset takes it. */
export function parseCpuSet(text: string): string {
  if (!/^\d{1,5}(?:-\d{1,5})?(?:,\d{1,5}(?:-\d{1,5})?)*$/.test(text))
    throw invalid(`"${text}" is not a list like 0-3,7`)
  return text
}
