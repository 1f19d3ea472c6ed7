import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** A process of a container, as /proc shows it. Times in clock ticks since boot, sizes in bytes. */
export interface ContainerProcess {
  /** In the host's numbering, and in the container's. */
  readonly hostPid: number
  readonly pid: number
  readonly hostParent: number
  readonly stat: Stat
  readonly status: Readonly<Record<string, string>>
}

export interface Stat {
  readonly name: string
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly tty: number
  readonly userTicks: number
  readonly systemTicks: number
  readonly childTicks: number
  readonly nice: number
  readonly startTicks: number
  readonly virtualSize: number
  readonly residentPages: number
}

/** USER_HZ, which the kernel's interfaces count in on every architecture that Node runs on. */
export const ticksPerSecond = 100

/**
 * The processes of the PID namespace that process 1 of a container lives in, and of those made in it. In the host's PID
 * namespace, its descendants. Those that end while we look are left out.
 */
export function containerProcesses(first: number): ContainerProcess[] {
  const leader = readProcess(first)
  if (leader === undefined) return []
  const own = namespaceOf(first)
  const isShared = own === namespaceOf(process.pid)
  const level = numbersOf(leader).length - 1
  const all = numbersIn('/proc').flatMap((pid) => readProcess(pid) ?? [])
  const members = new Set([first])
  const belongs = (process: ContainerProcess): boolean =>
    members.has(process.hostParent) || (!isShared && namespaceOf(process.hostPid) === own)
  let grown = true
  while (grown) {
    grown = false
    for (const process of all) {
      if (members.has(process.hostPid) || !belongs(process)) continue
      members.add(process.hostPid)
      grown = true
    }
  }
  return all
    .filter(({ hostPid }) => members.has(hostPid))
    .map((process) => ({ ...process, pid: numbersOf(process)[level] ?? process.hostPid }))
    .sort((one, other) => one.pid - other.pid)
}

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${String(pid)}/ns/pid`)
  } catch {
    /* Gone, or not ours to look at: then it is in nobody's container of ours. */
    return ''
  }
}

/** Its number in each PID namespace, from ours inwards. */
function numbersOf({ status }: ContainerProcess): number[] {
  return (status['NSpid'] ?? '').split(/\s+/).map(Number)
}

function numbersIn(folder: string): number[] {
  return readdirSync(folder).flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
}

function readProcess(pid: number): ContainerProcess | undefined {
  try {
    const stat = parseStat(readFileSync(`/proc/${String(pid)}/stat`, 'latin1'))
    const status = parseStatus(readFileSync(`/proc/${String(pid)}/status`, 'latin1'))
    return { hostPid: pid, pid, hostParent: stat.parent, stat, status }
  } catch {
    return undefined // ended
  }
}

/** proc_pid_stat(5): the name may have anything in it, but ends at the last parenthesis. */
export function parseStat(text: string): Stat {
  const end = text.lastIndexOf(')')
  const fields = text.slice(end + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3] ?? 0)
  return {
    name: text.slice(text.indexOf('(') + 1, end),
    state: fields[0] ?? '?',
    parent: field(4),
    group: field(5),
    tty: field(7),
    userTicks: field(14),
    systemTicks: field(15),
    childTicks: field(16) + field(17),
    nice: field(19),
    startTicks: field(22),
    virtualSize: field(23),
    residentPages: field(24),
  }
}

/** `Name:\tvalue` lines. */
export function parseStatus(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf(':')
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1).trim()]]
    }),
  )
}
