import type { ContainerRecord } from '../../container/record.js'
import type { UsernsPlan } from '../../runtime/protocol.js'
import { hostMapping } from '../../../rootless/ladder.js'
import { planUserns } from '../../../rootless/userns.js'
import type { Context } from '../context.js'
import type { Joined } from './donors.js'
import { readRecord } from './store.js'

/** The user namespace of a start: a new one, one nested in it, or the donor's of what is joined. */
export async function usernsOf(context: Context, record: ContainerRecord, joined: Joined): Promise<UsernsPlan> {
  const { spec } = record
  const { plan } = await hostMapping()
  const base: UsernsPlan =
    joined.donorPid === undefined ? plan : { ...plan, mode: 'join', path: `/proc/${joined.donorPid}/ns/user` }
  const autoRange = spec.namespaces.user.mode === 'auto' ? await claimAutoRange(context, record, plan) : undefined
  return planUserns(base, {
    mode: spec.namespaces.user,
    uidMap: spec.uidMap,
    gidMap: spec.gidMap,
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    ...(joined.donorPid === undefined ? {} : { donorPid: joined.donorPid }),
    ...(autoRange ? { autoRange } : {}),
  })
}

async function claimAutoRange(
  context: Context,
  record: ContainerRecord,
  plan: UsernsPlan,
): Promise<{ readonly start: number; readonly count: number }> {
  const { claimRange, defaultAutoSize } = await import('../../../rootless/auto-range.js')
  const { mapSize } = await import('../../../rootless/id-map.js')
  const { user } = record.spec.namespaces
  const size = user.mode === 'auto' ? (user.size ?? defaultAutoSize) : defaultAutoSize
  return claimRange(context.paths.graphroot, {
    owner: record.id,
    size,
    available: Math.min(mapSize(plan.uidMappings), mapSize(plan.gidMappings)),
    isOwner: (owner) => readRecord(context, owner) !== undefined,
  })
}
