import { arch, cpus, freemem, hostname, release, totalmem, uptime } from 'node:os'
import { statfsSync } from 'node:fs'
import { nativeFile } from '../../base/native-dir.js'
import { allCapabilities } from '../../container/capabilities.js'
import type { IdMapping } from '../../oci/runtime-spec.js'
import { exists, readText } from '../../state/file.js'
import { cgroupSupport } from '../../../rootless/cgroup.js'
import { capabilities, currentCaller, findHelper, hostMapping } from '../../../rootless/ladder.js'
import type { Context } from '../context.js'
import { observeEach } from '../containers/observe.js'
import { storageDriver } from '../containers/rootfs.js'
import { listRecords } from '../containers/store.js'
import type { Executable, HostInfo, SecurityInfo, StoreInfo, SystemInfo } from './types.js'
import { goArchitecture, versionReport } from './version.js'

/** The host, the store, and how the one is used for the other. */
export async function systemInfo(context: Context): Promise<SystemInfo> {
  const [host, store, registries] = await Promise.all([hostInfo(context), storeInfo(context), registriesInfo(context)])
  return {
    host,
    store,
    registries,
    plugins: {
      log: ['k8s-file', 'json-file', 'journald', 'none', 'passthrough'],
      network: ['slirp4netns', 'host', 'none', 'container'],
      volume: ['local'],
    },
    version: versionReport(),
  }
}

async function hostInfo(context: Context): Promise<HostInfo> {
  const caller = { ...currentCaller(), env: context.env }
  const conf = await context.conf()
  const { rung, reason, plan } = await hostMapping(caller)
  const cgroups = cgroupSupport(context.options.cgroupManager, caller)
  const path = context.env['PATH']
  return {
    arch: goArchitecture(arch()),
    os: 'linux',
    kernel: release(),
    hostname: hostname(),
    distribution: distributionOf(readText('/etc/os-release') ?? readText('/usr/lib/os-release') ?? ''),
    cpus: cpus().length,
    memTotal: totalmem(),
    memFree: freemem(),
    ...swap(readText('/proc/meminfo') ?? ''),
    uptime: durationText(uptime()),
    cgroupVersion: cgroups.version === 2 ? 'v2' : 'v1',
    cgroupManager: cgroups.manager,
    cgroupControllers: cgroups.controllers,
    cgroupReason: cgroups.reason,
    idMappings: { rung, reason, uidmap: plan.uidMappings.map(mapLine), gidmap: plan.gidMappings.map(mapLine) },
    logDriver: conf.containers.log_driver ?? 'k8s-file',
    eventLogger: 'file',
    networkBackend: 'slirp4netns',
    rootlessNetworkCmd: 'slirp4netns',
    slirp4netns: executable('slirp4netns', path),
    pasta: executable('pasta', path),
    ociRuntime: runtimeInfo(context),
    security: securityInfo(caller.uid),
  }
}

/** Podman's names. */
function mapLine({ containerID, hostID, size }: IdMapping): HostInfo['idMappings']['uidmap'][number] {
  return { container_id: containerID, host_id: hostID, size }
}

function executable(name: string, path: string | undefined): Executable {
  return { executable: findHelper(name, path)?.path ?? '' }
}

function runtimeInfo(context: Context): HostInfo['ociRuntime'] {
  const chosen = context.options.runtime
  if (chosen !== undefined && chosen !== '')
    return { name: chosen, executable: findHelper(chosen, context.env['PATH'])?.path ?? chosen, version: '' }
  return { name: 'tspod-runtime', executable: nativeFile('tspod-runtime'), version: versionReport().version }
}

function securityInfo(uid: number): SecurityInfo {
  const effective = capabilities(readText('/proc/self/status') ?? '')
  return {
    rootless: uid !== 0,
    capabilities: allCapabilities.filter((_, number) => (effective >> BigInt(number)) % 2n === 1n).join(','),
    seccompEnabled: readText('/proc/sys/kernel/seccomp/actions_avail') !== undefined,
    apparmorEnabled: readText('/sys/module/apparmor/parameters/enabled')?.trim() === 'Y',
    selinuxEnabled: exists('/sys/fs/selinux/enforce'),
  }
}

/** os-release(5): the values may be quoted as in a shell. */
export function distributionOf(text: string): HostInfo['distribution'] {
  const value = (key: string): string => new RegExp(`^${key}=["']?([^"'\\n]*)`, 'm').exec(text)?.[1] ?? ''
  return {
    distribution: value('ID') || 'unknown',
    version: value('VERSION_ID') || 'unknown',
    codename: value('VERSION_CODENAME'),
  }
}

function swap(meminfo: string): { readonly swapTotal: number; readonly swapFree: number } {
  const bytes = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? 0) * 1024
  return { swapTotal: bytes('SwapTotal'), swapFree: bytes('SwapFree') }
}

/** `50h 3m 20s` */
export function durationText(seconds: number): string {
  const whole = Math.floor(seconds)
  return `${Math.floor(whole / 3600)}h ${Math.floor(whole / 60) % 60}m ${whole % 60}s`
}

async function storeInfo(context: Context): Promise<StoreInfo> {
  const { paths } = context
  const records = listRecords(context)
  const states = records.map(({ id }) => observeEach(context, id)?.status ?? 'unknown')
  const count = (...wanted: readonly string[]): number => states.filter((status) => wanted.includes(status)).length
  const { listImages } = await import('../images/query.js')
  const driver = await storageDriver(context)
  const disk = statfsSync(paths.graphroot)
  return {
    graphRoot: paths.graphroot,
    runRoot: paths.runroot,
    volumePath: paths.volumes,
    graphDriverName: driver.name,
    graphDriverReason: driver.reason,
    graphRootAllocated: disk.blocks * disk.bsize,
    graphRootUsed: (disk.blocks - disk.bfree) * disk.bsize,
    containerStore: {
      number: records.length,
      paused: count('paused'),
      running: count('running'),
      stopped: records.length - count('running', 'paused'),
    },
    imageStore: { number: new Set((await listImages(context)).map(({ id }) => id)).size },
  }
}

async function registriesInfo(context: Context): Promise<Readonly<Record<string, unknown>>> {
  const { readRegistriesConfig } = await import('../../config/registries-conf.js')
  const { searchRegistries, registries } = readRegistriesConfig(context.env)
  const entries = registries.map((entry) => [
    entry.prefix,
    {
      Prefix: entry.prefix,
      Location: entry.location ?? '',
      Insecure: entry.insecure,
      Blocked: entry.blocked,
      Mirrors: entry.mirrors.map(({ location, insecure }) => ({ Location: location, Insecure: insecure })),
    },
  ])
  return { ...Object.fromEntries(entries), ...(searchRegistries === undefined ? {} : { search: searchRegistries }) }
}
