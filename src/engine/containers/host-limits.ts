import { unrepeatable } from '../../base/looks.js'
import { getrlimit, type Resource } from '../../base/syscalls.js'

/** The most that this process may have of what `ulimit -H` tells; -1: any amount. */
export function hardLimit(name: string): number {
  /* A start that is kept is compared by these two alone. */
  if (name !== 'nofile' && name !== 'nproc') unrepeatable(`the limit of ${name}`)
  return getrlimit(name as Resource).hard
}
