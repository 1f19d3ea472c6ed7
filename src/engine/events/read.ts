import { closeSync, constants, fstatSync, openSync, readSync, statSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { millisecondsOf, type Moment, momentOf, parseTimestamp } from '../../base/moment.js'
import { isMissing } from '../../state/file.js'
import type { Context } from '../context.js'
import { compileEventFilters } from './filters.js'
import { eventTypes, type EngineEvent, type EventOptions } from './types.js'
import { eventsPath } from './write.js'

/** What happened, the oldest first; with `follow` what happens, until the signal or `until`. */
export async function* readEvents(context: Context, options: EventOptions = {}): AsyncGenerator<EngineEvent> {
  const matches = compileEventFilters(options.filters ?? [])
  const { since, until } = bounds(context, options)
  const reading = { follow: options.follow === true, past: !startsNow(options), until, signal: options.signal }
  for await (const line of lines(context, reading)) {
    const event = parseEvent(line)
    if (event === undefined || !matches(event)) continue
    const time = parseTimestamp(event.Time)
    if (time !== undefined && time >= since && (until === undefined || time <= until)) yield event
  }
}

/** As Podman: who only follows hears what comes from now on. */
function startsNow({ follow, since, until }: EventOptions): boolean {
  return follow === true && since === undefined && until === undefined
}

interface Bounds {
  readonly since: Moment
  /** None for who follows for ever. */
  readonly until: Moment | undefined
}

/** Both are of what is meant. Without one, what is told ends with this millisecond. */
function bounds(context: Context, { since = 0n, until, follow }: EventOptions): Bounds {
  const from = { since: momentOf(since) }
  if (until !== undefined) return { ...from, until: momentOf(until) }
  return { ...from, until: follow === true ? undefined : momentOf(context.clock()) + 1_000_000n }
}

interface Reading extends Pick<Bounds, 'until'> {
  readonly follow: boolean
  readonly past: boolean
  readonly signal: AbortSignal | undefined
}

async function* lines(context: Context, options: Reading): AsyncGenerator<string> {
  const path = eventsPath(context.paths)
  /* Watched before anything is read, so that nothing falls between the two. */
  const changes = options.follow ? watchFile(context, path, options) : undefined
  let current: EventFile | undefined
  try {
    if (options.past) {
      using before = tryOpen(`${path}.1`)
      if (before) yield* before.lines()
    }
    current = tryOpen(path)
    if (!options.past) current?.skip()
    for (;;) {
      if (current) yield* current.lines()
      const next = isNamed(path, current) ? undefined : tryOpen(path)
      if (next) {
        /* What was written between the last read and the rotation. */
        if (current) yield* current.lines()
        current?.[Symbol.dispose]()
        current = next
        continue
      }
      if (changes === undefined || !(await changes.next())) return
    }
  } finally {
    changes?.close()
    current?.[Symbol.dispose]()
  }
}

const chunkSize = 64 * 1024
const maximumLine = 1024 * 1024

/** A file that grows: whole lines only. */
class EventFile {
  readonly #fd: number
  readonly inode: number
  #position = 0

  constructor(path: string) {
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    this.inode = fstatSync(this.#fd).ino
  }

  /** To the end. */
  skip(): void {
    this.#position = fstatSync(this.#fd).size
  }

  *lines(): Generator<string> {
    let rest = Buffer.alloc(0)
    const chunk = Buffer.allocUnsafe(chunkSize)
    for (;;) {
      const count = readSync(this.#fd, chunk, 0, chunkSize, this.#position + rest.length)
      if (count === 0) return
      rest = Buffer.concat([rest, chunk.subarray(0, count)])
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        const line = rest.toString('utf8', 0, end)
        rest = rest.subarray(end + 1)
        this.#position += end + 1
        yield line
      }
      if (rest.length > maximumLine) {
        this.#position += rest.length
        rest = Buffer.alloc(0)
      }
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}

function tryOpen(path: string): EventFile | undefined {
  try {
    return new EventFile(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function isNamed(path: string, file: EventFile | undefined): boolean {
  return file !== undefined && statSync(path, { throwIfNoEntry: false })?.ino === file.inode
}

interface Changes {
  /** Resolves true when the file may have changed, false when nothing more is wanted. */
  next(): Promise<boolean>
  close(): void
}

function watchFile(context: Context, path: string, { signal, until }: Reading): Changes {
  let wake: () => void = () => undefined
  let pending = false
  let over = false
  const notice = (): void => {
    pending = true
    wake()
  }
  const finish = (): void => {
    over = true
    notice()
  }
  const name = basename(path)
  const watcher = watch(dirname(path), (_, changed) => {
    if (changed === null || changed === name) notice()
  })
  watcher.on('error', finish)
  signal?.addEventListener('abort', finish)
  if (signal?.aborted === true) finish()
  const timer = until === undefined ? undefined : timerAt(until, context.clock(), finish)
  return {
    next: async () => {
      if (!pending) await new Promise<void>((resolve) => (wake = resolve))
      pending = false
      return !over
    },
    close: () => {
      watcher.close()
      timer?.()
      signal?.removeEventListener('abort', finish)
    },
  }
}

/** Longer than a timer can be is for ever. Returns how to stop it. */
function timerAt(moment: Moment, now: Date, action: () => void): () => void {
  const milliseconds = millisecondsOf(moment) - now.getTime()
  if (milliseconds > 2 ** 31 - 1) return () => undefined
  const timer = setTimeout(action, Math.max(0, milliseconds))
  return () => clearTimeout(timer)
}

function parseEvent(line: string): EngineEvent | undefined {
  try {
    const value = JSON.parse(line) as EngineEvent | null
    const known =
      value !== null &&
      eventTypes.includes(value.Type) &&
      typeof value.Status === 'string' &&
      !Number.isNaN(Date.parse(value.Time))
    return known ? value : undefined
  } catch {
    /* Half a line, of a disk that was full. */
    return undefined
  }
}
