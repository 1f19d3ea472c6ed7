import { posix } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { Mount } from '../../oci/runtime-spec.js'
import type { CompleteSpec } from '../complete-spec.js'
import { deviceMounts } from './devices.js'
import type { OciInput } from './index.js'

/** A mount of the user with its source on this host: a volume's folder, an image's, a bind's. */
export type ResolvedMount =
  | { readonly type: 'bind'; readonly source: string; readonly target: string; readonly options: readonly string[] }
  | { readonly type: 'tmpfs' | 'ramfs' | 'devpts'; readonly target: string; readonly options: readonly string[] }
  | {
      readonly type: 'overlay'
      readonly target: string
      /** Topmost first. */
      readonly lower: readonly string[]
      readonly upper?: string
      readonly work?: string
      /** A part of it. */
      readonly subpath?: string
    }

type MountInput = Pick<
  OciInput,
  'spec' | 'mounts' | 'files' | 'notifyFolder' | 'joined' | 'joinedShm' | 'mappedGids' | 'cgroup2'
>

/** Where the container sees the folder of its socket to systemd. */
export const notifyTarget = '/run/notify'

/** The system's mounts, then the files of ours, then the user's, shallow before deep; the user's replace ours. */
export function mounts(input: MountInput): Mount[] {
  const user = [...input.mounts.map(userMount), ...deviceMounts(input.spec).map(toMount)]
  requireDistinct(user)
  const replaced = new Set(user.map((mount) => mount.destination))
  const files = Object.entries(input.files).map(([target, source]) => fileMount(target, source))
  const own = [...systemMounts(input), ...writableFolders(input.spec), ...files, ...notify(input)]
  const kept = own.filter((mount) => !replaced.has(mount.destination))
  return [...kept, ...user.toSorted(byDepth)]
}

function systemMounts(input: MountInput): Mount[] {
  const { spec } = input
  return [
    proc(spec),
    ...dev(input),
    ...shm(input),
    ...(spec.namespaces.ipc.mode === 'host' ? [hostFolder('/dev/mqueue')] : [mqueue]),
    sys(spec, input.joined.network !== undefined),
    ...cgroup(input),
  ]
}

const mqueue: Mount = {
  destination: '/dev/mqueue',
  type: 'mqueue',
  source: 'mqueue',
  options: ['nosuid', 'noexec', 'nodev'],
}

/** A new procfs needs a PID namespace of one's own; the host's is bound. */
function proc({ namespaces, security }: CompleteSpec): Mount {
  if (namespaces.pid.mode === 'host') return hostFolder('/proc')
  const options = ['nosuid', 'noexec', 'nodev', ...security.procOptions]
  return { destination: '/proc', type: 'proc', source: 'proc', options }
}

/** tty's group owns terminals, where it is mapped. */
function dev({ spec, mappedGids }: MountInput): Mount[] {
  const group = mappedGids > 5 ? ['gid=5'] : []
  return [
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k', ...sealed(spec)],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...group],
    },
  ]
}

/** With the host's IPC namespace comes the host's folder, with another container's that one's, with `none` none. */
function shm({ spec, joinedShm }: MountInput): Mount[] {
  if (spec.namespaces.ipc.mode === 'none') return []
  if (spec.namespaces.ipc.mode === 'host') return [hostFolder('/dev/shm')]
  if (joinedShm !== undefined) return [{ ...hostFolder('/dev/shm'), source: joinedShm }]
  const options = ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${spec.shmSize}`, ...sealed(spec)]
  return [{ destination: '/dev/shm', type: 'tmpfs', source: 'shm', options }]
}

/** `--read-only-tmpfs=false`: nothing at all is left to be written to. */
function sealed(spec: CompleteSpec): string[] {
  return spec.readOnly && !spec.readOnlyTmpfs ? ['ro'] : []
}

/** A new sysfs shows the network namespace that its maker owns; without one of our own the host's is bound. */
function sys(spec: CompleteSpec, joinsNetwork: boolean): Mount {
  const access = spec.privileged ? 'rw' : 'ro'
  if (spec.network.mode === 'host' || (spec.network.mode === 'path' && !joinsNetwork)) {
    return {
      destination: '/sys',
      type: 'none',
      source: '/sys',
      options: ['rbind', 'nosuid', 'noexec', 'nodev', access],
    }
  }
  return { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', access] }
}

/** Version 1 has nothing that an ordinary user may mount. */
function cgroup({ spec, cgroup2 }: MountInput): Mount[] {
  if (!cgroup2 || spec.namespaces.cgroup.mode === 'host') return []
  const access = spec.privileged ? 'rw' : 'ro'
  const options = ['nosuid', 'noexec', 'nodev', 'relatime', access]
  return [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options }]
}

/** What programs expect to be able to write on a root file system that is read-only. */
function writableFolders(spec: CompleteSpec): Mount[] {
  if (!spec.readOnly || !spec.readOnlyTmpfs) return []
  return ['/run', '/tmp', '/var/tmp'].map((destination) => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'nodev', 'tmpcopyup', 'rw', destination === '/run' ? 'mode=755' : 'mode=1777'],
  }))
}

function hostFolder(path: string): Mount {
  return { destination: path, type: 'none', source: path, options: ['rbind', 'nosuid', 'noexec', 'nodev'] }
}

function fileMount(target: string, source: string): Mount {
  return { destination: target, type: 'none', source, options: ['bind', 'rprivate', 'nosuid', 'nodev', 'noexec'] }
}

function notify({ notifyFolder }: MountInput): Mount[] {
  if (notifyFolder === undefined) return []
  const mount = fileMount(notifyTarget, notifyFolder)
  return [{ ...mount, options: [...(mount.options ?? []), 'ro'] }]
}

function toMount(mount: { source: string; target: string; options: readonly string[] }): Mount {
  return { destination: mount.target, type: 'none', source: mount.source, options: mount.options }
}

function userMount(mount: ResolvedMount): Mount {
  const destination = cleanTarget(mount.target)
  switch (mount.type) {
    case 'bind':
      return { destination, type: 'none', source: mount.source, options: bindOptions(mount.options) }
    case 'tmpfs':
    case 'ramfs':
      return { destination, type: mount.type, source: mount.type, options: tmpfsOptions(mount.options) }
    case 'devpts':
      return { destination, type: 'devpts', source: 'devpts', options: mount.options }
    case 'overlay':
      return { destination, type: 'overlay', source: 'overlay', options: overlayOptions(mount) }
  }
}

const propagations = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave', 'unbindable', 'runbindable']
/** SELinux relabelling and volume hints: nothing to do for us. */
const ignored = ['z', 'Z', 'copy', 'nocopy', 'O', 'cached', 'delegated', 'consistent']

/** What mount(8) understands, with Podman's defaults: recursive, private, no devices and no setuid programs. */
function bindOptions(options: readonly string[]): string[] {
  const asked = options.filter((option) => !ignored.includes(option) && option !== 'bind' && option !== 'rbind')
  const recursive = !options.includes('bind') && !options.includes('norecursive')
  const has = (...names: string[]): boolean => asked.some((option) => names.includes(option))
  const defaults = [
    ...(has(...propagations) ? [] : ['rprivate']),
    ...(has('dev', 'nodev') ? [] : ['nodev']),
    ...(has('suid', 'nosuid') ? [] : ['nosuid']),
    ...(has('ro', 'rw', 'readonly') ? [] : ['rw']),
  ]
  return [recursive ? 'rbind' : 'bind', ...asked.filter((option) => option !== 'norecursive'), ...defaults]
}

function tmpfsOptions(options: readonly string[]): string[] {
  const has = (...names: string[]): boolean =>
    options.some((option) => names.includes(option.split('=', 1)[0] ?? option))
  return [
    ...options.filter((option) => option !== 'notmpcopyup'),
    ...(has('rw', 'ro') ? [] : ['rw']),
    ...(has('suid', 'nosuid') ? [] : ['nosuid']),
    ...(has('dev', 'nodev') ? [] : ['nodev']),
    ...(has('tmpcopyup', 'notmpcopyup') ? [] : ['tmpcopyup']),
  ]
}

function overlayOptions({ lower, upper, work, subpath }: Extract<ResolvedMount, { type: 'overlay' }>): string[] {
  const writable = upper === undefined || work === undefined ? ['ro'] : [`upperdir=${upper}`, `workdir=${work}`]
  return [`lowerdir=${lower.join(':')}`, ...writable, ...subpathOption(subpath), 'userxattr', 'nodev', 'nosuid']
}

/** Looked for by the native part, in the mounted thing itself: nothing in it leads out of it. */
export function subpathOption(subpath: string | undefined): string[] {
  return subpath === undefined || /^[/.]*$/.test(subpath) ? [] : [`subpath=${subpath}`]
}

function cleanTarget(target: string): string {
  const clean = posix.normalize(target)
  if (!clean.startsWith('/'))
    throw new TspodError('invalid-argument', `mount target "${target}" is not an absolute path`)
  const path = clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean
  if (path === '/') throw new TspodError('invalid-argument', "a mount cannot have the container's root as its target")
  return path
}

function requireDistinct(list: readonly Mount[]): void {
  const seen = new Set<string>()
  for (const { destination } of list) {
    if (seen.has(destination)) throw new TspodError('invalid-argument', `${destination}: duplicate mount destination`)
    seen.add(destination)
  }
}

function byDepth(one: Mount, other: Mount): number {
  return depth(one.destination) - depth(other.destination)
}

function depth(path: string): number {
  return path.split('/').length
}
