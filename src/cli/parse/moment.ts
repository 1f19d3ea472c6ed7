import { invalid } from './value.js'

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `--since`: a date, seconds since 1970, or a duration before now (`1h30m`). */
export function parseSince(text: string): Date {
  return parseMoment(text, new Date(), -1)
}

/** `--until`: the same, but a duration is ahead, as Podman has it; `-1h` is an hour ago. */
export function parseUntil(text: string): Date {
  return parseMoment(text, new Date(), 1)
}

export function parseMoment(text: string, now: Date, direction: 1 | -1): Date {
  if (/^-?\d+(\.\d+)?$/.test(text)) return new Date(Number(text) * 1000)
  if (/^-?(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) return new Date(now.getTime() + direction * durationOf(text))
  const time = Date.parse(text)
  if (Number.isNaN(time)) {
    throw invalid(
      `"${text}" is neither a time (2026-11-21T05:46:00Z, or seconds since 1970) nor a duration (1h30m; s, m, h or d)`,
    )
  }
  return new Date(time)
}

function durationOf(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)]
  const length = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? 's'] ?? 0), 0)
  return text.startsWith('-') ? -length : length
}
