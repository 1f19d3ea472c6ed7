import { TspodError } from '../base/errors.js'
import type { CompleteSpec } from './complete-spec.js'

/** Refuses what cannot work, with one sentence why. Returns the sentences about what is merely without effect. */
export function validateSpec(spec: CompleteSpec): string[] {
  for (const rule of rules) {
    const sentence = rule(spec)
    if (sentence !== undefined) throw new TspodError('invalid-argument', sentence)
  }
  return warnings.flatMap((rule) => rule(spec) ?? [])
}

/** Refuses what is not a container's name. */
export function requireName(name: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,252}$/.test(name)) return name
  throw new TspodError('invalid-argument', 'names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument')
}

/** Whether there is nothing to forward ports to: the host's network is there already, another's has its own. */
export function withoutPorts({ mode }: CompleteSpec['network']): boolean {
  return mode === 'host' || mode === 'none' || mode === 'container'
}

type Rule = (spec: CompleteSpec) => string | undefined

const rules: readonly Rule[] = [
  ({ remove, restart }) =>
    remove && restart.name !== 'no' && restart.name !== 'on-failure'
      ? 'the --rm option conflicts with --restart, when the restartPolicy is not "" and "no"'
      : undefined,
  ({ restart }) =>
    restart.maximumRetries > 0 && restart.name !== 'on-failure'
      ? 'a number of retries only goes with the restart policy on-failure'
      : undefined,
  ({ hostname, namespaces }) =>
    hostname !== '' && namespaces.uts.mode !== 'private' && namespaces.uts.mode !== 'none'
      ? `cannot set a hostname when ${whose(namespaces.uts.mode)} UTS namespace is used`
      : undefined,
  ({ hostname }) => (hostname.length > 64 ? `hostname "${hostname}" is longer than 64 characters` : undefined),
  ({ hostname }) => (/[\s\0/]/.test(hostname) ? 'a hostname has no blanks or slashes' : undefined),
  ({ workdir }) => (workdir.startsWith('/') ? undefined : `working directory "${workdir}" is not an absolute path`),
  ({ network, dns, dnsSearch, dnsOption }) =>
    dns.length + dnsSearch.length + dnsOption.length > 0 && (network.mode === 'none' || network.mode === 'container')
      ? `conflicting options: dns and the network mode: ${network.mode}`
      : undefined,
  ({ init, namespaces }) =>
    init && namespaces.pid.mode === 'host'
      ? "cannot add an init as process 1: the PID namespace is the host's"
      : undefined,
  ({ resources: { memory, memorySwap } }) =>
    memory !== undefined && memorySwap !== undefined && memorySwap >= 0 && memorySwap < memory
      ? 'the memory swap limit must be larger than the memory limit'
      : undefined,
  ({ resources: { memory, memorySwap } }) =>
    memorySwap !== undefined && memorySwap > 0 && (memory === undefined || memory <= 0)
      ? 'a memory limit must be set together with the memory swap limit'
      : undefined,
  ({ resources: { cpus, cpuQuota, cpuPeriod } }) =>
    cpus !== undefined && cpus > 0 && (cpuQuota !== undefined || cpuPeriod !== undefined)
      ? '--cpus cannot be used together with --cpu-period or --cpu-quota'
      : undefined,
  ({ rootfs, mounts }) =>
    rootfs && !rootfs.overlay && mounts.some((mount) => mount.type === 'image' && mount.writable)
      ? 'a writable image mount needs a container with a layer of its own'
      : undefined,
  ({ timezone }) =>
    timezone !== undefined && timezone !== 'local' && !/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/.test(timezone)
      ? `timezone "${timezone}" is not a name of the time zone database`
      : undefined,
  (spec) => badSysctl(spec),
  (spec) => badEnvironment(spec),
]

const warnings: readonly Rule[] = [
  ({ network, publish, publishAll }) =>
    withoutPorts(network) && (publish.length > 0 || publishAll)
      ? `port mappings have been discarded: there are none with --network ${network.mode}`
      : undefined,
]

const ipcSysctls = ['kernel.msgmax', 'kernel.msgmnb', 'kernel.msgmni', 'kernel.sem', 'kernel.shm_rmid_forced']
const shmSysctls = ['kernel.shmall', 'kernel.shmmax', 'kernel.shmmni']

/** Only what belongs to a namespace of the container's own; the rest would be the host's. */
function badSysctl({ sysctl, network, namespaces }: CompleteSpec): string | undefined {
  for (const [key, value] of Object.entries(sysctl)) {
    if (!/^[a-z0-9_]+([./][A-Za-z0-9_*-]+)+$/.test(key) || key.includes('..')) return `invalid sysctl "${key}"`
    if (/[\0\n]/.test(value)) return `invalid value of sysctl "${key}"`
    const namespace = sysctlNamespace(key)
    if (namespace === undefined) return `sysctl "${key}" is not allowed: it does not belong to a namespace`
    const mode = namespace === 'network' ? network.mode : namespaces[namespace].mode
    if (mode === 'host') return `sysctl "${key}" is not allowed, since the host's ${namespace} namespace is used`
  }
  return undefined
}

function sysctlNamespace(key: string): 'network' | 'ipc' | 'uts' | undefined {
  const name = key.replaceAll('/', '.')
  if (name.startsWith('net.')) return 'network'
  if (name.startsWith('fs.mqueue.') || ipcSysctls.includes(name) || shmSysctls.includes(name)) return 'ipc'
  if (name === 'kernel.domainname' || name === 'kernel.hostname') return 'uts'
  return undefined
}

function badEnvironment({ env }: CompleteSpec): string | undefined {
  const bad = env.find((text) => text.startsWith('=') || text.includes('\0'))
  return bad === undefined ? undefined : 'a variable of the environment needs a name, and no NUL byte'
}

function whose(mode: string): string {
  return mode === 'host' ? "the host's" : "another container's"
}
