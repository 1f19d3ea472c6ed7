import { TspodError } from '../base/errors.js'

/** Every capability in the order of its number (linux/capability.h). */
export const allCapabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const

/** Podman's. */
export const defaultCapabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
] as const

const known: ReadonlySet<string> = new Set(allCapabilities)

/** `net_raw`, `NET_RAW`, `CAP_NET_RAW` ─► `CAP_NET_RAW`; `all` stays `ALL`. */
export function capabilityName(text: string): string {
  const upper = text.toUpperCase()
  if (upper === 'ALL') return 'ALL'
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`
  if (known.has(name)) return name
  throw new TspodError('invalid-argument', `unknown capability "${text}"`)
}

/** The default set with additions and removals, as Podman merges them: `--cap-drop all --cap-add x` leaves x. */
export function mergeCapabilities(base: readonly string[], add: readonly string[], drop: readonly string[]): string[] {
  const added = add.map(capabilityName)
  const dropped = drop.map(capabilityName)
  for (const name of added) {
    if (dropped.includes(name)) {
      throw new TspodError('invalid-argument', `capability "${name}" cannot be dropped and added at once`)
    }
  }
  const addAll = added.includes('ALL')
  const dropAll = dropped.includes('ALL')
  const start: readonly string[] = addAll ? allCapabilities : dropAll ? [] : base.map(capabilityName)
  const names = new Set([...start, ...added.filter((name) => name !== 'ALL')])
  for (const name of dropped) names.delete(name)
  return allCapabilities.filter((name) => names.has(name))
}
