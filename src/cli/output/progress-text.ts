import type { ProgressEvent } from '../../index.js'
import { humanSize } from './units.js'

type Described = Pick<ProgressEvent, 'id' | 'action' | 'remark'>

/** As it is written where nobody looks on: whole. */
export function describe({ id, action, remark = '' }: Described): string {
  return [action, id, remark].filter((part) => part !== '').join(' ')
}

/** As a person sees it: of a digest twelve digits, so that it fits into a line. */
export function describeShortly(event: Described): string {
  return describe(event).replace(/\bsha(?:256|512):([0-9a-f]{12})[0-9a-f]*/g, '$1')
}

/** With how far it is, and how fast. */
export function describeWithSize(event: ProgressEvent, bytesPerSecond: number | undefined): string {
  const { current, total } = event
  if (current === undefined) return describeShortly(event)
  const of =
    total === undefined || total === 0
      ? ''
      : ` / ${humanSize(total, 3)} (${String(Math.floor((100 * current) / total))}%)`
  const rate = bytesPerSecond === undefined ? '' : `  ${humanSize(bytesPerSecond, 3)}/s`
  return `${describeShortly(event)}  ${humanSize(current, 3)}${of}${rate}`
}

interface Sample {
  readonly milliseconds: number
  readonly bytes: number
}

/** Over so long a rate is taken; a shorter time than the least says nothing. */
const windowMilliseconds = 5000
const leastMilliseconds = 500
const betweenSamples = 100

/** How fast things move, of which now and then is told how far they are. */
export class Rates {
  readonly #samples = new Map<string, readonly Sample[]>()

  /** Bytes in a second lately; undefined as long as nothing can be said. */
  at(id: string, bytes: number, milliseconds: number): number | undefined {
    const known = this.#samples.get(id) ?? []
    const last = known.at(-1)
    /* One that begins again, after a connection broke, is as new. */
    const before = last !== undefined && bytes < last.bytes ? [] : known
    const since = before.at(-2)
    const kept =
      since !== undefined && milliseconds - since.milliseconds < betweenSamples ? before.slice(0, -1) : before
    const samples = [...kept, { milliseconds, bytes }].filter(
      (one, number, all) => milliseconds - (all[number + 1] ?? one).milliseconds <= windowMilliseconds,
    )
    this.#samples.set(id, samples)
    const [first] = samples
    const elapsed = milliseconds - (first?.milliseconds ?? milliseconds)
    return elapsed < leastMilliseconds ? undefined : ((bytes - (first?.bytes ?? 0)) * 1000) / elapsed
  }

  forget(id: string): void {
    this.#samples.delete(id)
  }
}
