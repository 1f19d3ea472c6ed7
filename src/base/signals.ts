import { constants } from 'node:os'

const firstRealTime = 34
const lastRealTime = 64

/** `KILL`, `SIGKILL`, `sigkill`, `9`, `SIGRTMIN+3`: a signal's number, or undefined. */
export function parseSignal(text: string): number | undefined {
  const upper = text.trim().toUpperCase()
  if (/^\d{1,3}$/.test(upper)) {
    const number = Number(upper)
    return number >= 1 && number <= lastRealTime ? number : undefined
  }
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`
  const known = signalNumbers[name]
  return known ?? parseRealTime(name)
}

/** `SIGTERM` for 15; a number as text where it has no name. */
export function signalName(number: number): string {
  for (const [name, value] of Object.entries(signalNumbers)) if (value === number) return name
  if (number >= firstRealTime && number <= lastRealTime) {
    return number === firstRealTime ? 'SIGRTMIN' : `SIGRTMIN+${number - firstRealTime}`
  }
  return String(number)
}

const signalNumbers: Readonly<Record<string, number>> = constants.signals

function parseRealTime(name: string): number | undefined {
  const match = /^SIGRT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name)
  if (!match) return undefined
  const base = match[1] === 'MIN' ? firstRealTime : lastRealTime
  const offset = Number(match[3] ?? 0) * (match[2] === '-' ? -1 : 1)
  const number = base + offset
  return number >= firstRealTime && number <= lastRealTime ? number : undefined
}
