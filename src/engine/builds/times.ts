import type { BuildOptions } from './options.js'

/** Which times the entries of new layers get (`packLayer`). */
export interface PackTimes {
  /** Seconds since 1970. */
  readonly mtime?: number
  readonly onlyLater?: boolean
}

/** `--timestamp` sets all of them, `--rewrite-timestamp` those that are later than `--source-date-epoch`. */
export function packTimes(
  options: Pick<BuildOptions, 'timestamp' | 'sourceDateEpoch' | 'rewriteTimestamp'>,
): PackTimes {
  if (options.timestamp !== undefined) return { mtime: options.timestamp }
  if (options.rewriteTimestamp !== true || options.sourceDateEpoch === undefined) return {}
  return { mtime: options.sourceDateEpoch, onlyLater: true }
}

/** The time that everything in the image's configuration has, if one was asked for. */
export function fixedTime(options: Pick<BuildOptions, 'timestamp' | 'sourceDateEpoch'>): string | undefined {
  const seconds = options.timestamp ?? options.sourceDateEpoch
  return seconds === undefined ? undefined : new Date(seconds * 1000).toISOString()
}

/** The later of two moments, which are RFC 3339 texts. */
export function later(one: string, other: string): string {
  return Date.parse(other) > Date.parse(one) ? other : one
}
