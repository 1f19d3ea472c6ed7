import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from '../../base/id.js'
import { hasErrno, isMissing, removeFolder } from '../../state/file.js'
import type { Disposal } from '../../storage/disposal.js'
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

/** So many trees are removed at once; the files of further ones are left to a process that outlives the command. */
const removedAtOnce = 8

interface Removals {
  count: number
  disposal?: Disposal
}

const removals = new WeakMap<Context, Removals>()

/** One of many `removeTree`s: its name goes at once, its files perhaps after `endRemovals`, which has to follow. */
export async function removeTreeOfMany(context: Context, path: string): Promise<void> {
  const own = removals.get(context) ?? { count: 0 }
  removals.set(context, own)
  own.count += 1
  if (own.count <= removedAtOnce) return removeTree(context, path)
  const { Disposal } = await import('../../storage/disposal.js')
  own.disposal ??= new Disposal(context.paths.tmp)
  own.disposal.take(path)
}

/** Begins to remove the files that are left; resolves once that is under way. */
export async function endRemovals(context: Context): Promise<void> {
  const disposal = removals.get(context)?.disposal
  removals.delete(context)
  if (disposal === undefined) return
  const { hostMapping } = await import('../../../rootless/ladder.js')
  using begun = disposal
  await begun.begin(async () => (await hostMapping()).plan)
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
