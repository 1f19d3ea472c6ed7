import { constants } from 'node:os'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs work that can be aborted until it is over or this process is asked to end: then it is aborted, and the process ends
 * as one that the signal has killed, once the work has cleared up. A second signal does not wait for that.
 */
export async function untilInterrupted(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const controller = new AbortController()
  let received: (typeof signals)[number] | undefined
  const interrupt = (name: (typeof signals)[number]): void => {
    if (received !== undefined) process.exit(statusOf(received))
    received = name
    controller.abort(new Error(`interrupted by ${name}`))
  }
  for (const name of signals) process.on(name, interrupt)
  try {
    const status = await work(controller.signal)
    return received === undefined ? status : statusOf(received)
  } catch (error) {
    if (received === undefined) throw error
    return statusOf(received)
  } finally {
    for (const name of signals) process.off(name, interrupt)
  }
}

function statusOf(name: (typeof signals)[number]): number {
  return 128 + constants.signals[name]
}
