import { closeSync, constants, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { waitFlock } from '../../src/base/syscalls.js'

/** Waits for the processes that commands have left to remove files: each holds the lock of its folder in `tmp`. */
export async function removalsEnd(tmp: string): Promise<void> {
  for (const name of namesIn(tmp)) {
    const fd = name.startsWith('going-') ? openFolder(join(tmp, name)) : undefined
    if (fd === undefined) continue
    try {
      await waitFlock(fd, 'shared', 60_000)
    } finally {
      closeSync(fd)
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function openFolder(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  } catch {
    return undefined /* gone meanwhile */
  }
}
