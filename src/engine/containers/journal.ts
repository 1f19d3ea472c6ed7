import { dirname } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { type Moment, momentOf } from '../../base/moment.js'
import { type RunningCommand, startCommand } from '../../runtime/command.js'
import type { Context } from '../context.js'
import { JournalExport, type JournalEntry } from './journal-export.js'
import { hasEnded, watchFolder } from './log-changes.js'
import { bootId, observe } from './observe.js'
import { containerPaths } from './store.js'
import type { LogLine, LogOptions } from './types.js'

/** How far the journal has been read. */
interface Position {
  /** journald's name for the last entry that was seen. */
  cursor?: string | undefined
  /** When the last run that is known to be read to its end was, in microseconds since 1970. */
  end: number
}

/**
 * A container's lines in the journal, as `containerLogs` has them. The journal is read by journalctl. journald takes
 * datagrams when it has the time, so the monitor sends an entry of its own after a run's last line, without a message:
 * whoever has seen it has seen all.
 */
export async function* journalLines(context: Context, id: string, options: LogOptions): AsyncGenerator<LogLine> {
  const position: Position = { end: 0 }
  const { tail } = options
  if (tail === undefined || tail < 0) yield* pastLines(context, id, options, position)
  else yield* await lastLines(context, id, tail, position)
  if (options.follow === true || hasEnded(context, id)) yield* comingLines(context, id, options, position)
}

async function* pastLines(context: Context, id: string, { since }: LogOptions, position: Position) {
  const from = since === undefined ? [] : [`--since=@${secondsOf(momentOf(since))}`]
  for await (const entry of entries(context, id, from)) yield* lineOf(entry, position)
}

/** With the microseconds that the journal counts; what is older by less is left out by who asked. */
function secondsOf(moment: Moment): string {
  const microseconds = moment < 0n ? 0n : moment / 1000n
  return `${String(microseconds / 1_000_000n)}.${String(microseconds % 1_000_000n).padStart(6, '0')}`
}

/** So many lines from the end, found from there. A record that continues a line is a part of it. */
async function lastLines(context: Context, id: string, tail: number, position: Position): Promise<LogLine[]> {
  const found: LogLine[] = []
  let lines = 0
  for await (const entry of entries(context, id, ['--reverse'])) {
    const own: Position = { end: 0 }
    const [line] = lineOf(entry, own)
    position.cursor ??= own.cursor
    position.end ||= own.end
    if (line === undefined) continue
    if (found.length === 0 || !line.partial) lines++
    if (lines > tail) break
    found.push(line)
  }
  return found.reverse()
}

/** How long after a container's end the journal may be silent without the monitor's last word: it was killed. */
const patienceMilliseconds = 5000

/** What comes after `position`, until the container has ended and all is read. */
async function* comingLines(context: Context, id: string, { signal }: LogOptions, position: Position) {
  let started = startOf(context, id) ?? 0
  const isOver = (): boolean => hasEnded(context, id) && position.end >= started
  if (isOver()) return
  const changes = watchFolder(dirname(containerPaths(context.paths, id).state), signal)
  const from = position.cursor === undefined ? [] : [`--after-cursor=${position.cursor}`]
  await using command = await journalctl(context, id, ['--follow', '--no-tail', ...from])
  const { output } = command
  const parser = new JournalExport()
  try {
    for (const event of ['readable', 'end', 'error']) output.on(event, changes.notice)
    for (let quietSince = Date.now(); signal?.aborted !== true; await changes.next()) {
      const ended = hasEnded(context, id)
      if (!ended) quietSince = Date.now()
      started = startOf(context, id) ?? started
      for (let bytes = read(output); bytes !== undefined; bytes = read(output)) {
        quietSince = Date.now()
        for (const entry of parser.read(bytes)) yield* lineOf(entry, position)
      }
      if (output.readableEnded) await requireSuccess(command)
      if (output.readableEnded || isOver() || (ended && Date.now() - quietSince > patienceMilliseconds)) return
    }
  } finally {
    changes.close()
  }
}

function read(output: RunningCommand['output']): Buffer | undefined {
  return (output.read() as Buffer | null) ?? undefined
}

/** When the run began whose end the journal has or will have, in microseconds since 1970; undefined if it is gone. */
function startOf(context: Context, id: string): number | undefined {
  const { state } = observe(context, id)
  // Nobody said a last word before the power was cut.
  if (state !== undefined && state.bootId !== bootId()) return 0
  const [, seconds = '', fraction = ''] = /^(.*?)(?:\.(\d+))?(?:Z|\+00:00)$/.exec(state?.startedAt ?? '') ?? []
  const start = Date.parse(`${seconds}Z`) * 1000
  return Number.isNaN(start) ? undefined : start + Number(fraction.slice(0, 6).padEnd(6, '0'))
}

async function* entries(context: Context, id: string, options: readonly string[]): AsyncGenerator<JournalEntry> {
  await using command = await journalctl(context, id, options)
  const parser = new JournalExport()
  for await (const bytes of command.output) yield* parser.read(bytes as Buffer)
  await requireSuccess(command)
}

const fields = ['MESSAGE', 'PRIORITY', 'CONTAINER_PARTIAL_MESSAGE', 'TSPOD_LOG_END']

/** Only what this user's processes have sent: anybody may send such fields, but none can say who he is. */
function journalctl(context: Context, id: string, options: readonly string[]): Promise<RunningCommand> {
  const own = `_UID=${String(process.getuid?.() ?? 0)}`
  const matches = [own, `CONTAINER_ID_FULL=${id}`, '+', own, `TSPOD_LOG_END=${id}`]
  const form = ['--quiet', '--no-pager', '--output=export', `--output-fields=${fields.join(',')}`]
  return startCommand('journalctl', [...form, ...options, ...matches], context)
}

async function requireSuccess({ ended }: RunningCommand): Promise<void> {
  const { status, stderr } = await ended
  if (status === 0) return
  const said = stderr.trim().split('\n').at(-1) ?? ''
  throw new TspodError('host-requirement', `the journal cannot be read: ${said === '' ? 'journalctl failed' : said}`)
}

/** The line that an entry is, if it is one. */
function lineOf(entry: JournalEntry, position: Position): readonly LogLine[] {
  const time = Number(entry.get('__REALTIME_TIMESTAMP')?.toString('latin1'))
  const cursor = entry.get('__CURSOR')?.toString('latin1')
  if (cursor !== undefined) position.cursor = cursor
  if (entry.has('TSPOD_LOG_END')) position.end = time
  const text = entry.get('MESSAGE')
  if (text === undefined) return []
  const stream = entry.get('PRIORITY')?.toString('latin1') === '3' ? 'stderr' : 'stdout'
  return [
    { timestamp: timestampOf(time), stream, partial: entry.has('CONTAINER_PARTIAL_MESSAGE'), text: Buffer.from(text) },
  ]
}

/** Microseconds since 1970 as the other drivers' records have them. */
function timestampOf(microseconds: number): string {
  const text = new Date(Math.floor(microseconds / 1000)).toISOString()
  return `${text.slice(0, -1)}${String(microseconds % 1000).padStart(3, '0')}000+00:00`
}
