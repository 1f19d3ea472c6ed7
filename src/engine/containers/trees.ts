import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from '../../base/id.js'
import { hasErrno, isMissing, removeFolder } from '../../state/file.js'
import type { Context } from '../context.js'

/** The beginning of names in tmp/ of what is on its way out: whoever finds it may help. */
export const goingPrefix = 'going-'

/** Takes a folder's name away, at once and for everybody, then its content. */
export async function removeTree(context: Context, path: string): Promise<void> {
  const gone = join(context.paths.tmp, `${goingPrefix}${randomBytes(8).toString('hex')}`)
  try {
    renameSync(path, gone)
  } catch (error) {
    if (isMissing(error)) return
    throw error
  }
  await clearTree(gone)
}

/** Removes a folder whatever ids its files have: those that are not ours are removed inside the user namespace. */
export async function clearTree(path: string): Promise<void> {
  try {
    removeFolder(path)
  } catch (error) {
    if (!hasErrno(error, 'EACCES') && !hasErrno(error, 'EPERM') && !hasErrno(error, 'ENOTEMPTY')) throw error
    const { removeTrees } = await import('../../storage/remove.js')
    const { hostMapping } = await import('../../../rootless/ladder.js')
    await removeTrees([path], (await hostMapping()).plan)
  }
}
