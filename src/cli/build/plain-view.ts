import type { BuildEvent } from '../../index.js'
import { humanSize } from '../output/units.js'
import { StepOutput } from './output-lines.js'
import { formatWarnings, seconds, type BuildView } from './view.js'

/** Others wait so long for their turn while a step goes on, in milliseconds, unless they have so much to say. */
const patience = 2000
const mostWaiting = 1 << 18
/** A part of a step that goes on is told so often. */
const progressInterval = 5000

interface Step {
  readonly number: number
  readonly name: string
  readonly started: number
  readonly output: StepOutput
  /** Parts by when they were last told. */
  readonly parts: Map<string, number>
  /** What was not yet written, and since when. */
  waiting: string
  waitingSince: number
  finished: boolean
  shown: boolean
}

type Warning = Extract<BuildEvent, { type: 'warning' }>

/**
 * Lines as BuildKit writes them, `#STEP …`. Steps run side by side; what they say comes in blocks, so that it can be
 * read: while one has the word the others wait, for a while.
 */
export function plainView(): BuildView {
  const view = new PlainView()
  return {
    event: (event, at) => view.event(event, at),
    tick: (at) => view.drain(at),
    end: () => view.end(),
  }
}

class PlainView {
  readonly #steps = new Map<number, Step>()
  readonly #warnings: Warning[] = []
  #current: Step | undefined

  event(event: BuildEvent, at: number): string {
    if (event.type === 'warning') this.#warnings.push(event)
    else if (event.type === 'step-started') this.#start(event, at)
    else {
      const step = this.#steps.get(event.step)
      if (step !== undefined) add(step, linesOf(event, step, at), at)
      if (step !== undefined && event.type === 'step-finished') step.finished = true
    }
    return this.drain(at)
  }

  end(): string {
    const left = [...this.#steps.values()].filter(({ waiting }) => waiting !== '').map((step) => this.#give(step))
    return left.join('') + formatWarnings(this.#warnings)
  }

  #start({ step, name }: Extract<BuildEvent, { type: 'step-started' }>, at: number): void {
    this.#steps.set(step, {
      number: step,
      name,
      started: at,
      output: new StepOutput(),
      parts: new Map(),
      waiting: '',
      waitingSince: at,
      finished: false,
      shown: false,
    })
  }

  /** Writes what has its turn. */
  drain(at: number): string {
    let text = ''
    for (;;) {
      const step = this.#next(at)
      if (step === undefined) return text
      text += this.#give(step)
    }
  }

  #next(at: number): Step | undefined {
    const current = this.#current
    if (current !== undefined && current.waiting !== '') return current
    const others = [...this.#steps.values()]
      .filter((step) => step !== current && (step.waiting !== '' || (!step.shown && current?.finished !== false)))
      .sort((a, b) => Number(a.waiting === '') - Number(b.waiting === '') || a.waitingSince - b.waitingSince)
    if (current === undefined || current.finished) return others[0]
    return others.find(({ waiting, waitingSince }) => at - waitingSince >= patience || waiting.length > mostWaiting)
  }

  /** What the step has to say, below its name where another one had the word. */
  #give(step: Step): string {
    let text = ''
    if (step !== this.#current) {
      if (this.#current !== undefined)
        text += this.#current.finished ? '\n' : `#${String(this.#current.number)} ...\n\n`
      text += `#${String(step.number)} ${step.name}\n`
    }
    text += step.waiting
    step.waiting = ''
    step.shown = true
    this.#current = step
    if (step.finished) this.#steps.delete(step.number)
    return text
  }
}

function add(step: Step, lines: readonly string[], at: number): void {
  if (lines.length === 0) return
  if (step.waiting === '') step.waitingSince = at
  step.waiting += lines.map((line) => `#${String(step.number)} ${line}\n`).join('')
}

type StepEvent = Exclude<BuildEvent, { type: 'warning' | 'step-started' }>

function linesOf(event: StepEvent, step: Step, at: number): string[] {
  const timed = (line: string) => `${seconds(at - step.started, 3)} ${line.replace(/\r$/, '')}`
  switch (event.type) {
    case 'step-output':
      return step.output.add(event.stream, event.bytes).map(timed)
    case 'step-progress':
      return partOf(event, step, at)
    case 'step-finished':
      return [...step.output.end().map(timed), ending(event)]
  }
}

function ending({ cached, duration, error }: Extract<BuildEvent, { type: 'step-finished' }>): string {
  if (error !== undefined) return `ERROR: ${error}`
  return cached ? 'CACHED' : `DONE ${seconds(duration)}s`
}

/** Told when it begins to take long, from time to time, and when it is over. */
function partOf(event: Extract<BuildEvent, { type: 'step-progress' }>, step: Step, at: number): string[] {
  const done = event.total !== undefined && event.current >= event.total
  const before = step.parts.get(event.id)
  if (before === Infinity || (!done && at - (before ?? at) < progressInterval)) {
    if (before === undefined) step.parts.set(event.id, at)
    return []
  }
  step.parts.set(event.id, done ? Infinity : at)
  return [`${partText(event)}${done ? ' done' : ''}`]
}

/** `layer 1.2MB / 3.4MB` */
export function partText({ id, current, total }: Extract<BuildEvent, { type: 'step-progress' }>): string {
  return `${id} ${humanSize(current)}${total === undefined ? '' : ` / ${humanSize(total)}`}`
}
