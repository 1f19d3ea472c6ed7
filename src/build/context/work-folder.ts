import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from '../../base/id.js'
import { ensureFolder } from '../../state/file.js'
import { acquireLock } from '../../state/lock.js'
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
export async function makeWorkFolder(tools: Pick<ContextTools, 'tmp' | 'remove'>): Promise<WorkFolder> {
  ensureFolder(tools.tmp)
  const path = join(tools.tmp, `${workPrefix}${randomBytes(8).toString('hex')}`)
  /* Before the folder: whoever sweeps takes a folder whose lock is free. */
  const lock = await acquireLock(`${path}.lock`)
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
