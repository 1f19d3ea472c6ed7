import { drawsOnTerminal, isatty } from '../terminal.js'
import { closeSync, openSync, writeSync } from 'node:fs'
import { TspodError } from '../../base/errors.js'
import type { BuildEvent } from '../../index.js'
import { writeError } from '../output/write.js'
import { plainView } from './plain-view.js'
import { rawJsonView } from './raw-json-view.js'
import { terminalView } from './terminal-view.js'
import { silentView, type BuildView } from './view.js'

export const progressKinds = ['auto', 'plain', 'tty', 'rawjson', 'quiet'] as const
export type ProgressKind = (typeof progressKinds)[number]

export function isProgressKind(text: string): text is ProgressKind {
  return progressKinds.some((kind) => kind === text)
}

export interface ProgressOptions {
  readonly kind: ProgressKind
  /** A file that gets what is shown, instead of the standard error. */
  readonly logfile?: string
}

/** Shows a build. Give `onEvent` to the engine; call `stop` when it is over, and before anything else is written. */
export interface BuildProgress {
  readonly onEvent: (event: BuildEvent) => void
  stop(): void
}

const tickInterval = 100

export function startBuildProgress({ kind, logfile }: ProgressOptions): BuildProgress {
  const view = viewOf(logfile !== undefined && kind === 'auto' ? 'plain' : kind)
  const sink = logfile === undefined ? { write: writeError, close: () => undefined } : fileSink(logfile)
  const write = (text: string): void => {
    if (text !== '') sink.write(text)
  }
  const timer = setInterval(() => {
    write(view.tick(Date.now()))
  }, tickInterval).unref()
  let stopped = false
  return {
    onEvent(event) {
      if (!stopped) write(view.event(event, Date.now()))
    },
    stop() {
      if (stopped) return
      stopped = true
      clearInterval(timer)
      write(view.end(Date.now()))
      sink.close()
    },
  }
}

function viewOf(kind: ProgressKind): BuildView {
  switch (kind) {
    case 'quiet':
      return silentView
    case 'rawjson':
      return rawJsonView()
    case 'plain':
      return plainView()
    case 'tty':
      if (!isatty(2)) throw new TspodError('usage', '--progress tty needs a terminal: use --progress plain')
      return liveView()
    case 'auto':
      return drawsOnTerminal() ? liveView() : plainView()
  }
}

function liveView(): BuildView {
  const colour = (process.env['NO_COLOR'] ?? '') === ''
  return terminalView(() => ({ columns: process.stderr.columns || 80, rows: process.stderr.rows || 24 }), { colour })
}

function fileSink(path: string): { write(text: string): void; close(): void } {
  const fd = openLog(path)
  return {
    write(text) {
      const bytes = Buffer.from(text)
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
    },
    close() {
      closeSync(fd)
    },
  }
}

function openLog(path: string): number {
  try {
    return openSync(path, 'w', 0o644)
  } catch (error) {
    throw new TspodError('io', `opening the log ${path}`, { cause: error })
  }
}
