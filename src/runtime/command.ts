import type { Readable } from 'node:stream'
import { TspodError } from '../base/errors.js'
import { parseSignal } from '../base/signals.js'

/**
 * The door to execa: programs of the host that answer a question. What runs containers does not come this way
 * (`monitor.ts`, `native.ts`): execa takes 20 ms to load, and is loaded by the first call.
 */
export interface CommandOptions {
  /** All of the program's environment. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** What it reads; without: nothing. */
  readonly input?: string | Uint8Array
  /** It is killed after that. */
  readonly timeoutMilliseconds?: number
  /** It is killed when either of its outputs is longer. */
  readonly maximumOutput?: number
}

export interface CommandResult {
  /** 128 + n for signal n. */
  readonly status: number
  readonly stdout: Buffer
  readonly stderr: string
}

const defaultMaximumOutput = 8 * 1024 * 1024
/** More than that of a complaint nobody reads. */
const maximumComplaint = 16 * 1024

/**
 * Runs a program to its end, whatever its status. Throws `host-requirement` if it cannot be run, `limit-exceeded` if it
 * had to be stopped.
 */
export async function runCommand(
  program: string,
  argv: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const { execa } = await import('execa')
  const { maximumOutput = defaultMaximumOutput } = options
  const result = await execa(program, argv, {
    ...common(options.env),
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    ...(options.timeoutMilliseconds === undefined ? {} : { timeout: options.timeoutMilliseconds }),
    encoding: 'buffer',
    maxBuffer: maximumOutput,
    stripFinalNewline: false,
    killSignal: 'SIGKILL',
  })
  if (result.isMaxBuffer)
    throw new TspodError('limit-exceeded', `${program} said more than ${String(maximumOutput)} bytes and was stopped`)
  if (result.timedOut)
    throw new TspodError(
      'limit-exceeded',
      `${program} did not end in ${String(options.timeoutMilliseconds)} ms and was stopped`,
    )
  const { exitCode, signal, stdout, stderr } = result
  if (exitCode === undefined && signal === undefined) throw cannotRun(program, result)
  return { status: statusOf(exitCode, signal), stdout: bufferOf(stdout), stderr: bufferOf(stderr).toString('utf8') }
}

/** A program whose output is read as it comes. Disposing of it ends it. */
export interface RunningCommand extends AsyncDisposable {
  /** Its standard output. What is not read holds it back. */
  readonly output: Readable
  /** How it ended, with the last of what it complained of. Rejects if it could not be run. */
  readonly ended: Promise<Omit<CommandResult, 'stdout'>>
}

/** Starts a program, which reads `input` if there is any. It is gone with `dispose`, and when this process ends in order. */
export async function startCommand(
  program: string,
  argv: readonly string[],
  options: Pick<CommandOptions, 'env'> & { readonly input?: AsyncIterable<Uint8Array> },
): Promise<RunningCommand> {
  const { execa } = await import('execa')
  const child = execa(program, argv, {
    ...common(options.env),
    stdin: options.input === undefined ? 'ignore' : chunksOf(options.input),
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-maximumComplaint)))
  const ended = child.then((result) => {
    if (result.exitCode === undefined && result.signal === undefined) throw cannotRun(program, result)
    return { status: statusOf(result.exitCode, result.signal), stderr }
  })
  // Whoever waits for it is told; nobody has to.
  ended.catch(() => undefined)
  return {
    output: child.stdout,
    ended,
    async [Symbol.asyncDispose]() {
      /* Of a child that was never started execa's kill would be kill(0): of this process and its whole group. */
      if (child.pid !== undefined) child.kill('SIGKILL')
      child.stdout.destroy()
      await ended.catch(() => undefined)
    },
  }
}

/** A stream that is no file's is not to be handed over as one. */
async function* chunksOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* input
}

function common(env: CommandOptions['env']) {
  return { env: { ...env }, extendEnv: false, reject: false, windowsHide: false } as const
}

function statusOf(exitCode: number | undefined, signal: string | undefined): number {
  return exitCode ?? 128 + (parseSignal(signal ?? '') ?? 0)
}

function bufferOf(bytes: Uint8Array | undefined): Buffer {
  return bytes === undefined ? Buffer.alloc(0) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function cannotRun(
  program: string,
  failure: { readonly code?: string | undefined; readonly cause?: unknown },
): TspodError {
  const { code, cause } = failure
  return code === 'ENOENT'
    ? new TspodError('host-requirement', `${program} is not installed`)
    : new TspodError('host-requirement', `${program} cannot be run`, { cause })
}
