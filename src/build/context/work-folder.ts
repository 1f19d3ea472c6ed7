import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from '../../base/id.js'
import { ensureFolder } from '../../state/file.js'
import { tryLock, type Lock } from '../../state/lock.js'
import type { ContextTools } from './tools.js'

/** The beginning of names in tmp/ of folders that a build works with: NAME.lock is held for as long as NAME is used. */
export const workPrefix = 'build-'

/** A folder of this process's own; what a killed one leaves is swept, as nobody holds its lock. */
export interface WorkFolder {
  /** Empty at first. */
  readonly path: string
  close(): Promise<void>
}

/** Makes an empty folder that lives until it is closed, or this process ends. */
export function makeWorkFolder(tools: Pick<ContextTools, 'tmp' | 'remove'>): WorkFolder {
  ensureFolder(tools.tmp)
  const { path, lock } = lockedName(tools.tmp)
  mkdirSync(path, { mode: 0o755 })
  return {
    path,
    async close() {
      try {
        await tools.remove(path)
      } finally {
        lock.release({ unlink: true })
      }
    },
  }
}

/** The lock is there before the folder: whoever sweeps takes a folder whose lock is free, or a lock without a folder. */
function lockedName(tmp: string): { readonly path: string; readonly lock: Lock } {
  for (;;) {
    const path = join(tmp, `${workPrefix}${randomBytes(8).toString('hex')}`)
    const lock = tryLock(`${path}.lock`)
    if (lock !== undefined) return { path, lock }
  }
}
