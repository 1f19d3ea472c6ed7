import type { ChildProcess, StdioOptions } from 'node:child_process'
import type { Readable } from 'node:stream'
import { closeSync, readSync } from 'node:fs'
import { TspodError, type ErrorCode } from '../base/errors.js'
import { nativeFile } from '../base/native-dir.js'
import { spawnAnswering, waitChild, waitReadable } from '../base/syscalls.js'
import type { IdMapping } from '../oci/runtime-spec.js'
import type { UsernsPlan } from '../runtime/protocol.js'

export type InsideVerb =
  | 'apply'
  | 'pack'
  | 'tar'
  | 'untar'
  | 'copy'
  | 'scan'
  | 'place'
  | 'remove'
  | 'measure'
  | 'probe'
  | 'changes'
  | 'look'
  | 'assemble'
  | 'mount'
  | 'unmount'
  | 'compress'

/** What a verb answers: one JSON line. */
export interface InsideResult {
  readonly type: string
  readonly [name: string]: unknown
}

export interface InsideOptions {
  /** What the verb reads from its standard input. */
  readonly input?: Readable | AsyncIterable<Uint8Array>
  /** A descriptor that the verb writes its archive to. */
  readonly outputFd?: number
  /** Gets what the verb writes instead, and reads it to its end. */
  readonly output?: (chunks: Readable) => Promise<void>
  readonly signal?: AbortSignal | undefined
  /** Where relative paths begin. */
  readonly cwd?: string
}

/** native/inside.h has the stages; who reads a `TspodError` gets these codes. */
const codes: Readonly<Record<string, ErrorCode>> = {
  usage: 'internal',
  userns: 'host-requirement',
  mount: 'host-requirement',
  input: 'io',
  output: 'io',
  digest: 'digest-mismatch',
  compression: 'archive-invalid',
  archive: 'archive-invalid',
  path: 'archive-invalid',
  limit: 'limit-exceeded',
  id: 'host-requirement',
  write: 'io',
  exec: 'io',
  selection: 'invalid-argument',
}

/**
 * Runs a verb of tspod-inside as root of a throw-away user namespace, and gives its answer; without a plan as the caller.
 * Loads node:child_process.
 */
export async function runInside(
  verb: InsideVerb,
  plan: UsernsPlan | undefined,
  args: readonly string[],
  options: InsideOptions = {},
): Promise<InsideResult> {
  const { spawn } = await import('node:child_process')
  const { PassThrough, pipeline } = await import('node:stream')
  /* Descriptor 3 for the answer, since 1 may be an archive's. */
  const stdio: StdioOptions = [
    options.input === undefined ? 'ignore' : 'pipe',
    options.output === undefined ? (options.outputFd ?? 'ignore') : 'pipe',
    'pipe',
    'pipe',
  ]
  const child = spawn(
    nativeFile('tspod-inside'),
    [verb, '--answer-fd', '3', ...(plan === undefined ? [] : usernsArguments(plan)), ...args],
    {
      stdio,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
  )
  /* Taken up at once: when a child ends, Node throws away what nobody reads yet (flushStdio), and readers may come late. */
  const output = options.output === undefined || child.stdout === null ? undefined : new PassThrough()
  if (output !== undefined && child.stdout !== null) pipeline(child.stdout, output, () => undefined)
  return answerOf(child, verb, options, output)
}

/**
 * Runs a verb that reads and writes no archive as the caller, and gives its answer: what many a build does first and
 * last, so without node:child_process and node:stream, which take as long to load as the verb.
 */
export async function askInside(
  verb: InsideVerb,
  args: readonly string[],
  { signal }: Pick<InsideOptions, 'signal'> = {},
): Promise<InsideResult> {
  signal?.throwIfAborted()
  const program = nativeFile('tspod-inside')
  const { pid, fd } = start(() => spawnAnswering(program, [program, verb, '--answer-fd', '3', ...args]))
  /* It is not reaped before its answer has ended, so that the number is its own. */
  const end = (): void => void process.kill(pid, 'SIGKILL')
  signal?.addEventListener('abort', end)
  let answer: string
  try {
    answer = await readToEnd(fd)
  } finally {
    signal?.removeEventListener('abort', end)
    closeSync(fd)
    waitChild(pid)
  }
  signal?.throwIfAborted()
  const result = parseAnswer(answer)
  if (result === undefined) throw new TspodError('internal', `tspod-inside ${verb} gave no answer`)
  if (result.type === 'error') throw errorOf(result, '')
  return result
}

function start<T>(begin: () => T): T {
  try {
    return begin()
  } catch (error) {
    throw startFailure(error instanceof Error ? error : new Error(String(error)))
  }
}

async function readToEnd(fd: number): Promise<string> {
  const buffer = Buffer.alloc(maximumText)
  let size = 0
  for (;;) {
    await waitReadable(fd)
    try {
      const read = readSync(fd, buffer, size, buffer.length - size, null)
      if (read === 0) return buffer.toString('utf8', 0, size)
      size += read
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
    }
  }
}

/** Starts a verb that goes on when this process has ended, and whose answer nobody waits for. `fd` is open in it. */
export async function leaveInside(
  verb: InsideVerb,
  plan: UsernsPlan,
  args: readonly string[],
  fd: number,
): Promise<void> {
  const { spawn } = await import('node:child_process')
  const child = spawn(nativeFile('tspod-inside'), [verb, ...usernsArguments(plan), ...args], {
    stdio: ['ignore', 'ignore', 'ignore', fd],
    detached: true,
    cwd: '/',
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => reject(startFailure(cause)))
  })
  child.unref()
}

/** The options that make tspod-inside enter this user namespace. */
export function usernsArguments(plan: UsernsPlan): string[] {
  if (plan.mode === 'host') return ['--no-userns']
  if (plan.mode === 'join') return plan.path === undefined ? ['--no-userns'] : ['--join', plan.path]
  return [
    '--uid-map',
    formatMap(plan.uidMappings),
    '--gid-map',
    formatMap(plan.gidMappings),
    ...(plan.writer === 'helpers' ? ['--newuidmap', plan.newuidmap ?? '', '--newgidmap', plan.newgidmap ?? ''] : []),
    ...(plan.writer === 'self' ? ['--single'] : []),
  ]
}

/** `CONTAINER:HOST:SIZE,…` */
export function formatMap(map: readonly IdMapping[]): string {
  return map
    .map(({ containerID, hostID, size }) => `${String(containerID)}:${String(hostID)}:${String(size)}`)
    .join(',')
}

async function answerOf(
  child: ChildProcess,
  verb: InsideVerb,
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
    throw new TspodError('internal', `tspod-inside ${verb} ended with ${String(status)} ${said.trim()}`.trimEnd())
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
  const { pipeline } = await import('node:stream/promises')
  try {
    await pipeline(options.input, stdin, ...(options.signal === undefined ? [] : [{ signal: options.signal }]))
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

const maximumText = 64 * 1024

async function textOf(stream: Readable | null): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream ?? []) {
    if (size < maximumText) chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseAnswer(text: string): InsideResult | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
      ? (value as InsideResult)
      : undefined
  } catch {
    /* It was killed before it could answer. */
    return undefined
  }
}

function errorOf(result: InsideResult, said: string): TspodError {
  const stage = String(result['stage'])
  const path = typeof result['path'] === 'string' ? `${printable(result['path'])}: ` : ''
  const extra = said.trim() === '' || stage !== 'userns' ? '' : `: ${said.trim().split('\n')[0] ?? ''}`
  const cause = result['errno'] === undefined || result['errno'] === 0 ? '' : systemText(Number(result['errno']), stage)
  return new TspodError(codes[stage] ?? 'internal', `${path}${String(result['message'])}${cause}${extra}`)
}

/** What the kernel said, where it did; a verdict of ours about an archive stands for itself. */
function systemText(errno: number, stage: string): string {
  if (!['userns', 'mount', 'input', 'output', 'write', 'exec'].includes(stage)) return ''
  const texts: Readonly<Record<number, string>> = {
    1: 'operation not permitted',
    2: 'no such file or directory',
    5: 'input/output error',
    12: 'out of memory',
    13: 'permission denied',
    16: 'device or resource busy',
    20: 'not a directory',
    21: 'is a directory',
    22: 'invalid argument',
    24: 'too many open files',
    27: 'file too large',
    28: 'no space left on device',
    30: 'read-only file system',
    36: 'file name too long',
    40: 'too many symbolic links',
    95: 'not supported by the file system',
    122: 'disk quota exceeded',
  }
  return `: ${texts[errno] ?? `errno ${String(errno)}`}`
}

/** A name out of an archive may hold anything; a terminal must not obey it. */
function printable(text: string): string {
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text
  return short.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\uFFFD')
}

function startFailure(cause: Error): TspodError {
  return new TspodError('host-requirement', 'tspod-inside could not be started', { cause })
}
