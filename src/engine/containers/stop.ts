import { closeSync } from 'node:fs'
import { TspodError } from '../../base/errors.js'
import { parseSignal } from '../../base/signals.js'
import { openProcess, pidfdSendSignal, signalProcess, waitPidfd } from '../../base/syscalls.js'
import type { ContainerRecord } from '../../container/record.js'
import type { ClientMessage } from '../../runtime/protocol.js'
import { hasErrno } from '../../state/file.js'
import type { Context } from '../context.js'
import { emitContainerEvent } from '../events/write.js'
import { thaw } from './freezer.js'
import { isUp, observe, type Observed } from './observe.js'
import { containerPaths, findContainer } from './store.js'
import { killPatienceMilliseconds, stuckError } from './stuck.js'
import type { StopOptions } from './types.js'

const killSignal = 9

/** Stops a container: its stop signal, SIGKILL after its timeout. Nothing happens if it does not run. */
export async function stopContainer(context: Context, nameOrId: string, options: StopOptions = {}): Promise<void> {
  const record = findContainer(context, nameOrId)
  const seen = observe(context, record.id)
  if (!isUp(seen) && seen.status !== 'initialized') {
    /* Between two runs of a restart policy there is a monitor and no process. */
    if (seen.monitored && seen.state?.restarting === true) await stopRunning(context, record, options)
    return
  }
  await stopRunning(context, record, options)
}

/** Stops what runs, by its monitor; where that is gone, by the process itself. Resolves once it has ended. */
export async function stopRunning(
  context: Context,
  record: ContainerRecord,
  options: StopOptions & { readonly signal?: number },
): Promise<void> {
  const timeoutSeconds = options.timeoutSeconds ?? record.spec.stopTimeoutSeconds
  const seen = observe(context, record.id)
  /* Frozen processes hear no signal but the last. */
  if (seen.status === 'paused') thaw(seen.state?.cgroupPath)
  if (!(seen.monitored && (await stopByMonitor(context, record, { ...options, timeoutSeconds }))))
    await stopByProcess(context, record, timeoutSeconds, options.signal)
  emitContainerEvent(context, record, 'stop')
}

/** Sends a signal to process 1. */
export async function killContainer(
  context: Context,
  nameOrId: string,
  signal: string | number = killSignal,
): Promise<void> {
  const record = findContainer(context, nameOrId)
  const number = typeof signal === 'number' ? signal : parseSignal(signal)
  if (number === undefined || number < 1 || number > 64) {
    throw new TspodError('invalid-argument', `invalid signal: ${signal}`)
  }
  const seen = observe(context, record.id)
  if (number === killSignal && isUp(seen) && seen.monitored && record.spec.restart.name !== 'no') {
    /* By the monitor, which then knows that it was meant, and does not start it again. */
    emitContainerEvent(context, record, 'kill', { Attributes: { signal: String(killSignal) } })
    await stopByMonitor(context, record, { timeoutSeconds: 0, signal: killSignal })
    return
  }
  const sent = isUp(seen) && seen.state !== undefined && signalProcess(seen.pid, seen.state.startTime, number)
  if (!sent) {
    throw new TspodError(
      'container-not-running',
      `can only kill running containers. ${record.id} is in state ${seen.status}: container state improper`,
    )
  }
  emitContainerEvent(context, record, 'kill', { Attributes: { signal: String(number) } })
  if (number === killSignal) await waitForEnd(context, record, seen, killPatienceMilliseconds)
}

/**
 * Resolves when process 1 of what was seen has ended and the monitor has written it down or is gone. With a `patience`
 * in milliseconds a process that outlives it is an error.
 */
export async function waitForEnd(
  context: Context,
  record: ContainerRecord,
  seen: Observed,
  patience?: number,
): Promise<void> {
  if (!seen.state) return
  const connection = seen.monitored ? await tryConnect(context, record) : undefined
  if (connection) {
    connection.send({ type: 'wait' })
    if (await endOf(connection, record, seen, patience)) return
  }
  await waitForProcess(seen.pid, seen.state.startTime)
  /* It takes no more calls, or hung up without a word: it is about to end. */
  if (seen.monitored) await waitForProcess(seen.state.monitorPid, seen.state.monitorStartTime)
}

interface Conversation {
  send(message: ClientMessage): void
  /** The run is over (and the container removed, if it was to be); false if the monitor hung up before it said so. */
  readonly ended: Promise<boolean>
  close(): void
}

/** setTimeout's: more becomes none. */
const longestTimer = 2 ** 31 - 1

/** `ended`, unless the process lives on after `patience` milliseconds. */
async function endOf(
  conversation: Conversation,
  record: ContainerRecord,
  seen: Observed,
  patience: number | undefined,
): Promise<boolean> {
  if (patience === undefined) return conversation.ended
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => {
        const error = stuckError(record, seen)
        if (error === undefined) return
        reject(error)
        conversation.close()
      },
      Math.min(patience, longestTimer),
    )
  })
  try {
    return await Promise.race([conversation.ended, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A conversation with the monitor, or undefined if it is gone. */
async function tryConnect(context: Context, record: ContainerRecord): Promise<Conversation | undefined> {
  const { connectMonitor } = await import('../../runtime/monitor.js')
  try {
    const connection = await connectMonitor(containerPaths(context.paths, record.id).socket)
    const ended = new Promise<boolean>((resolve) => {
      connection.listen({
        message: (message) => {
          const last = record.spec.remove ? message.type === 'removed' : message.type === 'exited'
          if (!last) return
          resolve(true)
          connection.close()
        },
        end: () => resolve(false),
      })
    })
    return { send: (message) => connection.send(message), ended, close: () => connection.close() }
  } catch (error) {
    if (error instanceof TspodError && error.code === 'container-not-running') return undefined
    throw error
  }
}

async function stopByMonitor(
  context: Context,
  record: ContainerRecord,
  options: { readonly timeoutSeconds: number; readonly signal?: number },
): Promise<boolean> {
  const connection = await tryConnect(context, record)
  if (!connection) return false
  connection.send({ type: 'wait' })
  connection.send({
    type: 'stop',
    timeoutSeconds: options.timeoutSeconds,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  const { timeoutSeconds } = options
  const patience = timeoutSeconds < 0 ? undefined : timeoutSeconds * 1000 + killPatienceMilliseconds
  await endOf(connection, record, observe(context, record.id), patience)
  const after = observe(context, record.id)
  return !isUp(after)
}

async function stopByProcess(
  context: Context,
  record: ContainerRecord,
  timeoutSeconds: number,
  signal: number = record.spec.stopSignal,
): Promise<void> {
  const seen = observe(context, record.id)
  const { pid, state } = seen
  if (!isUp(seen) || !state) return
  const pidfd = openProcess(pid, state.startTime)
  if (pidfd === undefined) return waitForProcess(state.monitorPid, state.monitorStartTime)
  try {
    sendSignal(pidfd, signal)
    const patience = timeoutSeconds < 0 ? undefined : Math.min(timeoutSeconds * 1000, longestTimer)
    if (await waitPidfd(pidfd, patience)) return
    context.log(
      'warn',
      `StopSignal ${signal} failed to stop container ${record.name} in ${timeoutSeconds} seconds, resorting to SIGKILL`,
    )
    sendSignal(pidfd, killSignal)
    if (await waitPidfd(pidfd, killPatienceMilliseconds)) return
    const error = stuckError(record, seen)
    if (error !== undefined) throw error
  } finally {
    closeSync(pidfd)
  }
}

function sendSignal(pidfd: number, signal: number): void {
  try {
    pidfdSendSignal(pidfd, signal)
  } catch (error) {
    if (!hasErrno(error, 'ESRCH')) throw error
  }
}

async function waitForProcess(pid: number, startTime: string): Promise<void> {
  const pidfd = openProcess(pid, startTime)
  if (pidfd === undefined) return
  try {
    await waitPidfd(pidfd)
  } finally {
    closeSync(pidfd)
  }
}
