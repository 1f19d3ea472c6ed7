import { signalName } from '../../base/signals.js'
import type { ContainerRecord } from '../../container/record.js'
import type { MountSpec, NamespaceMode, PortSpec } from '../../container/spec.js'
import type { Context } from '../context.js'
import { volumeData } from '../volumes.js'
import { donorIds } from './donors.js'
import { execSessions } from './exec-sessions.js'
import { logPath } from './log-plan.js'
import { readHealth } from './health.js'
import { exitCodeOf, isUp, observe, type Observed } from './observe.js'
import { sizeOf } from './query.js'
import { containerPaths, findContainer } from './store.js'

/** What `inspect` shows of a container: the field names of Podman and Docker, for programs. */
export type ContainerInspect = ReturnType<typeof inspectRecord>

/** Everything about a container. */
export async function inspectContainer(
  context: Context,
  nameOrId: string,
  options: { readonly size?: boolean } = {},
): Promise<ContainerInspect> {
  const record = findContainer(context, nameOrId)
  const size = options.size === true ? sizeOf(context, record) : undefined
  return inspectRecord(context, record, observe(context, record.id), size)
}

function inspectRecord(
  context: Context,
  record: ContainerRecord,
  seen: Observed,
  size: { readonly writable: number; readonly virtual: number } | undefined,
) {
  const { spec } = record
  const paths = containerPaths(context.paths, record.id)
  const [path = '', ...args] = [...spec.entrypoint, ...spec.command]
  return {
    Id: record.id,
    Created: record.created,
    Path: path,
    Args: args,
    State: { ...stateSection(seen), ...healthSection(context, record, seen) },
    Image: spec.image.id,
    ImageDigest: spec.image.digest,
    ImageName: spec.image.name,
    Rootfs: spec.rootfs?.path ?? '',
    Pod: '',
    ResolvConfPath: `${paths.run}/resolv.conf`,
    HostnamePath: `${paths.run}/hostname`,
    HostsPath: `${paths.run}/hosts`,
    StaticDir: paths.folder,
    OCIConfigPath: `${paths.run}/config.json`,
    OCIRuntime: context.options.runtime ?? 'tspod-runtime',
    ConmonPidFile: spec.conmonPidfile ?? '',
    PidFile: spec.pidfile ?? '',
    Name: record.name,
    RestartCount: seen.state?.restartCount ?? 0,
    Driver: record.storageDriver,
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: spec.security.apparmor ?? '',
    EffectiveCaps: spec.capabilities,
    BoundingCaps: spec.capabilities,
    ExecIDs: execSessions(paths.run),
    GraphDriver: {
      Name: record.storageDriver as string,
      Data: { UpperDir: `${paths.folder}/upper`, WorkDir: `${paths.folder}/work` },
    },
    ...(size === undefined ? {} : { SizeRw: size.writable, SizeRootFs: size.virtual }),
    Mounts: spec.mounts.flatMap((mount) => mountEntry(context, mount)),
    Dependencies: donorIds(spec),
    NetworkSettings: networkSection(record),
    Namespace: '',
    IsInfra: false,
    IsService: false,
    KubeExitCodePropagation: 'invalid',
    lockNumber: 0,
    Config: configSection(record),
    HostConfig: hostConfigSection(context, record),
  }
}

const never = '0001-01-01T00:00:00Z'

function stateSection(seen: Observed) {
  const { state, status } = seen
  return {
    OciVersion: '1.2.0',
    Status: status,
    Running: status === 'running' || status === 'paused',
    Paused: status === 'paused',
    Restarting: state?.restarting === true && seen.monitored,
    OOMKilled: state?.oomKilled ?? false,
    Dead: false,
    Pid: seen.pid,
    ConmonPid: seen.monitored ? (state?.monitorPid ?? 0) : 0,
    ExitCode: exitCodeOf(seen) ?? 0,
    Error: state?.error ?? '',
    StartedAt: state?.startedAt === undefined || state.startedAt === '' ? never : state.startedAt,
    FinishedAt: state?.finishedAt === undefined || state.finishedAt === '' ? never : state.finishedAt,
    CgroupPath: state?.cgroupPath ?? '',
    CheckpointedAt: never,
    RestoredAt: never,
  }
}

function healthSection(context: Context, record: ContainerRecord, seen: Observed) {
  if (record.spec.healthcheck === undefined) return {}
  const health = readHealth(context, record.id)
  return {
    Health: {
      Status: health?.status ?? (isUp(seen) ? 'starting' : ''),
      FailingStreak: health?.failingStreak ?? 0,
      Log: (health?.log ?? []).map(({ start, end, exitCode, output }) => ({
        Start: start,
        End: end,
        ExitCode: exitCode,
        Output: output,
      })),
    },
  }
}

function configSection({ id, spec }: ContainerRecord) {
  return {
    Hostname: spec.hostname === '' ? id.slice(0, 12) : spec.hostname,
    Domainname: '',
    User: spec.user,
    AttachStdin: spec.interactive,
    AttachStdout: true,
    AttachStderr: true,
    Tty: spec.tty,
    OpenStdin: spec.interactive,
    StdinOnce: false,
    Env: spec.env,
    Cmd: spec.command,
    Image: spec.image.name,
    Volumes: null,
    WorkingDir: spec.workdir,
    ...(spec.workdirGiven || spec.workdir === '/' ? {} : { CreateWorkingDir: true }),
    Entrypoint: spec.entrypoint.length === 0 ? null : spec.entrypoint,
    OnBuild: null,
    Labels: spec.labels,
    Annotations: spec.annotations,
    StopSignal: signalName(spec.stopSignal),
    CreateCommand: spec.createCommand,
    Umask: spec.umask.toString(8).padStart(4, '0'),
    Timeout: spec.timeoutSeconds,
    StopTimeout: spec.stopTimeoutSeconds,
    Passwd: spec.passwd,
    sdNotifyMode: spec.sdnotify,
    Timezone: spec.timezone ?? '',
    ExposedPorts: Object.fromEntries(
      spec.expose.flatMap(({ port, range, protocol }) =>
        Array.from({ length: range }, (_, index) => [`${port + index}/${protocol}`, {}]),
      ),
    ),
    ...(spec.healthcheck
      ? {
          Healthcheck: healthcheckSection(spec.healthcheck),
          HealthcheckOnFailureAction: spec.healthcheck.onFailure ?? 'none',
          HealthLogDestination: spec.healthcheck.logDestination ?? 'local',
          HealthcheckMaxLogCount: spec.healthcheck.maxLogCount ?? 5,
          HealthcheckMaxLogSize: spec.healthcheck.maxLogSize ?? 500,
          ...startupSection(spec.healthcheck.startup),
        }
      : {}),
  }
}

function healthcheckSection(check: NonNullable<ContainerRecord['spec']['healthcheck']>) {
  return {
    Test: check.command,
    Interval: check.interval,
    Timeout: check.timeout,
    Retries: check.retries,
    StartPeriod: check.startPeriod,
  }
}

function startupSection(startup: NonNullable<ContainerRecord['spec']['healthcheck']>['startup']) {
  if (startup === undefined) return {}
  const { command, interval = 0, timeout = 0, retries = 0, successes = 0 } = startup
  return {
    StartupHealthCheck: { Test: command, Interval: interval, Timeout: timeout, Retries: retries, Successes: successes },
  }
}

function hostConfigSection(context: Context, record: ContainerRecord) {
  const { spec } = record
  return {
    Binds: spec.mounts.flatMap(bindText),
    CgroupManager: context.options.cgroupManager ?? 'systemd',
    CgroupMode: modeText(spec.namespaces.cgroup),
    ContainerIDFile: spec.cidfile ?? '',
    LogConfig: {
      Type: spec.log.driver,
      Config: spec.log.options,
      Path: logPath(context, record),
      Tag: spec.log.tag ?? '',
      Size: spec.log.maxSize === 0 ? '0B' : `${spec.log.maxSize}B`,
    },
    NetworkMode: spec.network.mode === 'container' ? `container:${spec.network.container}` : spec.network.mode,
    PortBindings: portMap(spec.publish),
    RestartPolicy: { Name: spec.restart.name, MaximumRetryCount: spec.restart.maximumRetries },
    AutoRemove: spec.remove,
    Annotations: spec.annotations,
    VolumeDriver: '',
    VolumesFrom: spec.volumesFrom.length === 0 ? null : spec.volumesFrom,
    CapAdd: spec.capAdd,
    CapDrop: spec.capDrop,
    Dns: spec.dns,
    DnsOptions: spec.dnsOption,
    DnsSearch: spec.dnsSearch,
    ExtraHosts: spec.addHost.map(({ name, address }) => `${name}:${address}`),
    GroupAdd: spec.groupAdd,
    IpcMode: modeText(spec.namespaces.ipc),
    Cgroup: '',
    Cgroups: spec.cgroups === 'enabled' ? 'default' : spec.cgroups,
    Links: null,
    OomScoreAdj: spec.oomScoreAdj ?? 0,
    PidMode: modeText(spec.namespaces.pid),
    Privileged: spec.privileged,
    PublishAllPorts: spec.publishAll,
    ReadonlyRootfs: spec.readOnly,
    SecurityOpt: securityOptions(record),
    Tmpfs: Object.fromEntries(
      spec.mounts.flatMap((mount) => (mount.type === 'tmpfs' ? [[mount.target, mount.options.join(',')]] : [])),
    ),
    UTSMode: modeText(spec.namespaces.uts),
    UsernsMode: spec.namespaces.user.mode === 'host' ? '' : spec.namespaces.user.mode,
    ShmSize: spec.shmSize,
    Runtime: 'oci',
    ConsoleSize: [0, 0],
    Isolation: '',
    ...limitsSection(record),
  }
}

function limitsSection({ spec }: ContainerRecord) {
  const { resources } = spec
  return {
    CpuShares: resources.cpuShares ?? 0,
    Memory: resources.memory ?? 0,
    NanoCpus: Math.round((resources.cpus ?? 0) * 1e9),
    CgroupParent: spec.cgroupParent ?? '',
    BlkioWeight: resources.blkioWeight ?? 0,
    CpuPeriod: resources.cpuPeriod ?? 0,
    CpuQuota: resources.cpuQuota ?? 0,
    CpuRealtimePeriod: resources.cpuRtPeriod ?? 0,
    CpuRealtimeRuntime: resources.cpuRtRuntime ?? 0,
    CpusetCpus: resources.cpusetCpus ?? '',
    CpusetMems: resources.cpusetMems ?? '',
    Devices: spec.devices.map(({ source, target, access }) => ({
      PathOnHost: source,
      PathInContainer: target,
      CgroupPermissions: access,
    })),
    MemoryReservation: resources.memoryReservation ?? 0,
    MemorySwap: resources.memorySwap ?? 0,
    MemorySwappiness: resources.memorySwappiness ?? 0,
    OomKillDisable: resources.oomKillDisable ?? false,
    Init: spec.init,
    PidsLimit: resources.pidsLimit ?? 0,
    Ulimits: spec.ulimits.map(({ name, soft, hard }) => ({
      Name: `RLIMIT_${name.toUpperCase()}`,
      Soft: soft,
      Hard: hard,
    })),
  }
}

function securityOptions({ spec: { security } }: ContainerRecord): string[] {
  return [
    ...(security.seccomp === 'default' ? [] : [`seccomp=${security.seccomp}`]),
    ...(security.noNewPrivileges ? ['no-new-privileges'] : []),
    ...(security.mask.length > 0 ? [`mask=${security.mask.join(':')}`] : []),
    ...(security.unmask.length > 0 ? [`unmask=${security.unmask.join(':')}`] : []),
  ]
}

function networkSection({ spec }: ContainerRecord) {
  return {
    EndpointID: '',
    Gateway: '',
    IPAddress: '',
    IPPrefixLen: 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    MacAddress: '',
    Bridge: '',
    SandboxID: '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    Ports: portMap(spec.publish),
    SandboxKey: '',
  }
}

type Bindings = { readonly HostIp: string; readonly HostPort: string }[]

function portMap(publish: readonly PortSpec[]): Record<string, Bindings> {
  const ports: Record<string, Bindings> = {}
  for (const { hostIp, hostPort = 0, containerPort, range, protocol } of publish) {
    for (let index = 0; index < range; index++) {
      const key = `${containerPort + index}/${protocol}`
      ports[key] = [...(ports[key] ?? []), { HostIp: hostIp ?? '0.0.0.0', HostPort: String(hostPort + index) }]
    }
  }
  return ports
}

function mountEntry(context: Context, mount: MountSpec) {
  if (mount.type !== 'bind' && mount.type !== 'volume') return []
  const { options } = mount
  const propagation = options.find((option) => /^r?(private|shared|slave)$/.test(option)) ?? 'rprivate'
  const common = {
    Destination: mount.target,
    Mode: '',
    RW: !options.includes('ro'),
    Options: options,
    Propagation: propagation,
  }
  if (mount.type === 'bind') return [{ Type: 'bind', Source: mount.source, Driver: '', ...common }]
  const name = mount.name ?? ''
  return [{ Type: 'volume', Name: name, Source: volumeData(context, name), Driver: 'local', ...common }]
}

function bindText(mount: MountSpec): string[] {
  if (mount.type !== 'bind' && mount.type !== 'volume') return []
  const source = mount.type === 'bind' ? mount.source : (mount.name ?? '')
  const options = mount.options.length === 0 ? ['rw', 'rprivate'] : mount.options
  return [`${source}:${mount.target}:${options.join(',')}`]
}

function modeText(mode: NamespaceMode): string {
  switch (mode.mode) {
    case 'container':
      return `container:${mode.container}`
    case 'path':
      return `ns:${mode.path}`
    default:
      return mode.mode
  }
}
