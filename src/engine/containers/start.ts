import { TspodError } from '../../base/errors.js'
import type { ContainerRecord } from '../../container/record.js'
import type { MonitorConnection } from '../../runtime/monitor.js'
import type { Lock } from '../../state/lock.js'
import type { Context } from '../context.js'
import { launchError } from './failure.js'
import { writeBundle } from './launch.js'
import { findContainer, lockContainer, noSuchContainer, readRecord } from './store.js'
import type { StreamName } from './types.js'

/**
 * Launches a container whose lock the caller holds; resolves with the connection once it runs. `listen` gets it before
 * anything has come: what the command writes at once follows the word of its start without a pause.
 */
export async function launchLocked(
  context: Context,
  record: ContainerRecord,
  lock: Lock,
  attach: readonly StreamName[],
  listen?: (connection: MonitorConnection) => void,
  upTo: 'created' | 'started' = 'started',
): Promise<MonitorConnection> {
  const { launchMonitor } = await import('../../runtime/monitor.js')
  const bundle = await writeBundle(context, record, { lockFd: lock.fd })
  for (const warning of bundle.warnings) context.log('warn', warning)
  const connection = launchMonitor({ runDir: bundle.runDir, lockFd: lock.fd, attach, createOnly: upTo === 'created' })
  listen?.(connection)
  await reached(context, record, connection, upTo)
  return connection
}

/** Resolves once the monitor says that the container is so far. */
export function reached(
  context: Context,
  record: ContainerRecord,
  connection: MonitorConnection,
  upTo: 'created' | 'started',
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const stop = connection.listen({
      message: (message) => {
        if (message.type === 'warning') context.log('warn', message.message)
        if (message.type === upTo) settle(resolve)
        if (message.type === 'error') settle(() => reject(launchError(message)))
      },
      end: () => {
        const message = `the monitor of ${record.name} ended before the container started`
        settle(() => reject(new TspodError('launch-failed', message, { cause: connection.failure })))
      },
    })
    const settle = (how: () => void): void => {
      stop()
      how()
    }
  })
}

/** The container as it is once its lock is ours. */
export async function lockForStart(
  context: Context,
  nameOrId: string,
): Promise<{ record: ContainerRecord; lock: Lock }> {
  const { id } = findContainer(context, nameOrId)
  const lock = await lockContainer(context, id)
  const record = readRecord(context, id)
  if (record) return { record, lock }
  lock.release({ unlink: true })
  throw noSuchContainer(nameOrId)
}
