import { unrepeatable } from '../../base/looks.js'
import { cdiEdits, cdiFolders } from '../../config/cdi.js'
import type { ContainerSpec } from '../../container/spec.js'
import type { Context } from '../context.js'

/** A container with what the CDI devices it asks for do to it. */
export async function withCdiDevices(context: Context, spec: ContainerSpec): Promise<ContainerSpec> {
  const { cdiDevices = [] } = spec
  unrepeatable('CDI devices')
  const { env, devices, mounts, groups, hooks } = cdiEdits(cdiDevices, cdiFolders(await context.conf()))
  return {
    ...spec,
    env: { ...spec.env, ...env },
    devices: [...(spec.devices ?? []), ...devices],
    mounts: [...(spec.mounts ?? []), ...mounts.map((mount) => ({ type: 'bind' as const, ...mount }))],
    groupAdd: [...(spec.groupAdd ?? []), ...groups],
    hooks,
  }
}
