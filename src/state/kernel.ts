import { readText } from './file.js'

let known: string | undefined

/** `6.1.0-13-amd64`: os.release() without node:os, which takes longer to load than all else that a start looks up. */
export function kernelRelease(): string {
  known ??= readText('/proc/sys/kernel/osrelease')?.trim() ?? ''
  return known
}
