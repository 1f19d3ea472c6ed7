import type { ResolvedMount } from '../../container/oci-config/mounts.js'
import { TspodError } from '../../base/errors.js'
import type { MonitorConnection } from '../../runtime/monitor.js'
import { writeBundle } from '../containers/launch.js'
import { launchError } from '../containers/failure.js'
import type { StepRoot } from './fresh-layer.js'
import type { ReportedStep } from './report.js'
import { runRecord, type RunCommand } from './run-record.js'
import type { Session } from './session.js'

/** How a command ended that was started: its exit status, and the end of what it wrote. */
export interface RunEnd {
  readonly status: number
  readonly lastOutput: string
}

const keptOutput = 16 * 1024
const killSignal = 9

/** Runs a command on a step's root, in a container of its own that ends with this process. */
export async function runInStep(
  session: Session,
  command: RunCommand,
  { rootfs, place }: StepRoot,
  mounts: readonly ResolvedMount[],
  step: ReportedStep,
): Promise<RunEnd> {
  const { context, workspace, report, signal } = session
  signal.throwIfAborted()
  const record = await runRecord(session, command)
  const bundle = await writeBundle(context, record, {
    step: { folder: place.aside, run: workspace.runFolder(), rootfs, mounts },
  })
  for (const warning of bundle.warnings) report.warning(warning)
  const { launchMonitor } = await import('../../runtime/monitor.js')
  const connection = launchMonitor({ runDir: bundle.runDir, attach: ['stdout', 'stderr'] })
  const kill = (): void => connection.send({ type: 'signal', signal: killSignal })
  signal.addEventListener('abort', kill, { once: true })
  try {
    const end = await endOf(connection, step, kill, signal)
    signal.throwIfAborted()
    return end
  } finally {
    signal.removeEventListener('abort', kill)
    connection.close()
  }
}

function endOf(
  connection: MonitorConnection,
  step: ReportedStep,
  kill: () => void,
  signal: AbortSignal,
): Promise<RunEnd> {
  const tail = new Tail(keptOutput)
  let status: number | undefined
  let failure: TspodError | undefined
  return new Promise((resolve, reject) => {
    connection.listen({
      output: (stream, data) => {
        /* The receive buffer's bytes are its own. */
        const bytes = Buffer.from(data)
        tail.add(bytes)
        step.output(stream, bytes)
      },
      message: (message) => {
        /* Asked to end before it had begun. */
        if (message.type === 'started' && signal.aborted) kill()
        if (message.type === 'exited') ({ status } = message)
        if (message.type === 'error') failure ??= launchError(message)
      },
      end: () => {
        if (failure !== undefined) reject(failure)
        else if (status !== undefined) resolve({ status, lastOutput: tail.text() })
        else {
          const cause = connection.failure
          reject(new TspodError('launch-failed', 'the monitor of a step ended before its command did', { cause }))
        }
      },
    })
  })
}

/** The last bytes of what goes by. */
class Tail {
  readonly #room: number
  #chunks: Buffer[] = []
  #length = 0

  constructor(room: number) {
    this.#room = room
  }

  add(bytes: Buffer): void {
    this.#chunks.push(bytes)
    this.#length += bytes.length
    for (let first = this.#chunks[0]; first !== undefined; first = this.#chunks[0]) {
      if (this.#length - first.length < this.#room) break
      this.#length -= first.length
      this.#chunks.shift()
    }
  }

  text(): string {
    return Buffer.concat(this.#chunks).subarray(-this.#room).toString('utf8')
  }
}
