import { TspodError } from '../base/errors.js'
import { parseSignal } from '../base/signals.js'
import type { ContainersConf, ContainersTable } from '../config/containers-conf.js'
import type { ImageRunConfig } from '../oci/image-spec.js'
import { defaultCapabilities, allCapabilities, mergeCapabilities } from './capabilities.js'
import type { CompleteImage, CompleteLog, CompleteSecurity, CompleteSpec } from './complete-spec.js'
import { completeEnvironment } from './environment.js'
import { completeHealthcheck } from './healthcheck.js'
import { completeMounts } from './image-volumes.js'
import { completeNamespaces, completeNetwork } from './namespaces.js'
import type { ContainerSpec, ExposeSpec, LogDriver, ResourceSpec, Ulimit, UserNamespaceMode } from './spec.js'

/** Everything that completing a spec depends on besides the spec. */
export interface CompleteInput {
  readonly id: string
  readonly image: CompleteImage
  readonly imageConfig: ImageRunConfig
  readonly conf: ContainersConf
  /** The engine's environment: proxy variables where they are asked for. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cidfile?: string
  /** What the host is called. */
  readonly hostHostname?: string
  readonly caller: { readonly uid: number; readonly gid: number }
}

/** Podman's. */
export const defaultPidsLimit = 2048
const defaultStopTimeout = 10

/** Podman's 65536k, which are thousands to it. */
const defaultShmSize = 65_536_000

/** The spec, the image's configuration and containers.conf, in this order of precedence, with no optional left open. */
export function completeSpec(spec: ContainerSpec, input: CompleteInput): CompleteSpec {
  const namespaces = completeNamespaces(spec, input.conf.containers)
  return {
    ...completeIdentity(spec, input, namespaces),
    ...completeProcess(spec, input, namespaces),
    ...completeLifetime(spec, input),
    ...completeStorage(spec, input),
    ...completePrivileges(spec, input, namespaces),
    ...completeLimits(spec, input.conf.containers),
    ...completeConnections(spec, input),
    namespaces,
    uidMap: spec.uidMap ?? [],
    gidMap: spec.gidMap ?? [],
    ...optional('subuidName', spec.subuidName),
    ...optional('subgidName', spec.subgidName),
  }
}

/** On the host's network a container is known by the host's name, as in Docker and Podman. */
function ownHostname(spec: ContainerSpec, { id, hostHostname, conf }: CompleteInput): string {
  const shared = completeNetwork(spec.network, conf).mode === 'host'
  return (shared ? hostHostname?.slice(0, 64) : undefined) ?? id.slice(0, 12)
}

type Namespaces = CompleteSpec['namespaces']

function completeIdentity(spec: ContainerSpec, input: CompleteInput, namespaces: Namespaces) {
  return {
    image: input.image,
    ...optional('rootfs', spec.rootfs && { path: spec.rootfs.path, overlay: spec.rootfs.overlay === true }),
    labels: { ...input.imageConfig.Labels, ...spec.labels },
    annotations: { ...pairs(input.conf.containers.annotations ?? []), ...spec.annotations },
    hostname: spec.hostname ?? (namespaces.uts.mode === 'private' ? ownHostname(spec, input) : ''),
    createCommand: spec.createCommand ?? [],
  }
}

function completeProcess(spec: ContainerSpec, input: CompleteInput, namespaces: Namespaces) {
  const { imageConfig, conf } = input
  const table = conf.containers
  return {
    ...completeCommand(spec, imageConfig),
    env: completeEnvironment(spec, imageConfig, table, input.env),
    workdir: nonEmpty(spec.workdir) ?? nonEmpty(imageConfig.WorkingDir) ?? '/',
    workdirGiven: nonEmpty(spec.workdir) !== undefined,
    user: spec.user ?? keptUser(namespaces.user, input.caller) ?? imageConfig.User ?? '',
    groupAdd: spec.groupAdd ?? [],
    interactive: spec.interactive === true,
    tty: spec.tty === true,
    init: spec.init ?? table.init ?? false,
    ...optional('initPath', spec.initPath ?? nonEmpty(table.init_path)),
    ...optional('timezone', nonEmpty(spec.timezone ?? table.tz)),
    umask: spec.umask ?? Number.parseInt(table.umask ?? '022', 8),
    passwd: spec.passwd !== false,
    ...optional('passwdEntry', spec.passwdEntry),
    ...optional('groupEntry', spec.groupEntry),
    preserveFds: spec.preserveFds ?? 0,
    detachKeys: conf.engine.detach_keys ?? 'ctrl-p,ctrl-q',
  }
}

function completeLifetime(spec: ContainerSpec, { conf, imageConfig, cidfile }: CompleteInput) {
  return {
    remove: spec.remove === true || spec.lifetime === 'process',
    lifetime: spec.lifetime ?? 'container',
    stopSignal: completeStopSignal(spec, imageConfig),
    stopTimeoutSeconds: spec.stopTimeoutSeconds ?? conf.engine.stop_timeout ?? defaultStopTimeout,
    timeoutSeconds: spec.timeoutSeconds ?? 0,
    sdnotify: spec.sdnotify ?? 'container',
    ...optional('pidfile', spec.pidfile),
    ...optional('conmonPidfile', spec.conmonPidfile),
    ...optional('cidfile', cidfile),
    restart: { name: spec.restart?.name ?? 'no', maximumRetries: spec.restart?.maximumRetries ?? 0 },
    ...optional('healthcheck', completeHealthcheck(spec.healthcheck, imageConfig.Healthcheck)),
    log: completeLog(spec, conf),
  } as const
}

function completeStorage(spec: ContainerSpec, { conf, imageConfig }: CompleteInput) {
  const table = conf.containers
  return {
    mounts: completeMounts(spec, imageConfig),
    volumesFrom: spec.volumesFrom ?? [],
    readOnly: spec.readOnly ?? table.read_only ?? false,
    readOnlyTmpfs: spec.readOnlyTmpfs !== false,
    shmSize: spec.shmSize ?? parseSize(table.shm_size) ?? defaultShmSize,
    devices: [...(table.devices ?? []).map(parseDevice), ...(spec.devices ?? [])],
    hooksDir: spec.hooksDir ?? conf.engine.hooks_dir ?? [],
    ...optional('hooks', spec.hooks),
  }
}

function completePrivileges(spec: ContainerSpec, { conf }: CompleteInput, namespaces: Namespaces) {
  const { default_capabilities: base = defaultCapabilities, default_sysctls: sysctls } = conf.containers
  const { capAdd = [], capDrop = [] } = spec
  const privileged = spec.privileged === true
  return {
    capabilities: privileged ? allCapabilities : mergeCapabilities(base, capAdd, capDrop),
    capAdd,
    capDrop,
    privileged,
    security: completeSecurity(spec, conf),
    sysctl: completeSysctl(spec, sysctls, namespaces.ipc.mode),
    ...optional('personality', spec.personality),
  }
}

function completeLimits(spec: ContainerSpec, table: ContainersTable) {
  const configured = table.cgroups === 'disabled' || table.cgroups === 'no-conmon' ? table.cgroups : 'enabled'
  return {
    ulimits: completeUlimits(spec, table.default_ulimits ?? []),
    ...optional('oomScoreAdj', spec.oomScoreAdj ?? table.oom_score_adj),
    resources: completeResources(spec, table.pids_limit),
    cgroups: spec.cgroups ?? configured,
    insistsOnLimits: spec.cgroups === 'enabled',
    ...optional('cgroupParent', spec.cgroupParent),
    cgroupConf: { ...pairs(table.cgroup_conf ?? []), ...spec.cgroupConf },
  } as const
}

function completeConnections(spec: ContainerSpec, { conf, imageConfig }: CompleteInput) {
  const table = conf.containers
  return {
    network: completeNetwork(spec.network, conf),
    publish: spec.publish ?? [],
    publishAll: spec.publishAll === true,
    expose: completeExpose(spec, imageConfig),
    addHost: spec.addHost ?? [],
    noHosts: spec.noHosts ?? table.no_hosts ?? false,
    noHostname: spec.noHostname === true,
    dns: spec.dns ?? table.dns_servers ?? [],
    dnsSearch: spec.dnsSearch ?? table.dns_searches ?? [],
    dnsOption: spec.dnsOption ?? table.dns_options ?? [],
  }
}

/** An entrypoint of one's own makes the image's command meaningless: it is dropped, as Docker does. */
function completeCommand(spec: ContainerSpec, image: ImageRunConfig): Pick<CompleteSpec, 'entrypoint' | 'command'> {
  const entrypoint = spec.entrypoint ?? image.Entrypoint ?? []
  const imageCommand = spec.entrypoint === undefined ? (image.Cmd ?? []) : []
  const command = spec.command !== undefined && spec.command.length > 0 ? spec.command : imageCommand
  if (entrypoint.length + command.length === 0) {
    throw new TspodError('invalid-argument', 'no command or entrypoint provided, and no CMD or ENTRYPOINT from image')
  }
  return { entrypoint: entrypoint.filter((word, index) => index > 0 || word !== ''), command }
}

/** With keep-id the caller is the container's user, unless another was named. */
function keptUser(mode: UserNamespaceMode, caller: CompleteInput['caller']): string | undefined {
  return mode.mode === 'keep-id' ? `${mode.uid ?? caller.uid}:${mode.gid ?? caller.gid}` : undefined
}

function completeStopSignal(spec: ContainerSpec, image: ImageRunConfig): number {
  const text = spec.stopSignal ?? nonEmpty(image.StopSignal) ?? 'SIGTERM'
  const signal = parseSignal(text)
  if (signal === undefined) throw new TspodError('invalid-argument', `invalid signal: ${text}`)
  return signal
}

const logDrivers: readonly LogDriver[] = ['k8s-file', 'json-file', 'journald', 'none', 'passthrough']

function completeLog(spec: ContainerSpec, conf: ContainersConf): CompleteLog {
  const options = spec.log?.options ?? {}
  const wanted = spec.log?.driver ?? conf.containers.log_driver ?? 'k8s-file'
  const driver = logDrivers.find((known) => known === wanted)
  if (driver === undefined) throw new TspodError('invalid-argument', `log driver "${wanted}" is not supported`)
  const configured = conf.containers.log_size_max ?? -1
  const maxSize =
    options['max-size'] === undefined ? Math.max(configured, 0) : requireSize('max-size', options['max-size'])
  return {
    driver,
    ...optional('path', options['path']),
    maxSize,
    maxFiles: options['max-file'] === undefined ? 1 : requireCount('max-file', options['max-file']),
    ...optional('tag', options['tag'] ?? nonEmpty(conf.containers.log_tag)),
    options,
  }
}

function completeSecurity(spec: ContainerSpec, conf: ContainersConf): CompleteSecurity {
  const asked = spec.security ?? {}
  const apparmor = asked.apparmor ?? nonEmpty(conf.containers.apparmor_profile)
  const profile = asked.seccomp ?? nonEmpty(conf.containers.seccomp_profile)
  return {
    seccomp: spec.privileged === true && asked.seccomp === undefined ? 'unconfined' : (profile ?? 'default'),
    noNewPrivileges: asked.noNewPrivileges === true,
    mask: asked.mask ?? [],
    unmask: asked.unmask ?? [],
    label: asked.label ?? [],
    ...optional('apparmor', apparmor),
    procOptions: asked.procOptions ?? [],
  }
}

function completeUlimits(spec: ContainerSpec, configured: readonly string[]): Ulimit[] {
  const named = new Map<string, Ulimit>()
  for (const text of configured) {
    const limit = parseUlimit(text)
    named.set(limit.name, limit)
  }
  for (const limit of spec.ulimits ?? []) named.set(limit.name, limit)
  return [...named.values()]
}

function parseUlimit(text: string): Ulimit {
  const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/i.exec(text)
  if (!match?.[1] || !match[2]) throw new TspodError('config-invalid', `containers.conf: "${text}" is not an ulimit`)
  return { name: match[1].toLowerCase(), soft: Number(match[2]), hard: Number(match[3] ?? match[2]) }
}

/** Anybody may ping, as on most distributions; the kernel keeps this per network namespace. */
const pingForAll = ['net.ipv4.ping_group_range=0 0']

function completeSysctl(
  spec: ContainerSpec,
  configured: readonly string[] | undefined,
  ipc: string,
): Record<string, string> {
  const ownNetwork =
    spec.network?.mode !== 'host' && spec.network?.mode !== 'container' && spec.network?.mode !== 'path'
  const defaults = Object.entries(pairs(configured ?? pingForAll)).filter(([key]) =>
    key.startsWith('net.') ? ownNetwork : ipc !== 'host',
  )
  return { ...Object.fromEntries(defaults), ...spec.sysctl }
}

function completeResources(spec: ContainerSpec, configured: number | undefined): ResourceSpec {
  const pidsLimit = spec.resources?.pidsLimit ?? configured ?? defaultPidsLimit
  return { ...spec.resources, pidsLimit: pidsLimit === 0 ? -1 : pidsLimit }
}

function completeExpose(spec: ContainerSpec, image: ImageRunConfig): ExposeSpec[] {
  const fromImage = Object.keys(image.ExposedPorts ?? {}).flatMap((text) => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(text)
    if (!match) return []
    const port = Number(match[1])
    const protocol = match[3] === 'udp' || match[3] === 'sctp' ? match[3] : 'tcp'
    return [{ port, range: Number(match[2] ?? port) - port + 1, protocol } as const]
  })
  return [...fromImage, ...(spec.expose ?? [])]
}

function parseDevice(text: string): { source: string; target: string; access: string } {
  const [source = '', second, third] = text.split(':')
  const isAccess = second !== undefined && /^[rwm]+$/.test(second)
  return {
    source,
    target: isAccess || second === undefined ? source : second,
    access: (isAccess ? second : third) ?? 'rwm',
  }
}

/** `64m`, as containers.conf and log options spell sizes. */
function parseSize(text: string | undefined): number | undefined {
  const match = /^(\d+)\s*([bkmgt]?)(?:i?b)?$/i.exec(text ?? '')
  if (!match?.[1]) return undefined
  return (
    Number(match[1]) * 1024 ** 'bkmgt'.indexOf(match[2] === undefined || match[2] === '' ? 'b' : match[2].toLowerCase())
  )
}

function requireSize(name: string, text: string): number {
  const size = parseSize(text)
  if (size === undefined) throw new TspodError('invalid-argument', `log option ${name}: "${text}" is not a size`)
  return size
}

function requireCount(name: string, text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new TspodError('invalid-argument', `log option ${name}: "${text}" is not a count`)
  return Number(text)
}

/** `KEY=VALUE` texts as a record. */
function pairs(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=')
      return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

/** A member that is there only if its value is. */
function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V }
}
