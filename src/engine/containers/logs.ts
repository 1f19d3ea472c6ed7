import { dirname } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { millisecondsOf, momentOf, parseTimestamp } from '../../base/moment.js'
import type { ContainerRecord } from '../../container/record.js'
import type { Context } from '../context.js'
import { hasEnded, watchFolder } from './log-changes.js'
import { isRotated, LogFile, logFiles, tailOffset } from './log-file.js'
import { parseLogRecord } from './log-format.js'
import { logPath } from './log-plan.js'
import { type LogText, textOfRecords } from './log-text.js'
import { findContainer } from './store.js'
import type { LogLine, LogOptions } from './types.js'

/** The lines of a container's log, the oldest first; with `follow` until it has ended. */
export async function* containerLogs(
  context: Context,
  nameOrId: string,
  options: LogOptions = {},
): AsyncGenerator<LogLine> {
  const record = findContainer(context, nameOrId)
  const lines = await linesByDriver(context, record, { ...options, ...signalUntil(options) })
  const since = options.since === undefined ? undefined : momentOf(options.since)
  const until = options.until === undefined ? undefined : momentOf(options.until)
  const bounded = since !== undefined || until !== undefined
  for await (const line of lines) {
    const time = bounded ? parseTimestamp(line.timestamp) : undefined
    if (time !== undefined && until !== undefined && time > until) return
    if (time === undefined || since === undefined || time >= since) yield line
  }
}

/** A follower goes at a time that is given, whether or not a line comes. */
function signalUntil({ follow, until, signal }: LogOptions): Pick<LogOptions, 'signal'> {
  const left =
    until === undefined ? Number.POSITIVE_INFINITY : Math.max(0, millisecondsOf(momentOf(until)) - Date.now())
  if (follow !== true || left > longestTimer) return signal === undefined ? {} : { signal }
  const timeUp = AbortSignal.timeout(left)
  return { signal: signal === undefined ? timeUp : AbortSignal.any([signal, timeUp]) }
}

/** Milliseconds that a timer of Node's can wait. */
const longestTimer = 2 ** 31 - 1

async function linesByDriver(
  context: Context,
  record: ContainerRecord,
  options: LogOptions,
): Promise<AsyncIterable<LogLine>> {
  const { driver } = record.spec.log
  if (driver === 'k8s-file' || driver === 'json-file') return readFiles(context, record, options, linesOf)
  if (driver === 'journald') return (await import('./journal.js')).journalLines(context, record.id, options)
  throw new TspodError(
    'not-supported',
    `this container is using the '${driver}' log driver, cannot read logs of ${record.name}: this container is not logging output`,
  )
}

/**
 * What `containerLogs` has, as text: for who wants neither times nor lines. It may come in pieces of any size, each
 * valid until the next one is asked for.
 */
export async function* containerLogText(
  context: Context,
  nameOrId: string,
  options: Pick<LogOptions, 'follow' | 'tail' | 'signal'> = {},
): AsyncGenerator<LogText> {
  const record = findContainer(context, nameOrId)
  const { driver } = record.spec.log
  if (driver === 'k8s-file' || driver === 'json-file') {
    yield* readFiles(context, record, options, textsOf)
    return
  }
  const end = Buffer.from('\n')
  for await (const { stream, text, partial } of await linesByDriver(context, record, options))
    yield { stream, text: partial ? text : Buffer.concat([text, end]) }
}

function* textsOf(file: LogFile): Generator<LogText> {
  for (const block of file.blocks()) yield* textOfRecords(block)
}

/** Takes what is new of a file. */
type Reader<T> = (file: LogFile) => Generator<T>

async function* readFiles<T>(
  context: Context,
  record: ContainerRecord,
  options: LogOptions,
  read: Reader<T>,
): AsyncGenerator<T> {
  const path = logPath(context, record)
  const files = logFiles(path)
  const position = startOf(files, options.tail)
  let current: LogFile | undefined
  try {
    for (const [index, file] of files.entries()) {
      if (index < position.file) continue
      current?.[Symbol.dispose]()
      current = new LogFile(file, index === position.file ? position.offset : 0)
      yield* read(current)
    }
    if (options.follow === true) {
      const followed = current
      current = undefined
      yield* follow({ context, record, path, signal: options.signal }, followed, read)
    }
  } finally {
    current?.[Symbol.dispose]()
  }
}

function* linesOf(file: LogFile): Generator<LogLine> {
  for (const bytes of file.records()) {
    const line = parseLogRecord(bytes)
    if (line) yield line
  }
}

/** In which file, and where in it, the last lines begin. */
function startOf(files: readonly string[], tail: number | undefined): { file: number; offset: number } {
  if (tail === undefined || tail < 0) return { file: 0, offset: 0 }
  let missing = tail
  for (let index = files.length - 1; index >= 0; index--) {
    const { offset, lines } = tailOffset(
      files[index] ?? '',
      missing,
      (record) => parseLogRecord(record)?.partial !== false,
    )
    if (lines >= missing) return { file: index, offset }
    missing -= lines
  }
  return { file: 0, offset: 0 }
}

interface Followed {
  readonly context: Context
  readonly record: ContainerRecord
  readonly path: string
  readonly signal: AbortSignal | undefined
}

/** Goes on reading as the file grows, into the next one when it is rotated, until the container has ended. */
async function* follow<T>(
  { context, record, path, signal }: Followed,
  start: LogFile | undefined,
  read: Reader<T>,
): AsyncGenerator<T> {
  let file = start
  const changes = watchFolder(dirname(path), signal)
  try {
    for (;;) {
      /* Asked before reading: what was written before the end is then read after it. */
      const ended = hasEnded(context, record.id)
      if (file) yield* read(file)
      const next = nextFile(path, file)
      if (next) {
        if (file) yield* read(file)
        file?.[Symbol.dispose]()
        file = next
        continue
      }
      if (ended || signal?.aborted === true) return
      await changes.next()
    }
  } finally {
    file?.[Symbol.dispose]()
    changes.close()
  }
}

/** The file that the path names now, if that is not the one being read. */
function nextFile(path: string, current: LogFile | undefined): LogFile | undefined {
  return current === undefined || isRotated(path, current.inode) ? tryOpen(path) : undefined
}

function tryOpen(path: string): LogFile | undefined {
  try {
    return new LogFile(path)
  } catch {
    /* Between two files of a rotation, or not begun: the next change brings it. */
    return undefined
  }
}
