import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process'
import { PassThrough, pipeline, type Readable } from 'node:stream'
import { pipeline as pipelineEnd } from 'node:stream/promises'
import { errorOf, type InsideResult, maximumText, noAnswer, parseAnswer, startFailure } from './inside-answer.js'
import type { InsideOptions } from './inside.js'

/** Runs a verb that reads or writes an archive (`argv` begins with the program), feeds it, and reads what it writes. */
export async function runStreaming(argv: readonly string[], options: InsideOptions): Promise<InsideResult> {
  const [program = '', ...args] = argv
  /* Descriptor 3 for the answer, since 1 may be an archive's. */
  const stdio: StdioOptions = [
    options.input === undefined ? 'ignore' : 'pipe',
    options.output === undefined ? (options.outputFd ?? 'ignore') : 'pipe',
    'pipe',
    'pipe',
  ]
  const child = spawn(program, args, {
    stdio,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  /* Taken up at once: when a child ends, Node throws away what nobody reads yet (flushStdio), and readers may come late. */
  const output = options.output === undefined || child.stdout === null ? undefined : new PassThrough()
  if (output !== undefined && child.stdout !== null) pipeline(child.stdout, output, () => undefined)
  return answerOf(child, args[0] ?? '', options, output)
}

async function answerOf(
  child: ChildProcess,
  verb: string,
  options: InsideOptions,
  output: Readable | undefined,
): Promise<InsideResult> {
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (cause) => reject(options.signal?.aborted === true ? cause : startFailure(cause)))
    child.once('close', (code) => resolve(code ?? -1))
  })
  const [answer, said, fed, status, read] = await Promise.all([
    textOf(child.stdio[3] as Readable | null),
    textOf(child.stderr),
    feed(child, options),
    ended,
    drain(child, options, output),
  ])
  const result = parseAnswer(answer)
  if (result === undefined) {
    if (read !== undefined) throw read
    if (fed !== undefined) throw fed
    throw noAnswer(verb, `(it ended with ${String(status)}) ${said}`)
  }
  if (result.type === 'error') throw read ?? fed ?? errorOf(result, said)
  if (read !== undefined) throw read
  /* It has all it wanted, but the source did not come to its end. */
  if (fed !== undefined) throw fed
  return result
}

/** Gives the source's bytes to the verb; the source's own failure, if it has one. */
async function feed(child: ChildProcess, options: InsideOptions): Promise<Error | undefined> {
  const { stdin } = child
  if (options.input === undefined || stdin === null) return undefined
  try {
    await pipelineEnd(options.input, stdin, ...(options.signal === undefined ? [] : [{ signal: options.signal }]))
    return undefined
  } catch (error) {
    /* A verb that fails stops reading: what it says counts. */
    if (isBrokenPipe(error)) return undefined
    child.kill('SIGKILL')
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Hands the verb's output on; the reader's failure, if it has one, ends the verb. */
async function drain(
  child: ChildProcess,
  options: InsideOptions,
  output: Readable | undefined,
): Promise<Error | undefined> {
  if (options.output === undefined || output === undefined) return undefined
  try {
    await options.output(output)
    return undefined
  } catch (error) {
    child.kill('SIGKILL')
    return error instanceof Error ? error : new Error(String(error))
  }
}

function isBrokenPipe(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'EPIPE' || error.code === 'ECONNRESET' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
  )
}

async function textOf(stream: Readable | null): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream ?? []) {
    if (size < maximumText) chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
  }
  return Buffer.concat(chunks).toString('utf8')
}
