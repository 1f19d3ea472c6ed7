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

/** Linux has the same numbers wherever Node runs; node:os, which knows them, too, is slow to load. Aliases come second. */
const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGIOT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPOLL: 29,
  SIGPWR: 30,
  SIGSYS: 31,
}

function parseRealTime(name: string): number | undefined {
  const match = /^SIGRT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name)
  if (!match) return undefined
  const base = match[1] === 'MIN' ? firstRealTime : lastRealTime
  const offset = Number(match[3] ?? 0) * (match[2] === '-' ? -1 : 1)
  const number = base + offset
  return number >= firstRealTime && number <= lastRealTime ? number : undefined
}
