import { readlinkSync } from 'node:fs'
import { TspodError } from '../../base/errors.js'

/**
 * The descriptors of `--preserve-fds N`: 3 to 2 + N, each of which the caller must have left open. What is not becomes
 * Node's own, which no container may have: the first that Node opens, at the lowest free number, is an event poll.
 */
export function preservedFds(count: number): number[] {
  const fds = Array.from({ length: count }, (_, index) => index + 3)
  const missing = fds.find((fd) => isOwn(fd))
  if (missing === undefined) return fds
  throw new TspodError(
    'invalid-argument',
    `file descriptor ${missing} is not available - the preserve-fds option requires that file descriptors must be passed`,
  )
}

function isOwn(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventpoll]'
  } catch {
    /* There is none. */
    return true
  }
}
