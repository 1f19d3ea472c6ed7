import { spawn, type ChildProcess } from 'node:child_process'
import { program, type TspodStore } from './tspod.js'

/** A shell command on a terminal of its own: script(1) makes it, and what is typed goes through a pipe. */
export interface Terminal extends Disposable {
  /** All that has come out so far. */
  readonly output: string
  type(text: string): void
  /** Waits until something like this has come out since the last call. */
  until(pattern: RegExp): Promise<string>
  /** Waits for the command to end, and gives its exit status. */
  end(): Promise<number | null>
}

/** `tspod` in the command stands for the program with the store's folders. */
export function openTerminal(tspod: TspodStore, command: string): Terminal {
  const called = `${program} --root ${tspod.root} --runroot ${tspod.runroot}`
  const child = spawn('script', ['-qec', command.replaceAll('tspod ', `${called} `), '/dev/null'], {
    env: { ...tspod.env, TERM: 'xterm', SHELL: '/bin/sh' },
    cwd: tspod.folder,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  return new ScriptTerminal(child)
}

class ScriptTerminal implements Terminal {
  output = ''
  #seen = 0
  #ended = false
  readonly #child: ChildProcess
  readonly #changed = new Set<() => void>()
  readonly #status: Promise<number | null>

  constructor(child: ChildProcess) {
    this.#child = child
    child.stdin?.on('error', () => undefined)
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text
      this.#tell()
    })
    this.#status = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => {
        this.#ended = true
        this.#tell()
        resolve(code)
      })
    })
  }

  type(text: string): void {
    this.#child.stdin?.write(text)
  }

  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.output.slice(this.#seen))
      if (match) {
        this.#seen += match.index + match[0].length
        return match[0]
      }
      if (this.#ended) throw new Error(`the command ended without ${String(pattern)}: ${this.output}`)
      await new Promise<void>((resolve) => this.#changed.add(resolve))
    }
  }

  end(): Promise<number | null> {
    return this.#status
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }

  #tell(): void {
    for (const resolve of this.#changed) resolve()
    this.#changed.clear()
  }
}
