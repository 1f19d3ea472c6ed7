import { resolve } from 'node:path'
import type { SecuritySpec } from '../../index.js'
import { invalid, parseBoolean, row } from './value.js'

type Mutable = { -readonly [K in keyof SecuritySpec]: SecuritySpec[K] }

/** All `--security-opt` values together. */
export function parseSecurityOptions(values: readonly string[]): SecuritySpec {
  const security: Mutable = {}
  for (const value of values) applyOption(security, value)
  return security
}

function applyOption(security: Mutable, text: string): void {
  const [, key = '', value] = /^([a-z-]+)(?:[=:](.*))?$/s.exec(text) ?? []
  const apply = row(appliers, key)
  if (apply === undefined) throw invalid(`unknown security option "${text}": ${Object.keys(appliers).join(', ')}`)
  apply(security, value, text)
}

const appliers: Readonly<
  Record<string, ((security: Mutable, value: string | undefined, text: string) => void) | undefined>
> = {
  'no-new-privileges': (security, value) => {
    security.noNewPrivileges = value === undefined || parseBoolean(value)
  },
  seccomp: (security, value, text) => {
    const profile = required(value, text)
    security.seccomp = profile === 'unconfined' ? profile : resolve(profile)
  },
  label: (security, value, text) => {
    const label = required(value, text)
    if (!/^(?:disable|nested|(?:user|role|type|level|filetype):.+)$/.test(label))
      throw invalid(`unknown label "${label}"`)
    security.label = [...(security.label ?? []), label]
  },
  apparmor: (security, value, text) => {
    security.apparmor = required(value, text)
  },
  mask: (security, value, text) => {
    security.mask = [...(security.mask ?? []), ...paths(required(value, text))]
  },
  unmask: (security, value, text) => {
    const wanted = required(value, text)
    security.unmask = [...(security.unmask ?? []), ...(wanted.toUpperCase() === 'ALL' ? ['ALL'] : paths(wanted))]
  },
  systempaths: (security, value, text) => {
    if (value !== 'unconfined') throw invalid(`"${text}": only systempaths=unconfined is known`)
    security.unmask = [...(security.unmask ?? []), 'ALL']
  },
  'proc-opts': (security, value, text) => {
    security.procOptions = [...(security.procOptions ?? []), ...required(value, text).split(',')]
  },
}

function required(value: string | undefined, text: string): string {
  if (value === undefined || value === '') throw invalid(`security option "${text}" needs a value`)
  return value
}

/** Podman separates them by `:`. */
function paths(text: string): string[] {
  return text.split(':').map((path) => {
    if (!path.startsWith('/')) throw invalid(`"${path}" is not an absolute path`)
    return path
  })
}

/** `CAP_NET_ADMIN`, `net_admin`, `ALL`: as the kernel names it. */
export function parseCapability(text: string): string {
  const name = text.toUpperCase()
  if (name === 'ALL') return name
  const full = name.startsWith('CAP_') ? name : `CAP_${name}`
  if (!capabilities.has(full)) throw invalid(`unknown capability "${text}"`)
  return full
}

/** capabilities(7), in the kernel's order. */
const capabilities = new Set(
  (
    'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
    'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
    'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
    'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
  )
    .split(' ')
    .map((name) => `CAP_${name}`),
)
