import { drawsOnTerminal } from '../terminal.js'
import type { Ora } from 'ora'
import type { ProgressEvent } from '../../index.js'
import { writeError } from './write.js'
import { describe, describeShortly, describeWithSize, Rates } from './progress-text.js'

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
    onEvent(event) {
      const text = describe(event)
      if (announced.get(event.id) === text) return
      announced.set(event.id, text)
      writeError(`${text}\n`)
    },
    stop: () => {},
  }
}

function spinner(): Progress {
  const running = new Map<string, string>()
  const rates = new Rates()
  let display: Ora | undefined
  let stopped = false
  void import('ora').then(({ default: ora }) => {
    if (stopped) return
    display = ora({ stream: process.stderr, discardStdin: false, hideCursor: true })
    show()
  })
  const show = () => {
    if (display === undefined || stopped) return
    display.text = [...running.values()].slice(-8).join('\n  ')
    if (running.size > 0 && !display.isSpinning) display.start()
    if (running.size === 0) display.stop()
  }
  return {
    onEvent(event) {
      if (event.done === true) {
        running.delete(event.id)
        rates.forget(event.id)
        display?.stopAndPersist({ symbol: ' ', text: describeShortly(event) })
      } else running.set(event.id, describeWithSize(event, rates.at(event.id, event.current ?? 0, performance.now())))
      show()
    },
    stop() {
      stopped = true
      display?.stop()
    },
  }
}
