import type { CompleteSpec } from '../../container/complete-spec.js'
import type { ContainerRecord } from '../../container/record.js'
import type { Context } from '../context.js'
import { readRecord } from './store.js'

/** Whether a container has ids of its own: a user namespace nested in the one that all others have. */
export function hasOwnIds({ namespaces: { user }, uidMap, gidMap }: CompleteSpec): boolean {
  const nests = user.mode === 'keep-id' || user.mode === 'nomap' || user.mode === 'auto'
  return nests || uidMap.length + gidMap.length > 0
}

/** The container that a user namespace was made for, of those that share it with `--userns container:`. */
export function makerOfIds(context: Context, id: string): ContainerRecord | undefined {
  const record = readRecord(context, id)
  const user = record?.spec.namespaces.user
  return user?.mode === 'container' ? makerOfIds(context, user.container) : record
}
