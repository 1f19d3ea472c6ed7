import { accessSync, constants, statSync, statfsSync } from 'node:fs'
import { readText } from '../src/state/file.js'
import { lookedAt } from '../src/base/looks.js'
import { currentCaller, type Caller } from './ladder.js'

/** Where a container's cgroup can be made for this caller, and what can be limited there. */
export interface CgroupSupport {
  readonly version: 1 | 2
  readonly manager: 'systemd' | 'cgroupfs' | 'disabled'
  /** One line for people: why it is this manager. */
  readonly reason: string
  /** What would change it, as lines to type; empty if nothing is missing. */
  readonly remedy: readonly string[]
  /** memory, pids, cpu … */
  readonly controllers: readonly string[]
  /** systemd: the socket to talk to, and the slice for scopes. */
  readonly bus?: string
  readonly slice?: string
  /** cgroupfs: the folder below which containers' cgroups are made. */
  readonly parent?: string
}

export type CgroupManager = CgroupSupport['manager']

const root = '/sys/fs/cgroup'
const cgroup2Magic = 0x63677270

/** The drop-in by which an administrator hands all controllers to users. */
export const delegationDropIn = {
  path: '/etc/systemd/system/user@.service.d/delegate.conf',
  text: '[Service]\nDelegate=cpu cpuset io memory pids\n',
} as const

const delegationRemedy: readonly string[] = [
  'as root:',
  'mkdir -p /etc/systemd/system/user@.service.d',
  `printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' > ${delegationDropIn.path}`,
  'systemctl daemon-reload',
  'then log out and in again',
]

/** What there is on this host; `wanted` (`--cgroup-manager`, containers.conf) restricts the choice. */
export function cgroupSupport(wanted?: CgroupManager, caller: Caller = currentCaller()): CgroupSupport {
  if (wanted === 'disabled') return disabled(2, 'cgroups were disabled by --cgroup-manager', [])
  if (!isCgroup2()) return disabled(1, 'this host has cgroup v1, which cannot be handed to users', v1Remedy)
  const systemd = wanted === 'cgroupfs' ? undefined : systemdSupport(caller)
  return systemd ?? (wanted === 'systemd' ? noSystemd() : (cgroupfsSupport() ?? noSystemd()))
}

const v1Remedy: readonly string[] = [
  'boot with cgroup v2: add systemd.unified_cgroup_hierarchy=1 to the kernel command line',
]

function noSystemd(): CgroupSupport {
  return disabled(2, 'there is no systemd session of this user, and no cgroup that is writable', [
    'log in by ssh, a console or "machinectl shell" (su and sudo open no session), and install dbus-user-session',
    'or let one run always: loginctl enable-linger "$USER"; export XDG_RUNTIME_DIR=/run/user/$(id -u)',
  ])
}

function disabled(version: 1 | 2, reason: string, remedy: readonly string[]): CgroupSupport {
  return { version, manager: 'disabled', reason, remedy, controllers: [] }
}

function isCgroup2(): boolean {
  lookedAt('filesystem', root)
  try {
    return statfsSync(root).type === cgroup2Magic
  } catch {
    return false // not mounted
  }
}

/** systemd of the user, or the system's for root; none if its sockets are not there. */
function systemdSupport(caller: Caller): CgroupSupport | undefined {
  const bus = caller.uid === 0 ? systemBus() : userBus(caller)
  if (bus === undefined) return undefined
  const home =
    caller.uid === 0 ? root : `${root}/user.slice/user-${String(caller.uid)}.slice/user@${String(caller.uid)}.service`
  const controllers = readControllers(home)
  if (controllers === undefined) return undefined
  const missing = ['cpu', 'cpuset', 'io', 'memory', 'pids'].filter((name) => !controllers.includes(name))
  const who = caller.uid === 0 ? 'systemd' : "the user's systemd"
  return {
    version: 2,
    manager: 'systemd',
    reason:
      missing.length === 0
        ? `a scope of ${who}, with all controllers`
        : `a scope of ${who}, without ${missing.join(', ')}`,
    remedy: missing.length === 0 || caller.uid === 0 ? [] : delegationRemedy,
    controllers,
    bus,
    slice: caller.uid === 0 ? 'machine.slice' : 'user.slice',
  }
}

/** The session's bus, or systemd's own socket where no bus is installed. */
function userBus(caller: Caller): string | undefined {
  const runtime = caller.env['XDG_RUNTIME_DIR'] ?? `/run/user/${String(caller.uid)}`
  const address = /^unix:path=([^,;]+)$/.exec(caller.env['DBUS_SESSION_BUS_ADDRESS'] ?? '')?.[1]
  // systemd's socket says that it is systemd's session and not only some bus.
  const own = `${runtime}/systemd/private`
  if (!isOwnSocket(own, caller.uid)) return undefined
  return [address, `${runtime}/bus`].find((path) => path !== undefined && isOwnSocket(path, caller.uid)) ?? own
}

function systemBus(): string | undefined {
  if (!isOwnSocket('/run/systemd/private', 0)) return undefined
  return isOwnSocket('/run/dbus/system_bus_socket', 0) ? '/run/dbus/system_bus_socket' : '/run/systemd/private'
}

function isOwnSocket(path: string, uid: number): boolean {
  lookedAt('entry', path)
  try {
    const stat = statSync(path, { throwIfNoEntry: false })
    return stat !== undefined && stat.isSocket() && stat.uid === uid
  } catch {
    return false // a folder that is not for us
  }
}

/** The highest cgroup above our own that is ours to write, and that may hand controllers down. */
function cgroupfsSupport(): CgroupSupport | undefined {
  const own = ownCgroup()
  if (own === undefined) return undefined
  let chosen: string | undefined
  let writable: string | undefined
  for (const path of ancestors(own)) {
    if (!isWritable(path) || !isWritable(`${path}/cgroup.procs`)) break
    writable = path
    if (mayDelegate(path)) chosen = path
  }
  if (chosen !== undefined) {
    const controllers = readControllers(chosen) ?? []
    return {
      version: 2,
      manager: 'cgroupfs',
      reason: `directly below ${chosen}, which is writable`,
      remedy: [],
      controllers,
      parent: chosen,
    }
  }
  if (writable === undefined) return undefined
  return disabled(2, `the writable cgroup ${writable} has processes in it, and can hand no controllers down`, [
    `move them to a cgroup below it: mkdir ${writable}/init && xargs -n1 < ${writable}/cgroup.procs | tee ${writable}/init/cgroup.procs`,
  ])
}

/** /proc/self/cgroup's line of version 2, as a folder. */
export function ownCgroup(text = readText('/proc/self/cgroup') ?? ''): string | undefined {
  const path = /^0::(\/.*)$/m.exec(text)?.[1]
  // Outside of the cgroup namespace's root the path begins with /.. and has no folder here.
  return path === undefined || path.startsWith('/..') ? undefined : `${root}${path === '/' ? '' : path}`
}

/** A folder and those above it, up to the file system's root. */
function ancestors(path: string): string[] {
  const found: string[] = []
  for (let at = path; at.startsWith(root); at = at.slice(0, at.lastIndexOf('/'))) found.push(at)
  return found
}

function isWritable(path: string): boolean {
  lookedAt('file', path)
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** A cgroup with processes of its own cannot have controllers for its children (cgroups(7), “no internal processes”). */
function mayDelegate(path: string): boolean {
  const enabled = (readText(`${path}/cgroup.subtree_control`) ?? '').trim()
  return enabled !== '' || (readText(`${path}/cgroup.procs`) ?? '').trim() === ''
}

/** The controllers that a cgroup may hand down; undefined if it is not there. */
export function readControllers(path: string): string[] | undefined {
  return readText(`${path}/cgroup.controllers`)
    ?.trim()
    .split(' ')
    .filter((name) => name !== '')
}
