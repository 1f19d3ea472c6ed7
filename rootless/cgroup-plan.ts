import { statSync } from 'node:fs'
import { TspodError } from '../src/base/errors.js'
import type { CgroupPlan } from '../src/runtime/protocol.js'
import type { CgroupSupport } from './cgroup.js'

/** What a cgroup may be limited to: sizes in bytes, times in microseconds, -1 unlimited. */
export interface Limits {
  readonly memory?: number
  readonly memoryReservation?: number
  readonly memorySwap?: number
  readonly memorySwappiness?: number
  readonly cpus?: number
  readonly cpuShares?: number
  readonly cpuPeriod?: number
  readonly cpuQuota?: number
  readonly cpuRtPeriod?: number
  readonly cpuRtRuntime?: number
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
  readonly pidsLimit?: number
  readonly blkioWeight?: number
  readonly deviceReadBps?: readonly DeviceRate[]
  readonly deviceWriteBps?: readonly DeviceRate[]
  readonly deviceReadIops?: readonly DeviceRate[]
  readonly deviceWriteIops?: readonly DeviceRate[]
  readonly oomKillDisable?: boolean
}

export interface DeviceRate {
  readonly path: string
  readonly rate: number
}

export interface CgroupRequest {
  readonly id: string
  readonly limits: Limits
  readonly cgroups: 'enabled' | 'disabled' | 'no-conmon' | 'split'
  /** `--cgroups=enabled` was said, not merely the default: a limit that cannot be had is an error then. */
  readonly insist: boolean
  /** The limit of processes that nobody asked for: no warning if it cannot be had. */
  readonly defaultPidsLimit?: number
  /** A slice's name for systemd, a folder below the chosen one for cgroupfs. */
  readonly cgroupParent?: string
  /** `--cgroup-conf`: files and values as they are. */
  readonly cgroupConf?: Readonly<Record<string, string>>
}

type CgroupFile = CgroupPlan['files'][number]

/** The container's cgroup and its limits. Throws `limits-unavailable` where one was insisted on and cannot be had. */
export function planCgroup(
  support: CgroupSupport,
  request: CgroupRequest,
): { readonly plan: CgroupPlan; readonly warnings: readonly string[] } {
  const { files, unsupported } = limitFiles(request)
  if (request.cgroups === 'disabled')
    return {
      plan: { manager: 'disabled', files: [] },
      warnings: files.some((file) => file.required)
        ? ['limits are ignored: cgroups are disabled for this container']
        : [],
    }
  const possible = files.filter(({ name }) => support.controllers.includes(controllerOf(name)))
  const missing = files.filter((file) => file.required && !possible.includes(file)).map(({ name }) => name)
  if (missing.length > 0 && request.insist) throw unavailable(support, missing)
  const warnings =
    missing.length === 0
      ? unsupported
      : [...unsupported, `${limitsText(missing)} ignored: ${support.reason} ("tspod doctor" says how to change that)`]
  return { plan: { ...placeOf(support, request), files: possible }, warnings }
}

function placeOf(support: CgroupSupport, request: CgroupRequest): Omit<CgroupPlan, 'files'> {
  const { id, cgroupParent } = request
  if (support.manager === 'systemd' && support.bus !== undefined) {
    if (cgroupParent !== undefined && !/^[\w:.\\-]+\.slice$/.test(cgroupParent))
      throw new TspodError(
        'invalid-argument',
        `--cgroup-parent ${cgroupParent} is not the name of a slice, which the cgroup manager systemd wants`,
      )
    const slice = cgroupParent ?? support.slice
    return {
      manager: 'systemd',
      scope: `tspod-${id}.scope`,
      bus: support.bus,
      ...(slice === undefined ? {} : { slice }),
    }
  }
  if (support.manager === 'cgroupfs' && support.parent !== undefined) {
    const parts = (cgroupParent ?? '').split('/').filter((part) => part !== '' && part !== '.')
    if (parts.includes('..'))
      throw new TspodError('invalid-argument', `--cgroup-parent ${cgroupParent ?? ''} leads out of ${support.parent}`)
    return { manager: 'cgroupfs', path: [support.parent, ...parts, `tspod-${id}`].join('/') }
  }
  return { manager: 'disabled' }
}

function unavailable(support: CgroupSupport, missing: readonly string[]): TspodError {
  const advice = support.remedy.length === 0 ? '' : `; to change that: ${support.remedy.join('; ').replace(/:;/g, ':')}`
  return new TspodError('limits-unavailable', `${limitsText(missing)} not possible: ${support.reason}${advice}`)
}

function limitsText(files: readonly string[]): string {
  return `limits (${files.join(', ')})`
}

function controllerOf(file: string): string {
  return file.slice(0, file.indexOf('.'))
}

/** cgroup v2 files, in the order in which they are written. `required`: asked for by somebody. */
export function limitFiles(request: Pick<CgroupRequest, 'limits' | 'cgroupConf' | 'defaultPidsLimit'>): {
  readonly files: readonly CgroupFile[]
  readonly unsupported: readonly string[]
} {
  const { limits } = request
  const files = [
    ...memoryFiles(limits),
    ...cpuFiles(limits),
    ...pidsFiles(limits, request.defaultPidsLimit),
    ...ioFiles(limits),
    ...ownFiles(request.cgroupConf ?? {}),
  ]
  return { files, unsupported: notInVersion2(limits) }
}

function asked(name: string, value: string | number | undefined): CgroupFile[] {
  return value === undefined ? [] : [{ name, value: String(value), required: true }]
}

function orMax(value: number | undefined): string | number | undefined {
  return value === undefined ? undefined : value < 0 ? 'max' : value
}

/** `memorySwap` is memory and swap together; half of it is swap where only memory is limited, as everywhere. */
function memoryFiles({ memory, memorySwap, memoryReservation }: Limits): CgroupFile[] {
  const limited = memory !== undefined && memory > 0
  if (memorySwap !== undefined && memorySwap > 0 && !limited)
    throw new TspodError('invalid-argument', '--memory-swap needs --memory')
  if (memorySwap !== undefined && memorySwap > 0 && limited && memorySwap < memory)
    throw new TspodError('invalid-argument', '--memory-swap is memory and swap together, and less than --memory')
  const swap =
    memorySwap === undefined || memorySwap === 0 ? undefined : memorySwap < 0 ? 'max' : memorySwap - (memory ?? 0)
  return [
    ...asked('memory.low', memoryReservation === 0 ? undefined : orMax(memoryReservation)),
    ...asked('memory.max', memory === 0 ? undefined : orMax(memory)),
    ...(swap === undefined && limited
      ? [{ name: 'memory.swap.max', value: String(memory), required: false }]
      : asked('memory.swap.max', swap)),
  ]
}

function cpuFiles({ cpus, cpuPeriod, cpuQuota, cpuShares, cpusetCpus, cpusetMems }: Limits): CgroupFile[] {
  if (cpus !== undefined && (cpuPeriod !== undefined || cpuQuota !== undefined))
    throw new TspodError('invalid-argument', '--cpus says the same as --cpu-period and --cpu-quota: give one of them')
  const period = cpuPeriod === undefined || cpuPeriod === 0 ? 100_000 : cpuPeriod
  const quota = cpus !== undefined && cpus > 0 ? Math.round(cpus * period) : cpuQuota
  const max =
    quota !== undefined && quota > 0
      ? `${String(quota)} ${String(period)}`
      : quota !== undefined || cpuPeriod !== undefined
        ? `max ${String(period)}`
        : undefined
  return [
    ...asked('cpu.max', max),
    ...asked('cpu.weight', cpuShares === undefined || cpuShares === 0 ? undefined : cpuWeight(cpuShares)),
    ...asked('cpuset.cpus', cpusetCpus === '' ? undefined : cpusetCpus),
    ...asked('cpuset.mems', cpusetMems === '' ? undefined : cpusetMems),
  ]
}

/**
 * Docker's shares (2 … 262144, normally 1024) as a weight (1 … 10000, normally 100): a curve through these three pairs,
 * the one that the OCI runtimes agreed on, since the straight line makes 39 of 1024.
 */
export function cpuWeight(shares: number): number {
  const log = Math.log2(Math.min(Math.max(shares, 2), 262_144))
  const exponent = (log * log + 125 * log) / 612 - 7 / 34
  return Math.min(Math.max(Math.ceil(10 ** exponent - 1e-9), 1), 10_000)
}

function pidsFiles({ pidsLimit }: Limits, byDefault: number | undefined): CgroupFile[] {
  if (pidsLimit === undefined) return []
  const value = pidsLimit <= 0 ? 'max' : String(pidsLimit)
  return [{ name: 'pids.max', value, required: pidsLimit > 0 && pidsLimit !== byDefault }]
}

function ioFiles(limits: Limits): CgroupFile[] {
  const { blkioWeight } = limits
  if (blkioWeight !== undefined && blkioWeight !== 0 && (blkioWeight < 10 || blkioWeight > 1000))
    throw new TspodError('invalid-argument', '--blkio-weight is from 10 to 1000')
  const weight =
    blkioWeight === undefined || blkioWeight === 0 ? undefined : Math.floor(1 + ((blkioWeight - 10) * 9999) / 990)
  const rates = (list: readonly DeviceRate[] | undefined, key: string): CgroupFile[] =>
    (list ?? []).flatMap(({ path, rate }) =>
      asked('io.max', `${deviceNumber(path)} ${key}=${rate > 0 ? String(rate) : 'max'}`),
    )
  return [
    ...asked('io.weight', weight),
    ...rates(limits.deviceReadBps, 'rbps'),
    ...rates(limits.deviceWriteBps, 'wbps'),
    ...rates(limits.deviceReadIops, 'riops'),
    ...rates(limits.deviceWriteIops, 'wiops'),
  ]
}

/** MAJOR:MINOR of a block device (makedev(3)'s layout of 64 bits). */
function deviceNumber(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true })
  if (stat === undefined || !stat.isBlockDevice())
    throw new TspodError('invalid-argument', `${path} is not a block device`)
  const { rdev } = stat
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn)
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn)
  return `${String(major)}:${String(minor)}`
}

/** Any file of a controller; the cgroup's own (cgroup.procs …) are the engine's. */
function ownFiles(conf: Readonly<Record<string, string>>): CgroupFile[] {
  return Object.entries(conf).flatMap(([name, value]) => {
    if (!/^(?!cgroup\.)[a-z0-9_]+(\.[a-z0-9_]+)+$/i.test(name))
      throw new TspodError('invalid-argument', `--cgroup-conf ${JSON.stringify(name)} is not a controller's file`)
    return asked(name, value)
  })
}

function notInVersion2(limits: Limits): string[] {
  const swappiness = limits.memorySwappiness !== undefined && limits.memorySwappiness >= 0
  return [
    ...(swappiness ? ['--memory-swappiness is ignored: cgroup v2 has no such limit'] : []),
    ...(limits.oomKillDisable === true ? ['--oom-kill-disable is ignored: cgroup v2 cannot'] : []),
    ...((limits.cpuRtPeriod ?? 0) + (limits.cpuRtRuntime ?? 0) > 0
      ? ['--cpu-rt-period and --cpu-rt-runtime are ignored: cgroup v2 has no such limits']
      : []),
  ]
}
