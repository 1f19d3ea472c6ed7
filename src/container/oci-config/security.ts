import { posix } from 'node:path'
import type { CompleteSpec } from '../complete-spec.js'

type SecuritySubset = Pick<CompleteSpec, 'privileged' | 'security'>

/** Podman's and Docker's masks, united. */
const defaultMasked = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
  '/sys/fs/selinux',
]

const defaultReadonly = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/** Paths that are hidden: the default ones but those unmasked, and those asked for. */
export function maskedPaths({ privileged, security }: SecuritySubset): string[] {
  const kept = privileged ? [] : defaultMasked.filter((path) => !isUnmasked(path, security.unmask))
  return [...kept, ...security.mask.filter((path) => !kept.includes(path))]
}

export function readonlyPaths({ privileged, security }: SecuritySubset): string[] {
  return privileged ? [] : defaultReadonly.filter((path) => !isUnmasked(path, security.unmask))
}

function isUnmasked(path: string, unmask: readonly string[]): boolean {
  return unmask.some((pattern) => pattern.toUpperCase() === 'ALL' || matches(path, pattern))
}

/** `/proc/*`, `/sys/fs/selinux`: a star stands for one part of a path, as in path.Match. */
function matches(path: string, pattern: string): boolean {
  const wanted = posix.normalize(pattern).split('/')
  const parts = path.split('/')
  return wanted.length === parts.length && wanted.every((part, index) => part === '*' || part === parts[index])
}
