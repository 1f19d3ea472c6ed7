import { StringDecoder } from 'node:string_decoder'

const longest = 1 << 16

/** The bytes of one stream as lines without their ends; an endless line comes in pieces. */
export class OutputLines {
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''

  /** The lines that these bytes end. */
  add(bytes: Buffer): string[] {
    const text = this.#rest + this.#decoder.write(bytes)
    const lines = text.split('\n')
    this.#rest = lines.pop() ?? ''
    while (this.#rest.length > longest) {
      lines.push(this.#rest.slice(0, longest))
      this.#rest = this.#rest.slice(longest)
    }
    return lines
  }

  /** What came after the last line's end, so far: a program's progress that is written over itself. */
  get begun(): string {
    return this.#rest
  }

  /** What came after the last line's end. */
  end(): string[] {
    const rest = this.#rest + this.#decoder.end()
    this.#rest = ''
    return rest === '' ? [] : [rest]
  }
}

/** Both streams of a step. */
export class StepOutput {
  readonly #streams = { stdout: new OutputLines(), stderr: new OutputLines() }

  add(stream: 'stdout' | 'stderr', bytes: Buffer): string[] {
    return this.#streams[stream].add(bytes)
  }

  get begun(): string[] {
    return [this.#streams.stdout.begun, this.#streams.stderr.begun].filter((text) => text !== '')
  }

  end(): string[] {
    return [...this.#streams.stdout.end(), ...this.#streams.stderr.end()]
  }
}
