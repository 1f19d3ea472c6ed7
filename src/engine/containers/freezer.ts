import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Whether a container's cgroup was asked to stand still (cgroup v2, cgroup.freeze). */
export function isFrozen(cgroupPath: string | undefined): boolean {
  if (cgroupPath === undefined || cgroupPath === '') return false
  try {
    return readFileSync(join(cgroupPath, 'cgroup.freeze'), 'latin1').trim() === '1'
  } catch {
    /* No such file: version 1, the root cgroup, or gone by now. */
    return false
  }
}

/** Lets a cgroup go on, if it is there. */
export function thaw(cgroupPath: string | undefined): void {
  if (isFrozen(cgroupPath) && cgroupPath !== undefined) writeFileSync(join(cgroupPath, 'cgroup.freeze'), '0')
}
