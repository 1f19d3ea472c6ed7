import { TspodError } from '../../base/errors.js'
import type { ContainerRecord } from '../../container/record.js'
import type { HealthStatus } from '../../runtime/protocol.js'
import type { Context } from '../context.js'
import { emitContainerEvent } from '../events/write.js'
import { healthStatus } from './health.js'
import { exitCodeOf, isUp, observe, type Observed } from './observe.js'
import { becomeLauncher } from './run.js'
import { launchLocked, lockForStart } from './start.js'
import { findContainer, noSuchContainer, readRecord } from './store.js'
import { stopContainer, waitForEnd } from './stop.js'
import type { ForegroundResult, StartOptions, StopOptions, StreamName, WaitCondition, WaitOptions } from './types.js'

/** Starts a container; resolves once its command runs. One that runs already is left alone. */
export async function startContainer(context: Context, nameOrId: string): Promise<void> {
  const { record, lock } = await lockForStart(context, nameOrId)
  try {
    const { status } = requireUnpaused(context, record)
    if (status === 'running') return
    const { startInitialized } = await import('./init.js')
    const connection =
      status === 'initialized' ? await startInitialized(context, record) : await launchLocked(context, record, lock, [])
    connection.close()
  } finally {
    lock.release()
  }
}

/** `start -a`: becomes the client of the container, which is started if it does not run. */
export async function startInPlace(
  context: Context,
  nameOrId: string,
  options: StartOptions,
): Promise<ForegroundResult> {
  const { record, lock } = await lockForStart(context, nameOrId)
  const { status } = requireUnpaused(context, record)
  if (status === 'running' || status === 'initialized') {
    lock.release()
    const { attachInPlace } = await import('./attach.js')
    return attachInPlace(context, record.id, { ...options, start: true, stdin: options.interactive === true })
  }
  const attach: StreamName[] = [...(options.interactive === true ? (['stdin'] as const) : []), 'stdout', 'stderr']
  return becomeLauncher(context, { record, lock }, { ...options, attach })
}

/** Stops and starts again. */
export async function restartContainer(context: Context, nameOrId: string, options: StopOptions = {}): Promise<void> {
  const record = findContainer(context, nameOrId)
  emitContainerEvent(context, record, 'restart')
  await stopContainer(context, record.id, options)
  await startContainer(context, record.id)
}

const pollMilliseconds = 250

/** Waits until a container is in one of the conditions; its exit status, or -1 for a condition without one. */
export async function waitContainer(context: Context, nameOrId: string, options: WaitOptions = {}): Promise<number> {
  const record = findContainer(context, nameOrId)
  const conditions = options.conditions ?? ['stopped']
  const ends = conditions.every((condition) => condition === 'stopped' || condition === 'exited')
  requireHealthcheck(record, conditions)
  for (;;) {
    options.signal?.throwIfAborted()
    const seen = observe(context, record.id)
    const exists = readRecord(context, record.id) !== undefined
    if (
      conditions.some((condition) => isMet(condition, seen.status, exists, () => healthStatus(context, record, seen)))
    )
      return exitCodeOf(seen) ?? (ends && !exists ? 0 : -1)
    if (!exists) throw noSuchContainer(nameOrId)
    if (ends && isUp(seen)) {
      const code = await endOf(context, record)
      if (code !== undefined) return code
    } else await pause(options.intervalMilliseconds ?? pollMilliseconds)
  }
}

/** Without one it would be waited for in vain. */
function requireHealthcheck(record: ContainerRecord, conditions: readonly WaitCondition[]): void {
  const health = conditions.find((condition) => condition === 'healthy' || condition === 'unhealthy')
  if (health === undefined || record.spec.healthcheck?.command !== undefined) return
  throw new TspodError(
    'invalid-argument',
    `cannot wait until container ${record.name} is ${health}: it has no health check`,
  )
}

function isMet(
  condition: WaitCondition,
  status: string,
  exists: boolean,
  health: () => HealthStatus | undefined,
): boolean {
  switch (condition) {
    case 'healthy':
    case 'unhealthy':
      return health() === condition
    case 'configured':
      return status === 'created'
    case 'stopped':
      return !exists || status === 'exited' || status === 'created'
    case 'exited':
      return !exists || status === 'exited'
    case 'removing':
      return !exists
    default:
      return condition === status
  }
}

/** The exit status as the monitor tells it, which is all that is left of a container that goes with its end. */
async function endOf(context: Context, record: ContainerRecord): Promise<number | undefined> {
  const { exitOf } = await import('./monitor-end.js')
  const code = await exitOf(context, record)
  if (code !== undefined) return code
  await waitForEnd(context, record, observe(context, record.id))
  return exitCodeOf(observe(context, record.id))
}

function requireUnpaused(context: Context, record: ContainerRecord): Observed {
  const seen = observe(context, record.id)
  if (seen.status !== 'paused') return seen
  throw new TspodError(
    'container-state',
    `unable to start container ${record.id}: it is paused, "tspod unpause ${record.name}" lets it go on: container state improper`,
  )
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
