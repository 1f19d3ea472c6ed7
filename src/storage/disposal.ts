import { mkdirSync, renameSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../base/errors.js'
import { newId } from '../base/id.js'
import type { UsernsPlan } from '../runtime/protocol.js'
import { ensureFolder, folderMode, isMissing } from '../state/file.js'
import { tryLockFolder, type Lock } from '../state/lock.js'
import { removeTreesLater } from './remove.js'

/** engine/containers/trees.ts: what is on its way out. */
const goingPrefix = 'going-'

/**
 * Takes trees away: their names at once, their files by a process that goes on when the command has ended. The folder that they
 * lie in is locked until it is gone, so that whoever clears litter leaves it alone; if the process is killed, it is litter.
 */
export class Disposal implements Disposable {
  readonly #tmp: string
  #lock: Lock | undefined
  #count = 0

  /** `tmp`: on the same file system as the trees. */
  constructor(tmp: string) {
    this.#tmp = tmp
  }

  /** Takes a tree's name away; false if it is not there. */
  take(path: string): boolean {
    this.#lock ??= lockedFolder(this.#tmp)
    try {
      renameSync(path, join(this.#lock.path, String(this.#count)))
    } catch (error) {
      if (isMissing(error)) return false
      throw new TspodError('io', `removing ${path}`, { cause: error })
    }
    this.#count++
    return true
  }

  /** Begins to remove what was taken. `plan`: asked for only if there is something. */
  async begin(plan: () => Promise<UsernsPlan>): Promise<void> {
    if (this.#lock === undefined) return
    if (this.#count > 0) await removeTreesLater([this.#lock.path], await plan(), this.#lock.fd)
    else rmdirSync(this.#lock.path)
    this.#lock.release()
    this.#lock = undefined
  }

  /** What was taken and not begun with is litter now. */
  [Symbol.dispose](): void {
    this.#lock?.release()
  }
}

/** A new folder in tmp/ and its lock; whoever sees it before it is locked may take it for litter. */
function lockedFolder(tmp: string): Lock {
  ensureFolder(tmp)
  for (;;) {
    const path = join(tmp, `${goingPrefix}${newId()}`)
    mkdirSync(path, { mode: folderMode })
    const lock = tryLockFolder(path)
    if (lock !== undefined) return lock
  }
}
