import { TspodError } from '../../base/errors.js'
import type { Context } from '../context.js'
import { listContainers } from './query.js'
import { removeContainer } from './remove.js'

/** Removes every container that does not run and that the filters match. Returns the IDs. */
export async function pruneContainers(context: Context, filters: readonly string[] = []): Promise<string[]> {
  const removed: string[] = []
  /* What shares namespaces of another is younger than that, and goes first. */
  for (const { id, status } of (await listContainers(context, { all: true, filters })).toReversed()) {
    if (status !== 'exited' && status !== 'created') continue
    try {
      removed.push(await removeContainer(context, id))
    } catch (error) {
      /* Started or removed meanwhile: not ours to prune. */
      if (!(error instanceof TspodError)) throw error
      context.log('debug', `not pruned: ${error.message}`)
    }
  }
  return removed
}
