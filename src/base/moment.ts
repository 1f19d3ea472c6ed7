import { TspodError } from './errors.js'
import { nanosecondsPer } from './go-duration.js'

/** A point in time, in nanoseconds since 1970: what logs and events are dated with, and more than a Date can tell apart. */
export type Moment = bigint

/** Go's units, and what people count days in. */
const units: Readonly<Record<string, number>> = { ...nanosecondsPer, d: 86_400e9, w: 604_800e9 }

/**
 * A date with or without a time (of this host's zone, if it names none), seconds since 1970, or a duration (`1h30m`,
 * `2d`) from `now`: back, or ahead for `direction` 1. Throws `invalid-argument` for what is none of these.
 */
export function parseMoment(text: string, now: Date, direction: 1 | -1 = -1): Moment {
  const moment = parseSeconds(text) ?? parseDistance(text, now, direction) ?? parseDate(text)
  if (moment !== undefined) return moment
  const allowed = 'a time (2026-11-21T05:46:00Z, or seconds since 1970) nor a duration (1h30m, 2d)'
  throw new TspodError('invalid-argument', `"${text}" is neither ${allowed}`)
}

/** A Date, or what is a moment already. */
export function momentOf(time: Date | Moment): Moment {
  return typeof time === 'bigint' ? time : BigInt(time.getTime()) * 1_000_000n
}

/** Rounded down. */
export function millisecondsOf(moment: Moment): number {
  return Number(moment / 1_000_000n)
}

/** What a record says (RFC 3339, with up to nine decimals); undefined if it says no time. */
export function parseTimestamp(text: string): Moment | undefined {
  const [, date, fraction, zone] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? []
  if (date === undefined || zone === undefined) return undefined
  return withFraction(Date.parse(date + zone), fraction)
}

function parseSeconds(text: string): Moment | undefined {
  const [, sign, seconds, fraction] = /^(-?)(\d{1,12})(?:\.(\d+))?$/.exec(text) ?? []
  if (seconds !== undefined) {
    const length = BigInt(seconds) * 1_000_000_000n + nanosecondsOf(fraction)
    return sign === '-' ? -length : length
  }
  return undefined
}

function parseDistance(text: string, now: Date, direction: 1 | -1): Moment | undefined {
  const [, sign, parts] = /^([+-]?)((?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|[smhdw]))+)$/.exec(text) ?? []
  if (parts === undefined) return undefined
  let total = 0
  for (const [, count, unit] of parts.matchAll(/([\d.]+)([a-zµμ]+)/g))
    total += Number(count) * (units[unit ?? ''] ?? Number.NaN)
  if (total > longest) return undefined
  return momentOf(now) + BigInt(Math.round(sign === '-' ? -total : total) * direction)
}

/** A thousand years. */
const longest = 1000 * 366 * 86_400e9

function parseDate(text: string): Moment | undefined {
  const [, date, time = 'T00:00:00', fraction, zone = ''] =
    /^(\d{4}-\d\d-\d\d)(?:([Tt ]\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?)?([Zz]|[+-]\d\d:?\d\d)?$/.exec(text) ?? []
  if (date === undefined || !isDay(date)) return undefined
  const colon = zone.replace(/^(...)(\d\d)$/, '$1:$2').toUpperCase()
  return withFraction(Date.parse(`${date}T${time.slice(1)}${colon}`), fraction)
}

/** There is no 30th of February, but Date.parse finds one. */
function isDay(date: string): boolean {
  const day = new Date(`${date}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date)
}

function withFraction(milliseconds: number, fraction: string | undefined): Moment | undefined {
  return Number.isNaN(milliseconds) ? undefined : BigInt(milliseconds) * 1_000_000n + nanosecondsOf(fraction)
}

function nanosecondsOf(fraction = ''): bigint {
  return BigInt(fraction.slice(0, 9).padEnd(9, '0'))
}
