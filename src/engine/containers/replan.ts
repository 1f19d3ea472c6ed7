import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { ContainerRecord } from '../../container/record.js'
import type { LaunchPlan } from '../../runtime/protocol.js'
import type { MonitorConnection } from '../../runtime/monitor.js'
import { readJson, writeFileAtomic } from '../../state/file.js'
import type { Context } from '../context.js'
import { healthPlan } from './health-plan.js'
import { containerPaths } from './store.js'

/** launch.json is written anew, and the monitor, if there is one, takes over what it may. */
export async function tellMonitor(context: Context, record: ContainerRecord): Promise<void> {
  const { run, socket } = containerPaths(context.paths, record.id)
  const connection = await tryConnect(socket)
  if (connection === undefined) return
  try {
    if (rewritePlan(context, record, join(run, 'launch.json'))) await update(connection)
  } finally {
    connection.close()
  }
}

function rewritePlan(context: Context, record: ContainerRecord, path: string): boolean {
  const plan = readJson(path)
  if (typeof plan !== 'object' || plan === null) return false
  const { healthcheck: _, remove, ...rest } = plan as Record<string, unknown> & Pick<LaunchPlan, 'remove'>
  const changed: Partial<LaunchPlan> = {
    name: record.name,
    restart: record.spec.restart,
    ...healthPlan(record),
    ...(remove === undefined ? {} : { remove: { ...remove, links: [join(context.paths.names, record.name)] } }),
  }
  writeFileAtomic(path, JSON.stringify({ ...rest, ...changed }))
  return true
}

function update(connection: MonitorConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.listen({
      message: (message) => {
        if (message.type === 'updated') resolve()
        if (message.type === 'error') reject(new TspodError('internal', `the monitor refused: ${message.message}`))
      },
      end: resolve,
    })
    connection.send({ type: 'wait' })
    connection.send({ type: 'update' })
  })
}

/** Undefined if it has just ended: the next start reads what was recorded. */
async function tryConnect(socket: string): Promise<MonitorConnection | undefined> {
  const { connectMonitor } = await import('../../runtime/monitor.js')
  try {
    return await connectMonitor(socket)
  } catch (error) {
    if (error instanceof TspodError && error.code === 'container-not-running') return undefined
    throw error
  }
}
