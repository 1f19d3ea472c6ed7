import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { processIsAlive } from '../../base/syscalls.js'
import type { ContainerRecord } from '../../container/record.js'
import type { Observed } from './observe.js'

/** How long after SIGKILL a process may take: only one that sleeps in the kernel takes more than a moment. */
export const killPatienceMilliseconds = 10_000

/**
 * What to tell who waits for a container that SIGKILL did not end: nothing can end a process that waits for a device or
 * a file server. Undefined if it has ended after all, and only what follows takes its time.
 */
export function stuckError(record: ContainerRecord, { pid, state }: Observed): TspodError | undefined {
  if (state === undefined || !processIsAlive(pid, state.startTime)) return undefined
  const asleep = processesOf(pid, state.cgroupPath).filter(isUninterruptible)
  const who = asleep.length === 0 ? `process ${String(pid)} did` : `${asleep.map(nameOf).join(' and ')} did`
  const why =
    asleep.length === 0 ? '' : ', uninterruptible in a call of the kernel: a device or a file server does not answer'
  return new TspodError(
    'container-running',
    `container ${record.name} does not end: ${who} not die of SIGKILL in ${String(killPatienceMilliseconds / 1000)} seconds${why}`,
  )
}

function processesOf(pid: number, cgroupPath: string | undefined): string[] {
  const listed = cgroupPath === undefined ? '' : readProc(join(cgroupPath, 'cgroup.procs'))
  const pids = listed.split('\n').filter((line) => /^[1-9]\d*$/.test(line))
  return pids.length === 0 ? [String(pid)] : pids
}

/** proc_pid_stat(5): the state follows the name, which may hold anything. */
function isUninterruptible(pid: string): boolean {
  const stat = readProc(`/proc/${pid}/stat`)
  return stat.startsWith('D', stat.lastIndexOf(')') + 2)
}

function nameOf(pid: string): string {
  const name = readProc(`/proc/${pid}/comm`).trim()
  return `process ${pid} (${name.replace(/[\p{Cc}\p{Cf}]/gu, '?')})`
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // ended meanwhile
  }
}
