import type { Device } from '../../oci/runtime-spec.js'
import type { CompleteSpec } from '../complete-spec.js'

/**
 * Without privileges nobody makes device nodes: the host's are bound (`deviceMounts`), and so the section is empty.
 */
export function linuxDevices(_spec: CompleteSpec): Device[] {
  return []
}

/** Devices asked for, each a bind mount of the host's node. `mknod` in `access` means nothing to us. */
export function deviceMounts(
  spec: Pick<CompleteSpec, 'devices'>,
): { source: string; target: string; options: string[] }[] {
  return spec.devices.map(({ source, target, access }) => ({
    source,
    target: target === '' ? source : target,
    options: ['bind', 'nosuid', 'noexec', 'rprivate', access.includes('w') ? 'rw' : 'ro'],
  }))
}
