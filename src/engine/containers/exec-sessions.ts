import { closeSync, lstatSync, openSync } from 'node:fs'
import { isId } from '../../base/id.js'
import { tryFlock } from '../../base/syscalls.js'
import { namesIn } from '../../state/collection.js'

/** Until a session's monitor has its plan. */
const patienceMilliseconds = 5000

/** The exec sessions that are going on in a container: their monitors hold locks on their plans. */
export function execSessions(runDir: string): string[] {
  const folder = `${runDir}/exec`
  return namesIn(folder).flatMap((name) => {
    const id = name.replace(/\.json$/, '')
    return isId(id) && isGoingOn(`${folder}/${name}`) ? [id] : []
  })
}

function isGoingOn(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return false
  if (Date.now() - stat.mtimeMs < patienceMilliseconds) return true
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    /* It has just ended. */
    return false
  }
  try {
    return !tryFlock(fd, 'shared')
  } finally {
    closeSync(fd)
  }
}
