import { namesIn } from '../../state/collection.js'
import { join } from 'node:path'
import { removeFolder } from '../../state/file.js'
import { removeContainer } from '../containers/remove.js'
import { keptStartsFolder } from '../containers/kept-start.js'
import { clearTree } from '../containers/trees.js'
import type { Context } from '../context.js'
import { isId } from '../../base/id.js'

/** Ends every container and removes all that there is: containers, images, volumes, networks, caches. */
export async function resetSystem(context: Context): Promise<void> {
  const { paths } = context
  for (const id of namesIn(paths.containers).filter(isId)) {
    try {
      await removeContainer(context, id, { force: true, volumes: true, timeoutSeconds: 0, depend: true })
    } catch (error) {
      /* One that it depended on took it along, or it is broken: its folder goes with the rest. */
      context.log('debug', `container ${id}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  for (const folder of [paths.graphroot, paths.runroot])
    for (const name of namesIn(folder)) await clearTree(join(folder, name))
  const session = context.env['XDG_RUNTIME_DIR'] ?? ''
  if (session !== '') removeFolder(join(session, keptStartsFolder))
}
