import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { requireName } from '../../container/validate.js'
import { removeFile } from '../../state/file.js'
import { emitContainerEvent } from '../events/write.js'
import type { Context } from '../context.js'
import { claimName, findContainer, idOfName, lockContainer, noSuchContainer, readRecord, saveChanges } from './store.js'

/** Gives a container another name. The new one is taken before the old one is let go: it always has one. */
export async function renameContainer(context: Context, nameOrId: string, newName: string): Promise<void> {
  requireName(newName)
  const { id } = findContainer(context, nameOrId)
  const lock = await lockContainer(context, id)
  let gone = false
  try {
    const record = readRecord(context, id)
    gone = record === undefined
    if (record === undefined) throw noSuchContainer(nameOrId)
    if (record.name === newName) throw nameInUse(newName, id)
    const taken = claimName(context, newName, id)
    if (taken && taken.takenBy !== id) throw nameInUse(newName, taken.takenBy)
    try {
      saveChanges(context, id, { name: newName })
    } catch (error) {
      removeFile(join(context.paths.names, newName))
      throw error
    }
    if (idOfName(context, record.name) === id) removeFile(join(context.paths.names, record.name))
    const renamed = { ...record, name: newName }
    const { tellMonitor } = await import('./replan.js')
    await tellMonitor(context, renamed)
    emitContainerEvent(context, renamed, 'rename')
  } finally {
    lock.release({ unlink: gone })
  }
}

function nameInUse(name: string, holder: string): TspodError {
  return new TspodError(
    'name-in-use',
    `name ${name} is in use: container already exists: the container name "${name}" is already in use by ${holder}`,
  )
}
