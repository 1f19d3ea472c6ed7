import type { Namespace, NamespaceType } from '../../oci/runtime-spec.js'
import type { CompleteSpec } from '../complete-spec.js'

/** Namespaces of other containers or processes to join, by their files in /proc. */
export type NamespacePaths = Readonly<Partial<Record<NamespaceType, string>>>

/** New ones, joined ones; the host's are left out. The user namespace is the launch plan's business. */
export function namespaces(spec: CompleteSpec, joined: NamespacePaths): Namespace[] {
  const modes: Readonly<Record<string, string>> = {
    mount: 'private',
    pid: spec.namespaces.pid.mode,
    ipc: spec.namespaces.ipc.mode,
    uts: spec.namespaces.uts.mode,
    cgroup: spec.namespaces.cgroup.mode,
    network: spec.network.mode,
  }
  const types = ['mount', 'pid', 'ipc', 'uts', 'network', 'cgroup'] as const
  return types.flatMap((type): Namespace[] => {
    const path = joined[type]
    if (path !== undefined) return [{ type, path }]
    return modes[type] === 'host' ? [] : [{ type }]
  })
}
