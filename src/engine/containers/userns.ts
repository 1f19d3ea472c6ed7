import type { ContainerRecord } from '../../container/record.js'
import type { UsernsPlan } from '../../runtime/protocol.js'
import { hostMapping } from '../../../rootless/ladder.js'
import { planUserns, type UsernsRequest } from '../../../rootless/userns.js'
import type { Context } from '../context.js'
import type { Joined } from './donors.js'
import { hasOwnIds, makerOfIds } from './own-ids.js'
import { readRecord } from './store.js'

/** The user namespace of a start: a new one, one nested in it, or the donor's of what is joined. */
export async function usernsOf(context: Context, record: ContainerRecord, joined: Joined): Promise<UsernsPlan> {
  const { plan } = await hostMapping()
  const { donor } = joined
  const own = record.spec.namespaces.user
  if (donor === undefined || own.mode === 'path') return planUserns(plan, await requestOf(context, record, plan))
  const base: UsernsPlan = { ...plan, mode: 'join', path: `/proc/${donor.pid}/ns/user` }
  const maker = makerOfIds(context, donor.id)
  if (maker === undefined || !hasOwnIds(maker.spec))
    return planUserns(base, { ...(await requestOf(context, record, plan)), donorPid: donor.pid })
  /* What is the donor's can be joined from the namespace around its own, where the layers have their owners. */
  const around: UsernsPlan = { ...base, parent: true }
  if (own.mode !== 'container') return planUserns(around, await requestOf(context, record, plan))
  const { nested } = planUserns(plan, await requestOf(context, maker, plan))
  return nested === undefined ? base : { ...around, nested: { ...nested, joined: true } }
}

async function requestOf(context: Context, record: ContainerRecord, plan: UsernsPlan): Promise<UsernsRequest> {
  const { spec } = record
  const autoRange = spec.namespaces.user.mode === 'auto' ? await claimAutoRange(context, record, plan) : undefined
  return {
    mode: spec.namespaces.user,
    uidMap: spec.uidMap,
    gidMap: spec.gidMap,
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    ...(autoRange ? { autoRange } : {}),
  }
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
