import { statSync } from 'node:fs'
import { TspodError } from '../../base/errors.js'
import type { Resources, ThrottleDevice } from '../../oci/runtime-spec.js'
import type { CompleteSpec } from '../complete-spec.js'
import type { DeviceRate, ResourceSpec } from '../spec.js'

type ResourceSubset = Pick<CompleteSpec, 'resources' | 'cgroupConf'>

const cpuPeriod = 100_000

/** The limits in the specification's terms. The cgroup plan (rootless/) turns the same into files. */
export function resources({ resources: asked, cgroupConf }: ResourceSubset): Resources {
  const unified = Object.keys(cgroupConf).length > 0 ? { unified: cgroupConf } : {}
  return {
    ...section('memory', memory(asked)),
    ...section('cpu', cpu(asked)),
    ...pids(asked),
    ...blockIO(asked),
    ...unified,
  }
}

function memory(asked: ResourceSpec): NonNullable<Resources['memory']> {
  const { memory: limit, memorySwap } = asked
  const swap = memorySwap ?? (limit === undefined || limit <= 0 ? undefined : limit * 2)
  return withoutUndefined({
    limit: limit === 0 ? undefined : limit,
    reservation: asked.memoryReservation,
    swap: swap === 0 ? undefined : swap,
    swappiness: asked.memorySwappiness,
    disableOOMKiller: asked.oomKillDisable,
  })
}

function cpu(asked: ResourceSpec): NonNullable<Resources['cpu']> {
  const byCpus = asked.cpus === undefined || asked.cpus <= 0 ? undefined : Math.round(asked.cpus * cpuPeriod)
  return withoutUndefined({
    shares: asked.cpuShares,
    quota: asked.cpuQuota ?? byCpus,
    period: asked.cpuPeriod ?? (byCpus === undefined ? undefined : cpuPeriod),
    realtimePeriod: asked.cpuRtPeriod,
    realtimeRuntime: asked.cpuRtRuntime,
    cpus: asked.cpusetCpus,
    mems: asked.cpusetMems,
  })
}

function pids({ pidsLimit }: ResourceSpec): Resources {
  return pidsLimit === undefined || pidsLimit <= 0 ? {} : { pids: { limit: pidsLimit } }
}

function blockIO(asked: ResourceSpec): Resources {
  return section(
    'blockIO',
    withoutUndefined({
      weight: asked.blkioWeight,
      throttleReadBpsDevice: asked.deviceReadBps?.map(throttle),
      throttleWriteBpsDevice: asked.deviceWriteBps?.map(throttle),
      throttleReadIOPSDevice: asked.deviceReadIops?.map(throttle),
      throttleWriteIOPSDevice: asked.deviceWriteIops?.map(throttle),
    }),
  )
}

function throttle({ path, rate }: DeviceRate): ThrottleDevice {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat?.isBlockDevice()) throw new TspodError('invalid-argument', `${path} is not a block device`)
  return { major: majorOf(stat.rdev), minor: minorOf(stat.rdev), rate }
}

/** makedev(3) of the C library: 12 bits of major, 20 of minor, interleaved. */
function majorOf(device: number): number {
  return (device >> 8) & 0xfff
}

function minorOf(device: number): number {
  return (device & 0xff) | ((device >> 12) & 0xfff00)
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>
}

function section<K extends keyof Resources>(key: K, value: Resources[K] & object): Resources {
  return Object.keys(value).length === 0 ? {} : { [key]: value }
}
