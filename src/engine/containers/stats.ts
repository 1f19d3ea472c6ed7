import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ContainerRecord } from '../../container/record.js'
import { readText } from '../../state/file.js'
import type { Context } from '../context.js'
import { isUp, observe, observeEach, type Observed } from './observe.js'
import { containerProcesses, ticksPerSecond } from './processes.js'
import { findContainer, listRecords } from './store.js'

/** What a container uses. A member that can't be known here is absent. */
export interface ContainerStats {
  readonly id: string
  readonly name: string
  /** CPU time since the start, in nanoseconds. */
  readonly cpuNanoseconds?: number
  /** Since the last look, or since the start where this is the first. 100 is one CPU. */
  readonly cpuPercent?: number
  readonly averagePercent?: number
  readonly memoryUsage?: number
  /** The container's, or the host's memory where it has none. */
  readonly memoryLimit?: number
  readonly networkInput?: number
  readonly networkOutput?: number
  readonly blockInput?: number
  readonly blockOutput?: number
  readonly pids?: number
  readonly upNanoseconds?: number
}

export interface StatsOptions {
  /** Without names: also those that do not run. */
  readonly all?: boolean
  /** One look, and no more. */
  readonly once?: boolean
  readonly intervalMilliseconds?: number
  readonly signal?: AbortSignal
}

const byDefaultMilliseconds = 5000

interface Sample {
  readonly cpuNanoseconds: number
  readonly at: bigint
}

/** What the containers use, again and again; those that run, or those named. */
export async function* containerStats(
  context: Context,
  names: readonly string[],
  options: StatsOptions = {},
): AsyncGenerator<ContainerStats[]> {
  const named = names.map((name) => findContainer(context, name))
  const last = new Map<string, Sample>()
  for (;;) {
    const records = names.length > 0 ? named : listRecords(context).reverse()
    yield records.flatMap((record) => {
      const seen = names.length > 0 ? observe(context, record.id) : observeEach(context, record.id)
      const wanted = names.length > 0 || options.all === true || (seen !== undefined && isUp(seen))
      return wanted && seen !== undefined ? [statsOf(record, seen, last)] : []
    })
    if (options.once === true) return
    await pause(options.intervalMilliseconds ?? byDefaultMilliseconds, options.signal)
    if (options.signal?.aborted === true) return
  }
}

function statsOf(record: ContainerRecord, seen: Observed, last: Map<string, Sample>): ContainerStats {
  const { id, name } = record
  if (!isUp(seen) || seen.state === undefined || seen.pid === 0) return { id, name }
  const used = usage(seen.state.cgroupPath, seen.pid)
  const at = process.hrtime.bigint()
  const started = Date.parse(seen.state.startedAt)
  const up = Number.isNaN(started) ? undefined : Math.max(1, Date.now() - started) * 1e6
  const average = used.cpuNanoseconds === undefined || up === undefined ? undefined : (used.cpuNanoseconds / up) * 100
  const before = last.get(id)
  const percent =
    before === undefined || used.cpuNanoseconds === undefined
      ? average
      : (Math.max(0, used.cpuNanoseconds - before.cpuNanoseconds) / Math.max(1, Number(at - before.at))) * 100
  if (used.cpuNanoseconds !== undefined) last.set(id, { cpuNanoseconds: used.cpuNanoseconds, at })
  return {
    id,
    name,
    ...used,
    ...(record.spec.network.mode === 'host' ? {} : networkTraffic(seen.pid)),
    ...(percent === undefined ? {} : { cpuPercent: percent }),
    ...(average === undefined ? {} : { averagePercent: average }),
    ...(up === undefined ? {} : { upNanoseconds: up }),
  }
}

type Usage = Pick<
  ContainerStats,
  'cpuNanoseconds' | 'memoryUsage' | 'memoryLimit' | 'blockInput' | 'blockOutput' | 'pids'
>

/** The cgroup's files where there are such; for what they do not tell, the sum over the processes. */
function usage(cgroup: string | undefined, pid: number): Usage {
  const own = cgroup === undefined || cgroup === '' ? {} : cgroupUsage(cgroup)
  const isWhole =
    own.cpuNanoseconds !== undefined &&
    own.memoryUsage !== undefined &&
    own.pids !== undefined &&
    own.blockInput !== undefined
  return { memoryLimit: hostMemory(), ...(isWhole ? {} : processUsage(pid)), ...own }
}

/** cgroup v2: cpu.stat, memory.current, pids.current, io.stat. */
export function cgroupUsage(cgroup: string): Partial<Usage> {
  const read = (name: string): string | undefined => tryRead(join(cgroup, name))
  const microseconds = /^usage_usec (\d+)$/m.exec(read('cpu.stat') ?? '')?.[1]
  const current = numberOf(read('memory.current'))
  /* What the kernel can drop at any time is not use: Docker and Podman leave it out, too. */
  const inactive = Number(/^inactive_file (\d+)$/m.exec(read('memory.stat') ?? '')?.[1] ?? 0)
  const limit = numberOf(read('memory.max'))
  const pids = numberOf(read('pids.current'))
  const io = read('io.stat')
  return {
    ...(microseconds === undefined ? {} : { cpuNanoseconds: Number(microseconds) * 1000 }),
    ...(current === undefined ? {} : { memoryUsage: Math.max(0, current - inactive) }),
    ...(limit === undefined ? {} : { memoryLimit: Math.min(limit, hostMemory()) }),
    ...(pids === undefined ? {} : { pids }),
    ...(io === undefined ? {} : { blockInput: sumOf(io, 'rbytes'), blockOutput: sumOf(io, 'wbytes') }),
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text.trim()) ? Number(text) : undefined
}

function sumOf(text: string, key: string): number {
  return [...text.matchAll(new RegExp(`\\b${key}=(\\d+)`, 'g'))].reduce((sum, [, value]) => sum + Number(value), 0)
}

/** Processes that have ended are counted by those that waited for them. */
function processUsage(pid: number): Usage {
  const processes = containerProcesses(pid)
  const ticks = processes.reduce((sum, { stat }) => sum + stat.userTicks + stat.systemTicks + stat.childTicks, 0)
  return {
    cpuNanoseconds: ticks * (1e9 / ticksPerSecond),
    memoryUsage: processes.reduce((sum, { hostPid, status }) => sum + memoryOf(hostPid, status), 0),
    pids: processes.reduce((sum, { status }) => sum + Number(status['Threads'] ?? 1), 0),
    ...blockUsage(processes.map(({ hostPid }) => hostPid)),
  }
}

/** Shared pages by their share, where the kernel lets us see them. */
function memoryOf(pid: number, status: Readonly<Record<string, string>>): number {
  const rollup = tryRead(`/proc/${String(pid)}/smaps_rollup`)
  const proportional = /^Pss:\s+(\d+) kB$/m.exec(rollup ?? '')?.[1]
  return Number(proportional ?? Number.parseInt(status['VmRSS'] ?? '0', 10)) * 1024
}

/** Unknown as a whole if one process does not tell. */
function blockUsage(pids: readonly number[]): Pick<Usage, 'blockInput' | 'blockOutput'> {
  const texts = pids.map((pid) => tryRead(`/proc/${String(pid)}/io`))
  if (texts.some((text) => text === undefined)) return {}
  const sum = (key: string): number =>
    texts.reduce((total, text) => total + Number(new RegExp(`^${key}: (\\d+)$`, 'm').exec(text ?? '')?.[1] ?? 0), 0)
  return { blockInput: sum('read_bytes'), blockOutput: sum('write_bytes') }
}

/** Of all interfaces of its network namespace but the loopback. */
function networkTraffic(pid: number): Pick<ContainerStats, 'networkInput' | 'networkOutput'> {
  const text = tryRead(`/proc/${String(pid)}/net/dev`)
  return text === undefined ? {} : parseNetDev(text)
}

export function parseNetDev(text: string): { readonly networkInput: number; readonly networkOutput: number } {
  const lines = [...text.matchAll(/^\s*([^\s:]+):\s*(.*)$/gm)].filter(([, name]) => name !== 'lo')
  const column = (index: number): number =>
    lines.reduce((sum, [, , values = '']) => sum + Number(values.split(/\s+/)[index] ?? 0), 0)
  return { networkInput: column(0), networkOutput: column(8) }
}

function hostMemory(): number {
  return Number(/^MemTotal:\s+(\d+) kB$/m.exec(readText('/proc/meminfo') ?? '')?.[1] ?? 0) * 1024
}

/** A file of the kernel's: gone with its process or cgroup, or not there at all. */
function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal?.addEventListener('abort', done)
    if (signal?.aborted === true) done()
  })
}
