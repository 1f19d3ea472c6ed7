import { watch } from 'node:fs'
import type { Context } from '../context.js'
import { isUp, observe } from './observe.js'
import { readRecord } from './store.js'

/** Whether nothing will come any more: the monitor, which writes the log, is gone. */
export function hasEnded(context: Context, id: string): boolean {
  if (readRecord(context, id) === undefined) return true
  const seen = observe(context, id)
  return !isUp(seen) && !seen.monitored
}

/** What a follower of a log waits for. */
export interface Changes {
  /** Resolves when something may have changed since it was last called. */
  next(): Promise<void>
  /** Something has. */
  notice(): void
  close(): void
}

const lookAgainMilliseconds = 500

/** Woken by a folder's changes, the log's and the state's; and now and then, since a killed monitor changes nothing. */
export function watchFolder(path: string, signal: AbortSignal | undefined): Changes {
  let wake: () => void = () => undefined
  let pending = false
  const notice = (): void => {
    pending = true
    wake()
  }
  const watcher = watch(path, notice)
  watcher.on('error', notice)
  const timer = setInterval(notice, lookAgainMilliseconds)
  signal?.addEventListener('abort', notice)
  return {
    notice,
    next: async () => {
      if (!pending) await new Promise<void>((resolve) => (wake = resolve))
      pending = false
    },
    close: () => {
      watcher.close()
      clearInterval(timer)
      signal?.removeEventListener('abort', notice)
    },
  }
}
