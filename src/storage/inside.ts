import { closeSync, readSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { nativeFile } from '../base/native-dir.js'
import { type AnsweringChild, spawnAnswering, waitChild, waitReadable } from '../base/syscalls.js'
import type { IdMapping } from '../oci/runtime-spec.js'
import type { UsernsPlan } from '../runtime/protocol.js'
import { hasErrno } from '../state/file.js'
import { errorOf, type InsideResult, maximumText, noAnswer, parseAnswer, startFailure } from './inside-answer.js'

export type { InsideResult }

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
  | 'settle'

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

/**
 * Runs a verb of tspod-inside as root of a throw-away user namespace, and gives its answer; without a plan as the caller.
 * One that reads and writes no archive is started without node:child_process and node:stream, which take as long to load
 * as many a verb takes.
 */
export async function runInside(
  verb: InsideVerb,
  plan: UsernsPlan | undefined,
  args: readonly string[],
  options: InsideOptions = {},
): Promise<InsideResult> {
  /* Descriptor 3 for the answer, since 1 may be an archive's. */
  const how = ['--answer-fd', '3', ...(plan === undefined ? [] : usernsArguments(plan))]
  const argv = [nativeFile('tspod-inside'), verb, ...how, ...args] as const
  const { input, output, outputFd, cwd, signal } = options
  if (input === undefined && output === undefined && outputFd === undefined && cwd === undefined)
    return ask(argv, signal)
  const { runStreaming } = await import('./inside-streams.js')
  return runStreaming(argv, options)
}

function ask(argv: readonly [string, string, ...string[]], signal: AbortSignal | undefined): Promise<InsideResult> {
  signal?.throwIfAborted()
  return answerOf(
    argv[1],
    start(() => spawnAnswering(argv[0], argv)),
    signal,
  )
}

/** What a verb that was started answers in the end, and reaps it. */
export async function answerOf(
  verb: string,
  { pid, answer, said }: Omit<AnsweringChild, 'said'> & { readonly said?: number },
  signal?: AbortSignal,
): Promise<InsideResult> {
  /* It is not reaped before its answer has ended, so that the number is its own. */
  const end = (): void => void process.kill(pid, 'SIGKILL')
  signal?.addEventListener('abort', end)
  try {
    const result = parseAnswer(await readToEnd(answer))
    signal?.throwIfAborted()
    if (result !== undefined && result.type !== 'error') return result
    const complaint = said === undefined ? '' : readAvailable(said)
    throw result === undefined ? noAnswer(verb, complaint) : errorOf(result, complaint)
  } finally {
    signal?.removeEventListener('abort', end)
    closeSync(answer)
    if (said !== undefined) closeSync(said)
    waitChild(pid)
  }
}

function start<T>(begin: () => T): T {
  try {
    return begin()
  } catch (error) {
    throw startFailure(error instanceof Error ? error : new Error(String(error)))
  }
}

async function readToEnd(fd: number): Promise<string> {
  const buffer = Buffer.allocUnsafe(maximumText)
  for (let size = 0; ;) {
    await waitReadable(fd)
    const read = readNow(fd, buffer, size)
    if (read === 0) return buffer.toString('utf8', 0, size)
    size += read ?? 0
  }
}

function readAvailable(fd: number): string {
  const buffer = Buffer.allocUnsafe(maximumText)
  return buffer.toString('utf8', 0, readNow(fd, buffer, 0) ?? 0)
}

/** 0 at the end, undefined if there is nothing now. */
function readNow(fd: number, buffer: Buffer, at: number): number | undefined {
  try {
    return readSync(fd, buffer, at, buffer.length - at, null)
  } catch (error) {
    if (hasErrno(error, 'EAGAIN')) return undefined
    throw error
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
