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
  return planCgroup(cgroupSupport(wanted), {
    id,
    limits: spec.resources,
    cgroups: spec.cgroups,
    insist: spec.insistsOnLimits,
    defaultPidsLimit: conf.containers.pids_limit ?? defaultPidsLimit,
    ...(spec.cgroupParent === undefined ? {} : { cgroupParent: spec.cgroupParent }),
    cgroupConf: spec.cgroupConf,
  })
}
