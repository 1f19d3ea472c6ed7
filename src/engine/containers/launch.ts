import { chmodSync, mkdirSync, statfsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { processStartTime } from '../../base/syscalls.js'
import type { CompleteSpec } from '../../container/complete-spec.js'
import type { ContainerRecord } from '../../container/record.js'
import { ociConfig } from '../../container/oci-config/index.js'
import type { ResolvedMount } from '../../container/oci-config/mounts.js'
import type { LaunchPlan, RemovePlan, RootfsPlan } from '../../runtime/protocol.js'
import { folderMode, hasErrno, makeFolder, removeFolder, writeFile } from '../../state/file.js'
import type { Mount } from '../../oci/runtime-spec.js'
import { lookedAt } from '../../base/looks.js'
import type { Context } from '../context.js'
import { volumesOf } from '../volumes.js'
import { eventsPlan } from '../events/plan.js'
import { cgroupPlan } from './cgroup.js'
import { joinedNamespaces } from './donors.js'
import { healthPlan } from './health-plan.js'
import { hardLimit } from './host-limits.js'
import { logPlan } from './log-plan.js'
import { resolveMounts } from './mounts.js'
import { networkOf } from './network.js'
import { rootfsPlan } from './rootfs.js'
import { seccompFilter } from './seccomp.js'
import { containerPaths } from './store.js'
import { userPlan } from './user.js'
import { usernsOf } from './userns.js'

export interface LaunchOptions {
  /** The container's lock, which the monitor holds until the container runs. */
  readonly lockFd?: number
  /** Run by the client in its place when the launch fails. */
  readonly onError?: readonly string[]
  readonly step?: StepPlaces
}

/** What a build's step has in place of a container's folders: nothing of it outlives the build, and no event tells of it. */
export interface StepPlaces {
  /** Where the monitor writes `state.json`. */
  readonly folder: string
  readonly run: string
  readonly rootfs: RootfsPlan
  readonly mounts: readonly ResolvedMount[]
}

export interface Bundle {
  readonly runDir: string
  readonly warnings: readonly string[]
}

const cgroup2Magic = 0x63677270

/** Writes the bundle of one start: config.json, launch.json and the files that stand in for the image's. */
export async function writeBundle(context: Context, record: ContainerRecord, options: LaunchOptions): Promise<Bundle> {
  const { spec, id, name } = record
  const { step, lockFd, onError } = options
  const paths = step ?? containerPaths(context.paths, id)
  const joined = joinedNamespaces(context, spec)
  const userns = await usernsOf(context, record, joined)
  makeRunFolder(paths.run)
  const network = await networkOf(context, record, joined, paths.run)
  const cgroup2 = isCgroup2()
  const cgroup = await cgroupPlan(context, record)
  const filter = await seccompFilter(context, spec)
  const config = ociConfig({
    id,
    name,
    spec,
    rootPath: rootMountpoint(context),
    mounts: step?.mounts ?? (await resolveMounts(context, record)),
    files: network.files,
    ...notifyFolder(context, record, paths.run),
    joined: joined.paths,
    ...(joined.shm === undefined ? {} : { joinedShm: joined.shm }),
    mappedGids: countIds(userns.nested?.gidMappings ?? userns.gidMappings),
    cgroup2,
    ...(spec.hooksDir.length === 0 && spec.hooks === undefined ? {} : (await import('./hooks.js')).hooksOf(record)),
    hostLimits: hardLimit,
  })
  const plan: LaunchPlan = {
    version: 1,
    id,
    name,
    stateDir: paths.folder,
    runDir: paths.run,
    ...(lockFd === undefined ? {} : { lockFd }),
    userns,
    rootfs: step?.rootfs ?? (await rootfsPlan(context, record, rootMountpoint(context), userns.nested)),
    user: userPlan(spec, context.env),
    network: network.plan,
    cgroup: cgroup.plan,
    log: logPlan(context, record),
    ...(filter === undefined ? {} : { seccompFilter: filter }),
    ...asAsked(spec),
    workdir: workdirPlan(spec, config.mounts ?? []),
    ...healthPlan(record),
    ...(step ? {} : { events: eventsPlan(context.paths, record) }),
    ...owner(record),
    ...(spec.remove && !step ? { remove: removePlan(context, record) } : {}),
    ...(await otherRuntime(context)),
    ...(onError ? { onError } : {}),
  }
  writeFile(join(paths.run, 'config.json'), JSON.stringify(config))
  writeFile(join(paths.run, 'launch.json'), JSON.stringify(plan))
  if (!step && !spec.remove) await (await import('./pack-plan.js')).writePackPlan(context, record, plan.rootfs)
  return { runDir: paths.run, warnings: [...network.warnings, ...cgroup.warnings] }
}

/** What the plan takes from the spec as it is. */
function asAsked(spec: CompleteSpec) {
  return {
    stdinOpen: spec.interactive,
    init: spec.init && spec.initPath === undefined,
    ...(spec.pidfile === undefined ? {} : { pidFile: spec.pidfile }),
    ...(spec.conmonPidfile === undefined ? {} : { conmonPidFile: spec.conmonPidfile }),
    sdnotify: spec.sdnotify,
    preserveFds: spec.preserveFds,
    stopSignal: spec.stopSignal,
    stopTimeoutSeconds: spec.stopTimeoutSeconds,
    timeoutSeconds: spec.timeoutSeconds,
    restart: spec.restart,
  } satisfies Partial<LaunchPlan>
}

/** What is on a mount is made in any case, as the runtimes of others do. */
function workdirPlan(
  { workdir, workdirGiven }: CompleteSpec,
  mounts: readonly Mount[],
): NonNullable<LaunchPlan['workdir']> {
  const path = posix.normalize(`${workdir}/`)
  if (mounts.some(({ destination }) => path.startsWith(`${destination}/`))) return 'make'
  return workdirGiven ? 'existing' : 'own'
}

/** An empty folder that every container mounts its root on, each in its own mount namespace. */
export function rootMountpoint(context: Context): string {
  return join(context.paths.runroot, 'root')
}

function makeRunFolder(path: string): void {
  try {
    makeFolder(path, folderMode)
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) throw error
    /* Of an earlier start. */
    removeFolder(path)
    makeFolder(path, folderMode)
  }
}

/** The monitor makes `notify.sock` in it, and passes on to systemd what comes. */
function notifyFolder(context: Context, { spec }: ContainerRecord, runDir: string): { readonly notifyFolder?: string } {
  const socket = context.env['NOTIFY_SOCKET'] ?? ''
  if (spec.sdnotify !== 'container' || socket === '') return {}
  const folder = join(runDir, 'notify')
  mkdirSync(folder)
  chmodSync(folder, 0o755)
  return { notifyFolder: folder }
}

function isCgroup2(): boolean {
  lookedAt('filesystem', '/sys/fs/cgroup')
  try {
    return statfsSync('/sys/fs/cgroup').type === cgroup2Magic
  } catch {
    /* No cgroups at all. */
    return false
  }
}

function countIds(map: readonly { readonly size: number }[]): number {
  return map.reduce((sum, line) => sum + line.size, 0)
}

function owner({ spec }: ContainerRecord): Pick<LaunchPlan, 'owner'> {
  if (spec.lifetime !== 'process') return {}
  return { owner: { pid: process.pid, startTime: processStartTime(process.pid) ?? '0' } }
}

/** The lock file goes last: while it is there, the next command looks whether something was left. */
function removePlan(context: Context, record: ContainerRecord): RemovePlan {
  const paths = containerPaths(context.paths, record.id)
  const volumes = record.anonymousVolumes.map((name) => volumesOf(context).folder(name))
  return {
    links: [join(context.paths.names, record.name)],
    directories: [paths.folder, ...volumes, paths.run],
    tmp: context.paths.tmp,
    files: [...(record.spec.cidfile === undefined ? [] : [record.spec.cidfile]), paths.lock],
    ...(volumes.length === 0 ? {} : { volumes: record.anonymousVolumes }),
  }
}

/** `--runtime crun`: a name from containers.conf's table, a name to find, or a path. */
async function otherRuntime(context: Context): Promise<Pick<LaunchPlan, 'runtime'>> {
  const chosen = context.options.runtime
  if (chosen === undefined || chosen === '' || chosen === 'tspod-runtime') return {}
  const { findRuntime } = await import('./other-runtime.js')
  return { runtime: [findRuntime(chosen, await context.conf(), context.env)] }
}
