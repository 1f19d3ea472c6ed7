import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Interfaces } from '@oclif/core'
import { TspodError } from '../base/errors.js'
import type { ContainerSpec, MountSpec, NamespaceSpec, ResourceSpec } from '../index.js'
import type { createFlags } from './flags/create.js'
import { devicesOf } from './parse/device.js'
import { hostVariables, parseEnv, parseEnvFile, parseLabelFile } from './parse/env.js'
import type { resourceFlags } from './flags/resources.js'
import { parseHealthcheck } from './parse/healthcheck.js'
import { parseLog } from './parse/log.js'
import { parseNetworks } from './parse/network.js'
import { parsePlatform } from './parse/platform.js'
import { parseSecurityOptions } from './parse/security-opt.js'
import { invalid } from './parse/value.js'

export type CreateFlags = Interfaces.InferredFlags<typeof createFlags>

/** The world that a spec is made in: what `KEY` alone refers to, and the words that were typed. */
export interface Caller {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly commandLine: readonly string[]
  /** Whether a flag was typed, whatever its value. */
  readonly given: (flag: string) => boolean
}

type Spec<K extends keyof ContainerSpec> = { readonly [P in K]?: ContainerSpec[P] | undefined }

/** Flags and positionals to what the engine is asked for: the one place where that happens. */
export function containerSpec(flags: CreateFlags, positionals: readonly string[], caller: Caller): ContainerSpec {
  const [image, ...command] = positionals
  if (image === undefined || image === '')
    throw new TspodError('usage', 'requires an image (or a folder, with --rootfs)')
  return defined({
    ...(flags.rootfs ? { rootfs: rootfsOf(image) } : { image }),
    ...(command.length === 0 ? {} : { command }),
    ...sourceOf(flags, caller),
    ...environmentOf(flags, caller),
    ...identityOf(flags),
    ...lifeOf(flags),
    ...filesOf(flags, caller),
    ...securityOf(flags),
    ...networkOf(flags),
    ...limitsOf(flags),
    createCommand: caller.commandLine,
  } satisfies Spec<keyof ContainerSpec>)
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** Without the fields that are undefined: an optional field is there or it is not. */
function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Defined<T>
}

/** `PATH`, or `PATH:O` for an overlay over it. */
function rootfsOf(text: string): NonNullable<ContainerSpec['rootfs']> {
  const overlay = text.endsWith(':O')
  return { path: resolve(overlay ? text.slice(0, -2) : text), overlay }
}

/** A switch that is off was not asked for. */
function on(value: boolean | undefined): true | undefined {
  return value === true ? true : undefined
}

/** A switch that is on unless something else was said. */
function off(value: boolean): false | undefined {
  return value ? undefined : false
}

function sourceOf(flags: CreateFlags, caller: Caller) {
  return {
    pull: flags.pull as ContainerSpec['pull'],
    platform: parsePlatform(flags.platform, flags),
    quiet: on(flags.quiet),
    authfile: flags.authfile,
    tlsVerify: caller.given('tls-verify') ? flags['tls-verify'] : undefined,
  } satisfies Spec<'pull' | 'platform' | 'quiet' | 'authfile' | 'tlsVerify'>
}

function environmentOf(flags: CreateFlags, { env, given }: Caller) {
  const files = (flags['env-file'] ?? []).flatMap((path) => parseEnvFile(readText(path), env, path))
  const pairs = [
    ...(flags['env-host'] ? hostVariables(env) : []),
    ...files,
    ...(flags.env ?? []).flatMap((text) => parseEnv(text, env)),
  ]
  return {
    env: pairs.length === 0 ? undefined : Object.fromEntries(pairs),
    unsetEnv: flags.unsetenv,
    unsetEnvAll: on(flags['unsetenv-all']),
    httpProxy: given('http-proxy') ? flags['http-proxy'] : undefined,
  } satisfies Spec<'env' | 'unsetEnv' | 'unsetEnvAll' | 'httpProxy'>
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new TspodError('invalid-argument', `reading ${path}`, { cause: error })
  }
}

function identityOf(flags: CreateFlags) {
  if (flags.replace && flags.name === undefined) throw invalid('--replace needs the name of a container: --name')
  const labels = [
    ...(flags['label-file'] ?? []).flatMap((path) => parseLabelFile(readText(path), path)),
    ...(flags.label ?? []),
  ]
  return {
    name: flags.name,
    replace: on(flags.replace),
    labels: labels.length === 0 ? undefined : Object.fromEntries(labels),
    annotations: flags.annotation === undefined ? undefined : Object.fromEntries(flags.annotation),
    entrypoint: flags.entrypoint,
    workdir: flags.workdir,
    user: flags.user,
    groupAdd: flags['group-add'],
    timezone: flags.tz,
    umask: flags.umask,
    passwd: off(flags.passwd),
    passwdEntry: flags['passwd-entry'],
    groupEntry: flags['group-entry'],
    personality: flags.personality,
  } satisfies Spec<keyof ContainerSpec>
}

function lifeOf(flags: CreateFlags) {
  if (flags.rm && flags.restart !== undefined && flags.restart.name !== 'no' && flags.restart.name !== 'on-failure') {
    throw invalid(`--rm and --restart=${flags.restart.name} cannot be used together`)
  }
  if (flags.systemd === 'always')
    throw new TspodError(
      'not-supported',
      '--systemd=always is not supported: give it --tmpfs /run --tmpfs /run/lock --tmpfs /tmp and --stop-signal SIGRTMIN+3',
    )
  return {
    interactive: on(flags.interactive),
    tty: on(flags.tty),
    remove: on(flags.rm),
    restart: flags.restart,
    init: on(flags.init),
    initPath: absolute(flags['init-path']),
    stopSignal: flags['stop-signal'],
    stopTimeoutSeconds: flags['stop-timeout'],
    timeoutSeconds: flags.timeout,
    healthcheck: parseHealthcheck(flags),
    log: parseLog(flags['log-driver'], flags['log-opt'] ?? []),
    sdnotify: flags.sdnotify as ContainerSpec['sdnotify'],
    pidfile: absolute(flags.pidfile),
    conmonPidfile: absolute(flags['conmon-pidfile']),
    preserveFds: flags['preserve-fds'],
  } satisfies Spec<keyof ContainerSpec>
}

function absolute(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(path)
}

function filesOf(flags: CreateFlags, caller: Caller) {
  const mounts = distinct([...(flags.mount ?? []), ...(flags.volume ?? []), ...(flags.tmpfs ?? [])])
  const imageVolume =
    flags['image-volume'] === 'bind' ? 'anonymous' : (flags['image-volume'] as ContainerSpec['imageVolume'])
  return {
    mounts: mounts.length === 0 ? undefined : mounts,
    volumesFrom: flags['volumes-from'],
    imageVolume,
    readOnly: on(flags['read-only']),
    readOnlyTmpfs: caller.given('read-only-tmpfs') ? flags['read-only-tmpfs'] : undefined,
    shmSize: flags['shm-size'],
    ...devicesOf(flags.device),
    hooksDir: flags['hooks-dir']?.map((path) => resolve(path)),
  } satisfies Spec<keyof ContainerSpec>
}

/** The same thing said twice is said once; two mounts on one target are not. */
function distinct(mounts: readonly MountSpec[]): MountSpec[] {
  const targets = new Map<string, MountSpec>()
  for (const mount of mounts) {
    const clean = resolve(mount.target)
    const before = targets.get(clean)
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(mount))
      throw invalid(`two mounts on "${mount.target}"`)
    targets.set(clean, mount)
  }
  return [...targets.values()]
}

function securityOf(flags: CreateFlags) {
  const namespaces = defined({
    pid: flags.pid,
    ipc: flags.ipc,
    uts: flags.uts,
    cgroup: flags.cgroupns,
    user: flags.userns,
  }) satisfies NamespaceSpec
  return {
    capAdd: flags['cap-add'],
    capDrop: flags['cap-drop'],
    privileged: on(flags.privileged),
    security: flags['security-opt'] === undefined ? undefined : parseSecurityOptions(flags['security-opt']),
    ulimits: flags.ulimit,
    sysctl: flags.sysctl === undefined ? undefined : Object.fromEntries(flags.sysctl),
    oomScoreAdj: flags['oom-score-adj'],
    namespaces: Object.keys(namespaces).length === 0 ? undefined : namespaces,
    uidMap: flags.uidmap,
    gidMap: flags.gidmap,
    subuidName: flags.subuidname,
    subgidName: flags.subgidname,
  } satisfies Spec<keyof ContainerSpec>
}

function networkOf(flags: CreateFlags) {
  if (flags['no-hosts'] && flags['add-host'] !== undefined)
    throw invalid('--no-hosts and --add-host cannot be set together')
  return {
    network: parseNetworks(flags.network ?? []),
    publish: flags.publish,
    publishAll: on(flags['publish-all']),
    expose: flags.expose,
    hostname: flags.hostname,
    noHostname: on(flags['no-hostname']),
    addHost: flags['add-host']?.flat(),
    noHosts: on(flags['no-hosts']),
    dns: flags.dns,
    dnsSearch: flags['dns-search'],
    dnsOption: flags['dns-option'],
  } satisfies Spec<keyof ContainerSpec>
}

function limitsOf(flags: CreateFlags) {
  const resources = resourcesOf(flags)
  return {
    resources: Object.keys(resources).length === 0 ? undefined : resources,
    cgroups: flags.cgroups as ContainerSpec['cgroups'],
    cgroupParent: flags['cgroup-parent'],
    cgroupConf: flags['cgroup-conf'] === undefined ? undefined : Object.fromEntries(flags['cgroup-conf']),
  } satisfies Spec<keyof ContainerSpec>
}

export type ResourceFlags = Pick<CreateFlags, Exclude<keyof typeof resourceFlags, `cgroup${string}`>>

/** The limits that were given. */
export function resourcesOf(flags: ResourceFlags): ResourceSpec {
  if (flags.cpus !== undefined && (flags['cpu-period'] !== undefined || flags['cpu-quota'] !== undefined)) {
    throw invalid('--cpus cannot be used together with --cpu-period or --cpu-quota')
  }
  return defined({
    memory: flags.memory,
    memoryReservation: flags['memory-reservation'],
    memorySwap: flags['memory-swap'],
    memorySwappiness: flags['memory-swappiness'],
    cpus: flags.cpus,
    cpuShares: flags['cpu-shares'],
    cpuPeriod: flags['cpu-period'],
    cpuQuota: flags['cpu-quota'],
    cpuRtPeriod: flags['cpu-rt-period'],
    cpuRtRuntime: flags['cpu-rt-runtime'],
    cpusetCpus: flags['cpuset-cpus'],
    cpusetMems: flags['cpuset-mems'],
    pidsLimit: flags['pids-limit'] === 0 ? -1 : flags['pids-limit'],
    blkioWeight: flags['blkio-weight'],
    deviceReadBps: flags['device-read-bps'],
    deviceWriteBps: flags['device-write-bps'],
    deviceReadIops: flags['device-read-iops'],
    deviceWriteIops: flags['device-write-iops'],
    oomKillDisable: on(flags['oom-kill-disable']),
  }) satisfies ResourceSpec
}
