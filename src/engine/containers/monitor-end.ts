import { TspodError } from '../../base/errors.js'
import type { ContainerRecord } from '../../container/record.js'
import { connectMonitor } from '../../runtime/monitor.js'
import type { Context } from '../context.js'
import { containerPaths } from './store.js'

/** Waits for the end of a run by its monitor; its exit status, or undefined if the monitor went away without a word. */
export async function exitOf(context: Context, record: ContainerRecord): Promise<number | undefined> {
  try {
    const connection = await connectMonitor(containerPaths(context.paths, record.id).socket)
    return await new Promise<number | undefined>((resolve) => {
      let status: number | undefined
      connection.listen({
        message: (message) => {
          if (message.type === 'exited') status = message.status
          const last = record.spec.remove ? message.type === 'removed' : message.type === 'exited'
          if (last) connection.close()
        },
        end: () => resolve(status),
      })
      connection.send({ type: 'wait' })
    })
  } catch (error) {
    if (error instanceof TspodError && error.code === 'container-not-running') return undefined
    throw error
  }
}
