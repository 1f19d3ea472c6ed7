import { TspodError } from '../../base/errors.js'
import type { ContainerRecord } from '../../container/record.js'
import { connectMonitor, type MonitorConnection } from '../../runtime/monitor.js'
import type { Context } from '../context.js'
import { launchLocked, lockForStart, reached } from './start.js'
import { observe } from './observe.js'
import { containerPaths } from './store.js'

/** Makes all of a container but its command: it waits for `start`. Returns the ID. */
export async function initContainer(context: Context, nameOrId: string): Promise<string> {
  const { record, lock } = await lockForStart(context, nameOrId)
  try {
    const { status } = observe(context, record.id)
    if (status !== 'created' && status !== 'exited')
      throw new TspodError(
        'container-state',
        `container ${record.id} has already been created in runtime: container state improper`,
      )
    const connection = await launchLocked(context, record, lock, [], undefined, 'created')
    await leave(connection)
    return record.id
  } finally {
    lock.release()
  }
}

/** The monitor goes on without whoever launched it. */
function leave(connection: MonitorConnection): Promise<void> {
  return new Promise((resolve) => {
    connection.listen({ end: resolve })
    connection.send({ type: 'detach' })
  })
}

/** Lets the command of an initialized container run; resolves with a connection to the monitor once it does. */
export async function startInitialized(context: Context, record: ContainerRecord): Promise<MonitorConnection> {
  const connection = await connectMonitor(containerPaths(context.paths, record.id).socket)
  const started = reached(context, record, connection, 'started')
  connection.send({ type: 'wait' })
  connection.send({ type: 'start' })
  await started
  return connection
}
