import type { BuildEvent } from '../../index.js'
import { plainText } from '../output/plain-text.js'
import { cutToWidth, displayWidth } from '../output/width.js'
import { StepOutput } from './output-lines.js'
import { partText } from './plain-view.js'
import { formatWarnings, seconds, type BuildView } from './view.js'

/** The end of a running step's output that is shown. */
const tailLength = 6
/** It is drawn at most so often, in milliseconds. */
const interval = 80

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

interface Step {
  readonly name: string
  readonly started: number
  readonly output: StepOutput
  readonly parts: Map<string, string>
  readonly tail: string[]
  ending?: { readonly duration: number; readonly cached: boolean; readonly failed: boolean }
}

type Warning = Extract<BuildEvent, { type: 'warning' }>
type Paint = (text: string) => string
type Palette = Readonly<Record<'done' | 'failed', Paint>>

const plainPalette: Palette = { done: (text) => text, failed: (text) => text }
const colours: Palette = {
  done: (text) => `\u001b[34m${text}\u001b[0m`,
  failed: (text) => `\u001b[31m${text}\u001b[0m`,
}

/**
 * A picture of the build that is drawn over the one before: a line for each step with its time, for a running one the end
 * of its output. It is never higher than the terminal; the last one is left whole.
 */
export function terminalView(size: () => TerminalSize, { colour }: { readonly colour: boolean }): BuildView {
  const view = new TerminalView(size, colour ? colours : plainPalette)
  return {
    event: (event, at) => view.event(event, at),
    tick: (at) => view.draw(at),
    end: (at) => view.end(at),
  }
}

class TerminalView {
  readonly #size: () => TerminalSize
  readonly #palette: Palette
  readonly #steps = new Map<number, Step>()
  readonly #warnings: Warning[] = []
  #began: number | undefined
  #drawn = -Infinity
  /** Lines of the picture that is there. */
  #height = 0

  constructor(size: () => TerminalSize, palette: Palette) {
    this.#size = size
    this.#palette = palette
  }

  event(event: BuildEvent, at: number): string {
    this.#began ??= at
    if (event.type === 'warning') this.#warnings.push(event)
    else if (event.type === 'step-started') this.#steps.set(event.step, newStep(event.name, at))
    else {
      const step = this.#steps.get(event.step)
      if (step !== undefined) change(step, event)
    }
    return at - this.#drawn < interval ? '' : this.draw(at)
  }

  draw(at: number): string {
    if (this.#began === undefined) return ''
    this.#drawn = at
    const { columns, rows } = this.#size()
    return this.#picture(this.#lines(at, columns, Math.max(4, rows - 1), false))
  }

  end(at: number): string {
    if (this.#began === undefined) return formatWarnings(this.#warnings)
    const picture = this.#picture(this.#lines(at, this.#size().columns, Infinity, true))
    this.#height = 0
    return picture + plainLines(formatWarnings(this.#warnings))
  }

  /** Up to where the last one began, each line over what was there, and the rest below it erased. */
  #picture(lines: readonly string[]): string {
    const up = this.#height > 0 ? `\u001b[${String(this.#height)}A` : ''
    this.#height = lines.length
    return `\r${up}${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`
  }

  #lines(at: number, columns: number, rows: number, last: boolean): string[] {
    const steps = [...this.#steps.values()]
    const finished = steps.filter(({ ending }) => ending !== undefined).length
    const count = `(${String(finished)}/${String(steps.length)})${last ? ' FINISHED' : ''}`
    const head = line(`[+] Building ${seconds(at - (this.#began ?? at))}s ${count}`, '', columns)
    const blocks = steps.map((step) => ({ step, lines: this.#block(step, at, columns, last) }))
    return [head, ...fit(blocks, rows - 1)]
  }

  #block(step: Step, at: number, columns: number, last: boolean): string[] {
    const { ending } = step
    const mark = ending?.failed === true ? 'ERROR ' : ending?.cached === true ? 'CACHED ' : ''
    const text = line(` => ${mark}${step.name}`, `${seconds(ending?.duration ?? at - step.started)}s`, columns)
    if (ending !== undefined) return [ending.failed ? this.#palette.failed(text) : this.#palette.done(text)]
    if (last) return [text]
    const parts = [...step.parts.values()].map((part) => line(` => => ${part}`, '', columns))
    const tail = [...step.tail, ...step.output.begun.map(plainText)].slice(-tailLength)
    return [text, ...parts, ...tail.map((output) => line(` => => # ${output}`, '', columns))]
  }
}

function newStep(name: string, at: number): Step {
  return { name: plainText(name), started: at, output: new StepOutput(), parts: new Map(), tail: [] }
}

function change(step: Step, event: Exclude<BuildEvent, { type: 'warning' | 'step-started' }>): void {
  if (event.type === 'step-finished') {
    step.ending = { duration: event.duration, cached: event.cached, failed: event.error !== undefined }
    step.parts.clear()
    step.tail.length = 0
  } else if (event.type === 'step-progress') {
    if (event.total !== undefined && event.current >= event.total) step.parts.delete(event.id)
    else step.parts.set(event.id, plainText(partText(event)))
  } else {
    step.tail.push(...step.output.add(event.stream, event.bytes).map(plainText))
    step.tail.splice(0, Math.max(0, step.tail.length - tailLength))
  }
}

/** Text at the left, its time at the right, in exactly one line: the last column stays free, or some terminals wrap. */
function line(text: string, time: string, columns: number): string {
  const width = Math.max(1, columns - 1)
  if (time === '') return cutToWidth(text, width)
  const cut = cutToWidth(text, Math.max(1, width - time.length - 1))
  return `${cut}${' '.repeat(Math.max(1, width - displayWidth(cut) - time.length))}${time}`
}

interface Block {
  readonly step: Step
  readonly lines: readonly string[]
}

/** Where there is not enough room: the oldest finished steps go first, then output, then the oldest of all. */
function fit(blocks: readonly Block[], rows: number): string[] {
  let excess = blocks.reduce((sum, { lines }) => sum + lines.length, 0) - rows
  const kept = blocks.filter(({ step }) => {
    if (excess <= 0 || step.ending === undefined) return true
    excess -= 1
    return false
  })
  const shown = kept.flatMap(({ lines }) => {
    const dropped = Math.min(Math.max(0, excess), lines.length - 1)
    excess -= dropped
    return dropped === 0 ? lines : [...lines.slice(0, 1), ...lines.slice(1 + dropped)]
  })
  return shown.length > rows ? shown.slice(-rows) : shown
}

/** Warnings quote a Dockerfile, which may hold anything. */
function plainLines(text: string): string {
  return text.split('\n').map(plainText).join('\n')
}
