import { TspodError } from '../../base/errors.js'
import type { Context } from '../context.js'
import type { HealthStatus } from '../../runtime/protocol.js'
import { observe } from './observe.js'
import { containerPaths, findContainer } from './store.js'

/** What one check found. */
export interface HealthcheckResult {
  readonly status: HealthStatus
  /** -1: it took too long and was killed. */
  readonly exitCode: number
  readonly output: string
}

/** Has the monitor run a container's health check now, which writes down what it found. */
export async function runHealthcheck(context: Context, nameOrId: string): Promise<HealthcheckResult> {
  const record = findContainer(context, nameOrId)
  if (record.spec.healthcheck === undefined)
    throw new TspodError('container-state', `container ${record.id} has no defined healthcheck`)
  const seen = observe(context, record.id)
  if (seen.status !== 'running') throw new TspodError('container-not-running', `container ${record.id} is not running`)
  const { connectMonitor } = await import('../../runtime/monitor.js')
  const connection = await connectMonitor(containerPaths(context.paths, record.id).socket)
  try {
    return await new Promise<HealthcheckResult>((resolve, reject) => {
      connection.listen({
        message: (message) => {
          if (message.type === 'health') resolve(message)
        },
        end: () => reject(new TspodError('container-not-running', `container ${record.id} ended before its check did`)),
      })
      connection.send({ type: 'wait' })
      connection.send({ type: 'check' })
    })
  } finally {
    connection.close()
  }
}
