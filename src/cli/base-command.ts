import { Command } from '@oclif/core/command'
import type { Interfaces } from '@oclif/core'
import { TspodError, type ErrorCode } from '../base/errors.js'
import type { Engine, EngineOptions } from '../index.js'
import { engineOptions, type GlobalValues } from './argv.js'
import { parseCommandLine, HelpRequested, type Parsed } from './parse-command-line.js'
import { exitStatusOf, printError } from './exit-status.js'
import { startProgress, type Progress } from './output/progress.js'
import { writeError, writeOutput } from './output/write.js'
import { levelAtLeast } from './log-level.js'
import type { Program } from './main.js'

export { Args } from './flags/define.js'
export { Flags } from './flags/define.js'

type FlagOutput = Interfaces.OutputFlags<Interfaces.FlagInput>
type ArgOutput = Interfaces.OutputArgs<Interfaces.ArgInput>

/** A command's class as the program starts it: constructed directly, with a stub of oclif's Config. */
export interface CommandClass {
  new (argv: string[], config: Command['config']): BaseCommand
  id: string
}

/**
 * What every command is. A command declares `summary`, `flags`, `args` (and `strict = false` for NAME…), and has
 * `run()`: parse, call the engine once, print. Results go to stdout with `print`, everything else to stderr.
 */
export abstract class BaseCommand extends Command {
  /** Flags end at the first positional: `run IMAGE ls -la`. */
  static fenced = false
  /** What the positionals name, for shell completion: one for each, the last for all further ones. */
  static completes: readonly ('container' | 'running' | 'image' | 'volume' | 'object' | 'file' | 'command' | 'none')[] =
    []
  /** At least and at most so many positionals, where `args` and `strict` do not say it. */
  static positionals?: { readonly minimum?: number; readonly maximum?: number }
  /** Where this command's exit statuses differ from everybody's. */
  static exitStatuses: Partial<Record<ErrorCode, number>> = {}

  globals: GlobalValues = {}
  /** Set by `main`. */
  program?: Program
  /** Call it right before this process becomes another program. */
  beforeLeaving: () => void = () => {}
  /** It failed, or pulled an image: what it used is not what it mostly uses. */
  wasUnusual = false

  #engine: Promise<Engine> | undefined
  #given: ReadonlySet<string> = new Set()
  #failed = 0
  #progress: Progress | undefined

  /** Runs the command and says the exit status; `help` when that was asked for. */
  async start(): Promise<number | 'help'> {
    try {
      const result: unknown = await this.run()
      return typeof result === 'number' ? result : this.#failed
    } catch (error) {
      if (error instanceof HelpRequested) return 'help'
      this.#progress?.stop()
      this.wasUnusual = true
      printError(this.#explain(error), this.globals['log-level'])
      return exitStatusOf(error, (this.constructor as typeof BaseCommand).exitStatuses)
    } finally {
      this.#progress?.stop()
    }
  }

  #leave(): void {
    this.#progress?.stop()
    this.beforeLeaving()
  }

  /** Returns nothing, or the exit status. */
  abstract override run(): Promise<number | void>

  /** Podman's grammar on oclif's declarations. `argv` are the positionals, in order. */
  protected override async parse<F extends FlagOutput, B extends FlagOutput, A extends ArgOutput>(
    options?: Interfaces.Input<F, B, A>,
    argv: string[] = this.argv,
  ): Promise<Interfaces.ParserOutput<F, B, A> & { argv: string[] }> {
    const declared = (options ?? this.constructor) as typeof BaseCommand
    const parsed: Parsed = await parseCommandLine(argv, declared, this)
    this.parsed = true
    this.#given = parsed.given
    const modules = [...(this.globals.module ?? []), ...(parsed.globals.module ?? [])]
    Object.assign(this.globals, parsed.globals, modules.length === 0 ? {} : { module: modules })
    return parsed as unknown as Interfaces.ParserOutput<F, B, A> & { argv: string[] }
  }

  /** Whether the command line has this flag, whatever its value: a default is not given. */
  protected given(flag: string): boolean {
    return this.#given.has(flag)
  }

  protected get givenFlags(): ReadonlySet<string> {
    return this.#given
  }

  /** The engine, opened when first asked for. Call it after `parse`: global options may stand among a command's own. */
  protected engine(more: EngineOptions = {}): Promise<Engine> {
    this.#engine ??= this.#open(more)
    return this.#engine
  }

  async #open(more: EngineOptions): Promise<Engine> {
    const { openEngine } = await import('../index.js')
    const options = engineOptions(this.globals)
    const level = options.logLevel ?? 'warn'
    const onLog: EngineOptions['onLog'] = (entry, message) => {
      if (levelAtLeast(entry, level)) writeError(`${entry}: ${message}\n`)
    }
    return openEngine({
      ...options,
      onLog,
      env: process.env,
      self: selfCommand(),
      beforeExec: () => this.#leave(),
      ...more,
    })
  }

  /** Shows what takes a while (a pull), unless `quiet`: give the result to `engine`. */
  protected showProgress(quiet: boolean): EngineOptions {
    if (quiet) return {}
    this.#progress ??= startProgress()
    const { onEvent } = this.#progress
    return {
      onProgress: (event) => {
        this.wasUnusual = true
        onEvent(event)
      },
    }
  }

  /** `tspod run …` as it was typed, for the record. */
  protected commandLine(): readonly string[] {
    return ['tspod', ...process.argv.slice(2)]
  }

  /** One result, one line, on stdout. */
  protected print(line: string): void {
    writeOutput(`${line}\n`)
  }

  /** Text that brings its own line ends, on stdout. */
  protected write(text: string | Uint8Array): void {
    writeOutput(text)
  }

  /** A line for people, on stderr. */
  protected notice(line: string): void {
    writeError(`${line}\n`)
  }

  override warn(input: string | Error): string | Error {
    writeError(`Warning: ${typeof input === 'string' ? input : input.message}\n`)
    return input
  }

  /** For commands that go on with the next of many: the error is printed, and decides the exit status unless a worse one came before. */
  protected failed(error: unknown): void {
    printError(error, this.globals['log-level'])
    const status = exitStatusOf(error, (this.constructor as typeof BaseCommand).exitStatuses)
    this.#failed = this.#failed === 0 ? status : Math.max(this.#failed, status)
  }

  /** A mistake on the command line is answered with the command to ask for help. */
  #explain(error: unknown): unknown {
    if (!(error instanceof TspodError) || error.code !== 'usage' || error.message.includes('did you mean')) return error
    const words = (this.id ?? '').replaceAll(':', ' ')
    return new TspodError('usage', `${error.message}; see 'tspod ${words} --help'`)
  }
}

/** By which the native process calls this program back: Node, its options, and the launcher. */
function selfCommand(): readonly string[] {
  return [process.execPath, ...process.execArgv, process.argv[1] ?? '']
}
