import type { ProgressEvent } from '../../index.js'
import { writeError } from './write.js'
import { humanSize } from './units.js'

/** Shows what takes a while, on stderr. Give `onEvent` to the engine as `onProgress`; call `stop` when it is over. */
export interface Progress {
  readonly onEvent: (event: ProgressEvent) => void
  stop(): void
}

/** A spinner where a person looks on, a line per finished step elsewhere, nothing when `quiet`. */
export async function startProgress({ quiet = false }: { readonly quiet?: boolean } = {}): Promise<Progress> {
  if (quiet) return { onEvent: () => {}, stop: () => {} }
  const { isatty } = await import('node:tty')
  return isatty(2) && process.env['TERM'] !== 'dumb' ? spinner() : lines()
}

function lines(): Progress {
  const announced = new Map<string, string>()
  return {
    onEvent({ id, action, done }) {
      if (announced.get(id) === action && done !== true) return
      announced.set(id, action)
      if (done === true || announced.size < 500) writeError(`${describe({ id, action })}\n`)
    },
    stop: () => {},
  }
}

async function spinner(): Promise<Progress> {
  const { default: ora } = await import('ora')
  const running = new Map<string, ProgressEvent>()
  const display = ora({ stream: process.stderr, discardStdin: false })
  return {
    onEvent(event) {
      if (event.done === true) {
        running.delete(event.id)
        display.stopAndPersist({ symbol: ' ', text: describe(event) })
      } else running.set(event.id, event)
      if (running.size === 0) return
      display.text = [...running.values()].slice(-8).map(describeWithSize).join('\n  ')
      if (!display.isSpinning) display.start()
    },
    stop() {
      display.stop()
    },
  }
}

function describe({ id, action }: Pick<ProgressEvent, 'id' | 'action'>): string {
  return id === '' ? action : `${action} ${id}`
}

function describeWithSize(event: ProgressEvent): string {
  const { current, total } = event
  if (current === undefined) return describe(event)
  const of =
    total === undefined || total === 0 ? '' : ` / ${humanSize(total, 3)} (${Math.floor((100 * current) / total)}%)`
  return `${describe(event)}  ${humanSize(current, 3)}${of}`
}
