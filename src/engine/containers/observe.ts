import { processIsAlive } from '../../base/syscalls.js'
import type { ContainerRecord } from '../../container/record.js'
import type { ObservedState } from '../../runtime/protocol.js'
import { parseJson, readJson, readText } from '../../state/file.js'
import type { Context } from '../context.js'
import { isFrozen } from './freezer.js'
import { containerPaths, tellLeftOut } from './store.js'
import type { ContainerStatus } from './types.js'

/** A container's state as it is: what the monitor wrote, compared with what lives. */
export interface Observed {
  readonly status: ContainerStatus
  /** Absent before the first start. */
  readonly state?: ObservedState
  /** Whether the monitor is there to be talked to. */
  readonly monitored: boolean
  /** Process 1 in the host's numbering, 0 if there is none. */
  readonly pid: number
}

/** Reads and judges the state of a container. */
export function observe(context: Context, id: string): Observed {
  const path = containerPaths(context.paths, id).state
  for (let attempt = 0; ; attempt++) {
    const state = parseState(readJson(path))
    const seen = judge(state)
    /* The end of a process is seen before the monitor has written it down. */
    if (!isBetween(seen) || attempt >= 1) return seen
  }
}

/** The same for lists: one whose state can't be read is told, and hides no other. */
export function observeEach(context: Context, id: string): Observed | undefined {
  try {
    return observe(context, id)
  } catch (error) {
    tellLeftOut(context, id, error)
    return undefined
  }
}

/** The same of a text that was just read; undefined stands for no file. */
export function observeText(context: Context, id: string, text: string | undefined): Observed {
  const path = containerPaths(context.paths, id).state
  const seen = judge(parseState(text === undefined ? undefined : parseJson(text, path)))
  return isBetween(seen) ? observe(context, id) : seen
}

export function observeRecord(context: Context, record: Pick<ContainerRecord, 'id'>): Observed {
  return observe(context, record.id)
}

function isBetween({ state, status }: Observed): boolean {
  return state?.status === 'running' && !isUp({ status })
}

function judge(state: ObservedState | undefined): Observed {
  if (!state) return { status: 'created', monitored: false, pid: 0 }
  const sameBoot = state.bootId === bootId()
  const isMonitored = (): boolean => sameBoot && processIsAlive(state.monitorPid, state.monitorStartTime)
  if (state.status === 'exited') return ended(state, isMonitored)
  const monitored = isMonitored()
  if (state.status === 'created') {
    const waits = monitored && state.pid > 0
    return { status: waits ? 'initialized' : 'created', state, monitored, pid: waits ? state.pid : 0 }
  }
  const alive = sameBoot && state.status === 'running' && processIsAlive(state.pid, state.startTime)
  if (alive) return { status: isFrozen(state.cgroupPath) ? 'paused' : 'running', state, monitored, pid: state.pid }
  /* Between the process's end and the monitor's word the container still counts as running. */
  if (state.status === 'running' && monitored) return { status: 'running', state, monitored, pid: state.pid }
  return { status: 'exited', state, monitored, pid: 0 }
}

/** Few want to know whether the monitor of an ended container is there, and a process that is gone is slow to miss. */
function ended(state: ObservedState, isMonitored: () => boolean): Observed {
  let known: boolean | undefined
  return {
    status: 'exited',
    state,
    get monitored() {
      return (known ??= isMonitored())
    },
    pid: 0,
  }
}

/** Whether it has processes, be they frozen. */
export function isUp({ status }: Pick<Observed, 'status'>): boolean {
  return status === 'running' || status === 'paused'
}

/** The exit status: what was written, or 137 where the monitor was gone before it could write. */
export function exitCodeOf({ status, state }: Observed): number | undefined {
  if (status !== 'exited' || !state) return undefined
  return state.status === 'exited' ? (state.exitCode ?? 0) : 137
}

let knownBootId: string | undefined

/** A new one with every start of the kernel. */
export function bootId(): string {
  knownBootId ??= (readText('/proc/sys/kernel/random/boot_id') ?? '').trim()
  return knownBootId
}

/** `state.json` as far as a reader depends on it. */
export function parseState(value: unknown): ObservedState | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const state = value as ObservedState
  const known = state.status === 'created' || state.status === 'running' || state.status === 'exited'
  return known && Number.isSafeInteger(state.pid) && Number.isSafeInteger(state.monitorPid) ? state : undefined
}
