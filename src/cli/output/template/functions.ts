import { TspodError } from '../../../base/errors.js'
import { goTime } from '../time.js'
import { binarySize, humanSize } from '../units.js'

export type TemplateFunction = (...args: readonly unknown[]) => unknown

/** A map that is written as a text of its own: Podman's templates look into it, Docker's print it. */
export class WrittenMap extends Map<string, string> {
  readonly text: string

  constructor(entries: Readonly<Record<string, string>>, text: string) {
    super(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1)))
    this.text = text
  }
}

/** What Go's `if` takes for true. */
export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return false
  if (Array.isArray(value)) return value.length > 0
  if (value instanceof Map) return value.size > 0
  if (typeof value === 'object' && !(value instanceof Date)) return Object.keys(value).length > 0
  return true
}

/** A value as Go's `%v` prints it. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return '<no value>'
  if (typeof value === 'string') return value
  if (value instanceof Date) return goTime(value)
  if (value instanceof WrittenMap) return value.text
  if (Array.isArray(value)) return `[${value.map(showInside).join(' ')}]`
  if (typeof value === 'object') {
    const entries = value instanceof Map ? [...(value as Map<string, unknown>)] : Object.entries(value)
    const shown = entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => `${key}:${showInside(inner)}`)
    return `map[${shown.join(' ')}]`
  }
  return String(value)
}

function showInside(value: unknown): string {
  return value === undefined || value === null ? '<nil>' : show(value)
}

export const functions: Readonly<Record<string, TemplateFunction>> = {
  json: (value) =>
    JSON.stringify(value instanceof Map ? Object.fromEntries(value as Map<string, unknown>) : value) ?? 'null',
  lower: (text) => show(text).toLowerCase(),
  upper: (text) => show(text).toUpperCase(),
  title: (text) => show(text).replace(/\b\p{L}/gu, (letter) => letter.toUpperCase()),
  trim: (text) => show(text).trim(),
  split: (text, separator) => show(text).split(show(separator)),
  join: (list, separator) =>
    items('join', Array.isArray(list) ? list : separator)
      .map(show)
      .join(show(Array.isArray(list) ? separator : list)),
  truncate: (text, length) => [...show(text)].slice(0, number('truncate', length)).join(''),
  pad: (text, before, after) => (isTrue(text) ? ' '.repeat(width(before)) + show(text) + ' '.repeat(width(after)) : ''),
  humanSize: (bytes) => humanSize(number('humanSize', bytes)),
  bytesSize: (bytes) => binarySize(number('bytesSize', bytes)),
  len: (value) => lengthOf(value),
  index: (value, ...keys) => keys.reduce((inner, key) => at(inner, key), value),
  slice: (value, from = 0, to = undefined) => slice(value, from, to),
  print: (...values) => values.map(show).join(' '),
  println: (...values) => `${values.map(show).join(' ')}\n`,
  printf: (format, ...values) => printf(show(format), values),
  eq: (first, ...others) => others.some((other) => same(first, other)),
  ne: (first, second) => !same(first, second),
  lt: (first, second) => compare(first, second) < 0,
  le: (first, second) => compare(first, second) <= 0,
  gt: (first, second) => compare(first, second) > 0,
  ge: (first, second) => compare(first, second) >= 0,
  not: (value) => !isTrue(value),
}

function same(first: unknown, second: unknown): boolean {
  return first === second || (first ?? null) === (second ?? null)
}

function compare(first: unknown, second: unknown): number {
  if (typeof first === 'number' && typeof second === 'number') return first - second
  const [left, right] = [show(first), show(second)]
  return left < right ? -1 : left > right ? 1 : 0
}

function number(name: string, value: unknown): number {
  if (typeof value === 'number') return value
  throw new TspodError('usage', `template: ${name} needs a number, not "${show(value)}"`)
}

const width = (value: unknown): number => Math.min(1000, Math.max(0, number('pad', value)))

function items(name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (value === undefined || value === null) return []
  throw new TspodError('usage', `template: ${name} needs a list, not "${show(value)}"`)
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Array.isArray(value)) return value.length
  if (value instanceof Map) return value.size
  if (typeof value === 'object' && value !== null) return Object.keys(value).length
  throw new TspodError('usage', `template: len of "${show(value)}"`)
}

function at(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    const position = number('index', key)
    if (position in value) return value[position] as unknown
    throw new TspodError('usage', `template: index ${position} is out of range (${value.length})`)
  }
  if (value instanceof Map) return (value as Map<unknown, unknown>).get(key)
  if (typeof value === 'object' && value !== null) {
    return Object.hasOwn(value, show(key)) ? (value as Record<string, unknown>)[show(key)] : undefined
  }
  if (typeof value === 'string') return value.charCodeAt(number('index', key))
  throw new TspodError('usage', `template: cannot index "${show(value)}" with "${show(key)}"`)
}

function slice(value: unknown, from: unknown, to: unknown): unknown {
  const end = to === undefined ? undefined : number('slice', to)
  if (typeof value === 'string') return value.slice(number('slice', from), end)
  return items('slice', value).slice(number('slice', from), end)
}

/** `%s %v %d %q %x %f %t %%`, with width, precision and flags. */
function printf(format: string, values: readonly unknown[]): string {
  let next = 0
  const text = format.replace(
    /%([-+0 #]*)(\d*)(?:\.(\d+))?([a-zA-Z%])/g,
    (_all, flags: string, size: string, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%'
      if (next >= values.length) return `%!${verb}(MISSING)`
      const shown = verbOf(verb, values[next++], precision)
      const columns = Math.min(1000, Number(size || 0))
      if (flags.includes('-')) return shown.padEnd(columns)
      return shown.padStart(columns, flags.includes('0') && !/[svqt]/.test(verb) ? '0' : ' ')
    },
  )
  return text
}

function verbOf(verb: string, value: unknown, precision: string | undefined): string {
  const digits = precision === undefined ? undefined : Math.min(100, Number(precision))
  switch (verb) {
    case 's':
    case 'v':
      return digits === undefined ? show(value) : show(value).slice(0, digits)
    case 'q':
      return JSON.stringify(show(value))
    case 'd':
      return String(Math.trunc(number('printf %d', value)))
    case 't':
      return String(isTrue(value))
    case 'x':
    case 'X': {
      const hexadecimal = typeof value === 'number' ? value.toString(16) : Buffer.from(show(value)).toString('hex')
      return verb === 'X' ? hexadecimal.toUpperCase() : hexadecimal
    }
    case 'f':
    case 'g':
      return verb === 'g' && digits === undefined
        ? String(number('printf %g', value))
        : number(`printf %${verb}`, value).toFixed(digits ?? 6)
    case 'c':
      return String.fromCodePoint(number('printf %c', value))
    default:
      return `%!${verb}(${show(value)})`
  }
}
