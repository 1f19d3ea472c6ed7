/** Nanoseconds as Go prints a duration: `1h2m3.5s`, `120ms`, `0s`. */
export function goDuration(nanoseconds: number): string {
  if (nanoseconds < 0) return `-${goDuration(-nanoseconds)}`
  if (nanoseconds === 0) return '0s'
  for (const [unit, size] of small) if (nanoseconds < size * 1000) return `${String(nanoseconds / size)}${unit}`
  const hours = Math.floor(nanoseconds / 3.6e12)
  const minutes = Math.floor(nanoseconds / 6e10) % 60
  const seconds = trimmed((nanoseconds % 6e10) / 1e9)
  if (hours > 0) return `${String(hours)}h${String(minutes)}m${seconds}s`
  return minutes > 0 ? `${String(minutes)}m${seconds}s` : `${seconds}s`
}

const small = [
  ['ns', 1],
  ['µs', 1e3],
  ['ms', 1e6],
] as const

function trimmed(seconds: number): string {
  return seconds.toFixed(9).replace(/\.?0+$/, '')
}

/** The units that Go knows. */
export const nanosecondsPer: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

/** `1h30m`, `1.5s`, `300ms`, in nanoseconds, as Go reads them; undefined if it is none. A bare number is none, but for 0. */
export function parseGoDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0
  const [, sign, parts] = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text) ?? []
  if (parts === undefined) return undefined
  let total = 0
  for (const [, number, unit] of parts.matchAll(/([\d.]+)([a-zµμ]+)/g))
    total += Number(number) * (nanosecondsPer[unit ?? ''] ?? NaN)
  const rounded = Math.round(total)
  if (!Number.isSafeInteger(rounded)) return undefined
  return sign === '-' ? -rounded : rounded
}
