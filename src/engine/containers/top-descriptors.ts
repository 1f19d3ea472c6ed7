import { readFileSync, readlinkSync } from 'node:fs'
import { allCapabilities } from '../../container/capabilities.js'
import { goDuration } from '../../base/go-duration.js'
import { readText } from '../../state/file.js'
import type { ContainerIds } from './proc-users.js'
import { namesOf } from './proc-users.js'
import { type ContainerProcess, ticksPerSecond } from './processes.js'

/** What a cell may look at beside its process. */
export interface Surroundings {
  readonly ids: ContainerIds
  readonly uptimeSeconds: number
  readonly now: Date
}

export interface Descriptor {
  readonly heading: string
  /** ps(1)'s AIX format descriptor. */
  readonly short?: string
  readonly cell: (process: Row, around: Surroundings) => string
}

/** `parent`: in the container's numbering, 0 if it is outside. */
export type Row = ContainerProcess & { readonly parent: number }

const nanosecondsPerTick = 1e9 / ticksPerSecond

/** Podman's names and headings, those of ps(1) for AIX and some more. */
export const descriptors: Readonly<Record<string, Descriptor>> = {
  args: { heading: 'COMMAND', short: '%a', cell: commandLine },
  capamb: { heading: 'AMBIENT CAPS', cell: ({ status }) => capabilityText(status['CapAmb']) },
  capbnd: { heading: 'BOUNDING CAPS', cell: ({ status }) => capabilityText(status['CapBnd']) },
  capeff: { heading: 'EFFECTIVE CAPS', cell: ({ status }) => capabilityText(status['CapEff']) },
  capinh: { heading: 'INHERITED CAPS', cell: ({ status }) => capabilityText(status['CapInh']) },
  capprm: { heading: 'PERMITTED CAPS', cell: ({ status }) => capabilityText(status['CapPrm']) },
  comm: { heading: 'COMMAND', short: '%c', cell: ({ stat }) => stat.name },
  etime: { heading: 'ELAPSED', short: '%x', cell: (row, around) => goDuration(Math.round(elapsed(row, around) * 1e9)) },
  group: { heading: 'GROUP', short: '%G', cell: ({ status }, { ids }) => ids.group(idOf(status['Gid'], 1)) },
  groups: {
    heading: 'GROUPS',
    cell: ({ status }, { ids }) => numbers(status['Groups']).map(ids.group).join(','),
  },
  hgroup: { heading: 'HGROUP', cell: ({ status }) => hostName('group', idOf(status['Gid'], 1)) },
  hgroups: {
    heading: 'HGROUPS',
    cell: ({ status }) =>
      numbers(status['Groups'])
        .map((gid) => hostName('group', gid))
        .join(','),
  },
  hpid: { heading: 'HPID', cell: ({ hostPid }) => String(hostPid) },
  huser: { heading: 'HUSER', cell: ({ status }) => hostName('passwd', idOf(status['Uid'], 1)) },
  label: { heading: 'LABEL', cell: securityLabel },
  nice: { heading: 'NI', short: '%n', cell: ({ stat }) => String(stat.nice) },
  pcpu: { heading: '%CPU', short: '%C', cell: cpuShare },
  pgid: { heading: 'PGID', short: '%r', cell: ({ status }) => String(numbers(status['NSpgid']).at(-1) ?? 0) },
  pid: { heading: 'PID', short: '%p', cell: ({ pid }) => String(pid) },
  ppid: { heading: 'PPID', short: '%P', cell: ({ parent }) => String(parent) },
  rgroup: { heading: 'RGROUP', short: '%g', cell: ({ status }, { ids }) => ids.group(idOf(status['Gid'], 0)) },
  rss: { heading: 'RSS', cell: ({ status }) => String(numbers(status['VmRSS']?.replace(' kB', ''))[0] ?? 0) },
  ruser: { heading: 'RUSER', short: '%u', cell: ({ status }, { ids }) => ids.user(idOf(status['Uid'], 0)) },
  seccomp: { heading: 'SECCOMP', cell: ({ status }) => seccompModes[Number(status['Seccomp'] ?? 0)] ?? '?' },
  state: { heading: 'STATE', cell: ({ stat }) => stat.state },
  stime: {
    heading: 'STIME',
    cell: (row, around) => new Date(around.now.getTime() - elapsed(row, around) * 1000).toISOString().slice(0, 19),
  },
  time: {
    heading: 'TIME',
    short: '%t',
    cell: ({ stat }) => goDuration((stat.userTicks + stat.systemTicks) * nanosecondsPerTick),
  },
  tty: { heading: 'TTY', short: '%y', cell: ({ stat }) => terminalName(stat.tty) },
  user: { heading: 'USER', short: '%U', cell: ({ status }, { ids }) => ids.user(idOf(status['Uid'], 1)) },
  vsz: { heading: 'VSZ', short: '%z', cell: ({ stat }) => String(Math.floor(stat.virtualSize / 1024)) },
}

const seccompModes = ['disabled', 'strict', 'filter']

/** A thread of the kernel and a zombie have no arguments: then the name in brackets, as ps(1) shows it. */
function commandLine({ hostPid, stat }: Row): string {
  try {
    const words = readFileSync(`/proc/${String(hostPid)}/cmdline`, 'utf8').split('\0')
    const text = words.join(' ').trim()
    if (text !== '') return text
  } catch {
    /* Ended meanwhile. */
  }
  return `[${stat.name}]`
}

function securityLabel({ hostPid }: Row): string {
  try {
    return (
      readFileSync(`/proc/${String(hostPid)}/attr/current`, 'latin1')
        .replace(/\0/g, '')
        .trim() || '?'
    )
  } catch {
    return '?' // no security module that labels
  }
}

function elapsed({ stat }: Row, { uptimeSeconds }: Surroundings): number {
  return Math.max(0, uptimeSeconds - stat.startTicks / ticksPerSecond)
}

function cpuShare(row: Row, around: Surroundings): string {
  const seconds = elapsed(row, around)
  const used = (row.stat.userTicks + row.stat.systemTicks) / ticksPerSecond
  return (seconds > 0 ? (used / seconds) * 100 : 0).toFixed(3)
}

/** `Uid:` and `Gid:` are real, effective, saved and of the file system. */
function idOf(text: string | undefined, index: number): number {
  return numbers(text)[index] ?? -1
}

function numbers(text: string | undefined): number[] {
  return (text ?? '')
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(Number)
}

function hostName(file: 'passwd' | 'group', id: number): string {
  return namesOf(readText(`/etc/${file}`) ?? '').get(id) ?? String(id)
}

/** `full` is what a process has that nothing was taken from. */
function capabilityText(hex: string | undefined): string {
  const set = BigInt(/^[0-9a-f]+$/.test(hex ?? '') ? `0x${hex ?? '0'}` : '0x0')
  if (set === 0n) return 'none'
  const names = allCapabilities.filter((_, number) => (set >> BigInt(number)) & 1n)
  return names.length === allCapabilities.length ? 'full' : names.map((name) => name.replace(/^CAP_/, '')).join(',')
}

/** The device's number, as proc_pid_stat(5) packs it. */
function terminalName(device: number): string {
  if (device === 0) return '?'
  const major = (device >> 8) & 0xfff
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00)
  if (major >= 136 && major <= 143) return `pts/${String((major - 136) * 256 + minor)}`
  if (major === 4) return minor < 64 ? `tty${String(minor)}` : `ttyS${String(minor - 64)}`
  return nameOfDevice(major, minor)
}

function nameOfDevice(major: number, minor: number): string {
  try {
    return (
      readlinkSync(`/sys/dev/char/${String(major)}:${String(minor)}`)
        .split('/')
        .at(-1) ?? '?'
    )
  } catch {
    return '?'
  }
}
