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
