import type { BuildEvent } from '../../build/progress.js'

export interface ReportedStep {
  readonly number: number
  output(stream: 'stdout' | 'stderr', bytes: Buffer): void
  progress(id: string, current: number, total?: number): void
  /** It was found in the cache: `finish` says so. */
  cached(): void
}

/** Numbers the steps of a build, and tells its caller what they do. */
export class BuildReport {
  #count = 0
  readonly #tell: (event: BuildEvent) => void

  constructor(tell: ((event: BuildEvent) => void) | undefined) {
    this.#tell = tell ?? (() => undefined)
  }

  warning(message: string, where: { readonly rule?: string; readonly line?: number } = {}): void {
    this.#tell({ type: 'warning', message, ...where })
  }

  /** Tells of a step from its start to its end; what it throws is told, and thrown on. */
  async step<T>(name: string, work: (step: ReportedStep) => Promise<T>, line?: number): Promise<T> {
    const number = ++this.#count
    const began = milliseconds()
    let cached = false
    this.#tell({ type: 'step-started', step: number, name, ...(line === undefined ? {} : { line }) })
    const finish = (error?: string): void =>
      this.#tell({
        type: 'step-finished',
        step: number,
        cached,
        duration: milliseconds() - began,
        ...(error === undefined ? {} : { error }),
      })
    try {
      const result = await work({
        number,
        output: (stream, bytes) => this.#tell({ type: 'step-output', step: number, stream, bytes }),
        progress: (id, current, total) =>
          this.#tell({ type: 'step-progress', step: number, id, current, ...(total === undefined ? {} : { total }) }),
        cached: () => (cached = true),
      })
      finish()
      return result
    } catch (error) {
      finish(error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error))
      throw error
    }
  }
}

/** As performance.now(), which loads 1 ms of Node's code. */
function milliseconds(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
