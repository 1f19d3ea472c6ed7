import { drawsOnTerminal } from '../terminal.js'
import type { Ora } from 'ora'
import type { ProgressEvent } from '../../index.js'
import { writeError } from './write.js'
import { humanSize } from './units.js'

/** Shows what takes a while, on stderr. Give `onEvent` to the engine as `onProgress`; call `stop` when it is over. */
export interface Progress {
  readonly onEvent: (event: ProgressEvent) => void
  stop(): void
}

/** A spinner where a person looks on, a line for each step elsewhere. Nothing is loaded before the first event. */
export function startProgress(): Progress {
  let display: Progress | undefined
  return {
    onEvent(event) {
      display ??= drawsOnTerminal() ? spinner() : lines()
      display.onEvent(event)
    },
    stop: () => display?.stop(),
  }
}

function lines(): Progress {
  const announced = new Map<string, string>()
  return {
    onEvent({ id, action }) {
      if (announced.get(id) === action) return
      announced.set(id, action)
      writeError(`${describe({ id, action })}\n`)
    },
    stop: () => {},
  }
}

function spinner(): Progress {
  const running = new Map<string, ProgressEvent>()
  let display: Ora | undefined
  let stopped = false
  void import('ora').then(({ default: ora }) => {
    if (stopped) return
    display = ora({ stream: process.stderr, discardStdin: false, hideCursor: true })
    show()
  })
  const show = () => {
    if (display === undefined || stopped) return
    display.text = [...running.values()].slice(-8).map(describeWithSize).join('\n  ')
    if (running.size > 0 && !display.isSpinning) display.start()
    if (running.size === 0) display.stop()
  }
  return {
    onEvent(event) {
      if (event.done === true) {
        running.delete(event.id)
        display?.stopAndPersist({ symbol: ' ', text: describe(event) })
      } else running.set(event.id, event)
      show()
    },
    stop() {
      stopped = true
      display?.stop()
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
