import { closeSync, constants, fstatSync, openSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { ContainerRecord } from '../../container/record.js'
import { tryLock } from '../../state/lock.js'
import type { Paths } from '../../state/paths.js'
import type { Context } from '../context.js'
import type { EventReport } from './types.js'

/** One is kept beside the one that is written: what happened takes twice this at most. */
const maximumSize = 1024 * 1024
/** A longer line is another program's, or has labels that nobody reads: its attributes are left out. */
const maximumLine = 16 * 1024

export function eventsPath(paths: Paths): string {
  return join(paths.graphroot, 'events.jsonl')
}

/** Held (flock) by who rotates. */
export function eventsLock(paths: Paths): string {
  return join(paths.locks, 'events')
}

/**
 * Adds a line to `events.jsonl`. O_APPEND and one write keep the lines of many processes apart, without a lock. What
 * happened has happened: that it can't be written down is told, and stops nobody.
 */
export function emitEvent(context: Context, report: EventReport): void {
  const path = eventsPath(context.paths)
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
    try {
      writeSync(fd, eventLine(context.clock(), report))
      if (fstatSync(fd).size > maximumSize) rotate(context, path, fd)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    context.log(
      'warn',
      `the event ${report.Status} was not recorded: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

function eventLine(now: Date, report: EventReport): string {
  const Time = now.toISOString().replace(/Z$/, '000000Z')
  const line = JSON.stringify({ Time, ...report })
  if (line.length <= maximumLine) return `${line}\n`
  const { Attributes: _, ...short } = report
  return `${JSON.stringify({ Time, ...short })}\n`
}

/** By one process at a time, and only if the name still is of the file that was seen to be full. */
function rotate(context: Context, path: string, fd: number): void {
  const lock = tryLock(eventsLock(context.paths))
  if (!lock) return
  try {
    const named = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      if (fstatSync(named).ino === fstatSync(fd).ino) renameSync(path, `${path}.1`)
    } finally {
      closeSync(named)
    }
  } finally {
    lock.release()
  }
}

/** What every event of a container says of it. */
export function containerEvent(record: ContainerRecord, status: string, more: Partial<EventReport> = {}): EventReport {
  return {
    Type: 'container',
    Status: status,
    ID: record.id,
    Name: record.name,
    Image: record.spec.image.name,
    ...more,
    Attributes: { ...record.spec.labels, ...more.Attributes },
  }
}

/** Says what happened to an image; its ID without an algorithm, the name as it was meant. */
export function emitImageEvent(
  context: Context,
  status: string,
  about: Pick<EventReport, 'ID' | 'Name' | 'Error'>,
): void {
  emitEvent(context, { Type: 'image', Status: status, ...about })
}

export function emitVolumeEvent(context: Context, status: string, name: string): void {
  emitEvent(context, { Type: 'volume', Status: status, Name: name })
}

/** Says what happened to a container. */
export function emitContainerEvent(
  context: Context,
  record: ContainerRecord,
  status: string,
  more?: Partial<EventReport>,
): void {
  emitEvent(context, containerEvent(record, status, more))
}
