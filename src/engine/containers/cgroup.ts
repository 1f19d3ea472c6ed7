import { cgroupSupport, type CgroupManager } from '../../../rootless/cgroup.js'
import { planCgroup } from '../../../rootless/cgroup-plan.js'
import { defaultPidsLimit } from '../../container/complete.js'
import type { ContainerRecord } from '../../container/record.js'
import type { CgroupPlan } from '../../runtime/protocol.js'
import type { Context } from '../context.js'

const managers: readonly CgroupManager[] = ['systemd', 'cgroupfs', 'disabled']

/** Where the container's cgroup is made and what is limited there. */
export async function cgroupPlan(
  context: Context,
  record: ContainerRecord,
): Promise<{ readonly plan: CgroupPlan; readonly warnings: readonly string[] }> {
  const { spec, id } = record
  const conf = await context.conf()
  const wanted = context.options.cgroupManager ?? managers.find((manager) => manager === conf.engine.cgroup_manager)
  const support = cgroupSupport(wanted)
  // --cgroups=split: within the systemd unit that we were started by, so that its limits and its end are the container's.
  const own =
    spec.cgroups === 'split' && support.version === 2 && support.manager !== 'disabled'
      ? (await import('../../../rootless/cgroup-split.js')).splitOwnCgroup()
      : undefined
  return planCgroup(own ?? support, {
    id,
    limits: spec.resources,
    cgroups: spec.cgroups,
    insist: spec.insistsOnLimits,
    defaultPidsLimit: conf.containers.pids_limit ?? defaultPidsLimit,
    ...(spec.cgroupParent === undefined ? {} : { cgroupParent: spec.cgroupParent }),
    cgroupConf: spec.cgroupConf,
  })
}
