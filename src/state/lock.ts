import { closeSync, constants, fstatSync, openSync, statSync, unlinkSync } from 'node:fs'
import { TspodError } from '../base/errors.js'
import { tryFlock, waitFlock } from '../base/syscalls.js'
import { isMissing } from './file.js'

/** An exclusive flock(2) on a file of its own. The kernel lets go of it when the last holder's descriptor is closed. */
export interface Lock extends Disposable {
  readonly path: string
  readonly fd: number
  /** Lets go. With `unlink` the file goes too: for things that are gone themselves. */
  release(options?: { readonly unlink?: boolean }): void
}

const patienceMilliseconds = 60_000

/** Takes a lock, waiting for it. Never blocks the thread: the holder may be another operation of this very process. */
export async function acquireLock(path: string, timeoutMilliseconds = patienceMilliseconds): Promise<Lock> {
  for (;;) {
    const fd = openLockFile(path)
    try {
      await waitFlock(fd, 'exclusive', timeoutMilliseconds)
    } catch (error) {
      closeSync(fd)
      if (!(error instanceof TspodError) || error.code !== 'lock-timeout') throw error
      throw new TspodError('lock-timeout', `another tspod has held ${path} for ${timeoutMilliseconds / 1000} seconds`)
    }
    if (isStillNamed(fd, path)) return lockOf(path, fd)
    closeSync(fd)
  }
}

/** Takes a lock, or answers undefined at once if somebody holds it. */
export function tryLock(path: string): Lock | undefined {
  for (;;) {
    const fd = openLockFile(path)
    let locked = false
    try {
      locked = tryFlock(fd, 'exclusive')
    } finally {
      if (!locked) closeSync(fd)
    }
    if (!locked) return undefined
    if (isStillNamed(fd, path)) return lockOf(path, fd)
    closeSync(fd)
  }
}

/** As `tryLock`, on a folder itself; undefined also if it is not there. */
export function tryLockFolder(path: string): Lock | undefined {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  if (tryFlock(fd, 'exclusive') && isStillNamed(fd, path)) return lockOf(path, fd)
  closeSync(fd)
  return undefined
}

/** Runs a function while holding a lock. */
export async function withLock<T>(path: string, run: (lock: Lock) => T | Promise<T>): Promise<T> {
  const lock = await acquireLock(path)
  try {
    return await run(lock)
  } finally {
    lock.release()
  }
}

/** A lock that was taken on this file before, by whoever left its descriptor open here; undefined if the file is another by now. */
export function inheritedLock(path: string, fd: number): Lock | undefined {
  return isStillNamed(fd, path) ? lockOf(path, fd) : undefined
}

function lockOf(path: string, fd: number): Lock {
  let held = true
  const release = (options: { readonly unlink?: boolean } = {}): void => {
    if (!held) return
    held = false
    if (options.unlink === true) unlinkIfPresent(path)
    closeSync(fd)
  }
  return { path, fd, release, [Symbol.dispose]: () => release() }
}

function openLockFile(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
}

/** The last holder may have unlinked the file between our open and our lock: then it is nobody's. */
function isStillNamed(fd: number, path: string): boolean {
  const named = statSync(path, { throwIfNoEntry: false })
  return named !== undefined && named.ino === fstatSync(fd).ino
}

function unlinkIfPresent(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
