import { TspodError } from '../../base/errors.js'
import { connectMonitor } from '../../runtime/monitor.js'
import type { ClientMessage, MonitorMessage } from '../../runtime/protocol.js'
import type { Context } from '../context.js'
import { containerPaths } from './store.js'

const killSignal = 9

/** Lets the monitor of a container write its state.json anew; false if nobody watches the container. */
export function saveStateAgain(context: Context, id: string): Promise<boolean> {
  return ask(context, id, { type: 'update' }, 'updated')
}

/** Ends a container whose state can't be read; resolves once it has ended. Without a monitor nothing is done. */
export async function endUnobserved(context: Context, id: string): Promise<void> {
  await ask(context, id, { type: 'stop', timeoutSeconds: 0, signal: killSignal }, 'exited')
}

/** Whether the answer came before the monitor hung up. */
async function ask(
  context: Context,
  id: string,
  message: ClientMessage,
  answer: MonitorMessage['type'],
): Promise<boolean> {
  try {
    const connection = await connectMonitor(containerPaths(context.paths, id).socket)
    const answered = new Promise<boolean>((resolve) => {
      connection.listen({
        message: ({ type }) => {
          if (type === answer || type === 'error') resolve(type === answer)
        },
        end: () => resolve(false),
      })
    })
    connection.send({ type: 'wait' })
    connection.send(message)
    const result = await answered
    connection.close()
    return result
  } catch (error) {
    if (error instanceof TspodError && (error.code === 'container-not-running' || error.code === 'io')) return false
    throw error
  }
}
