import { accessSync, constants, statSync, statfsSync } from 'node:fs'
import { nativeFile } from '../src/base/native-dir.js'
import { readText } from '../src/state/file.js'
import { cgroupSupport } from './cgroup.js'
import { findHelper, type Caller, type HostMapping } from './ladder.js'
import { parseSubid, type SubidEntry } from './subid.js'

/** One thing that the host should have: what was found, and what to type where it is missing. */
export interface HostCheck {
  readonly name: string
  /** `missing`: tspod cannot do without. `limited`: something does not work. `absent`: optional, and not there. */
  readonly state: 'ok' | 'limited' | 'absent' | 'missing'
  readonly found: string
  /** Lines to type or do. */
  readonly remedy: readonly string[]
}

export interface CheckRequest {
  readonly caller: Caller
  readonly userName: string
  readonly graphroot: string
  readonly kernel: string
  /** The mapping, or why there is none at all. */
  readonly mapping: HostMapping | Error
  /** What came of entering a user namespace and mounting in it; undefined if it worked. */
  readonly usernsFailure: string | undefined
  /** The same for an overlay on the graphroot. */
  readonly overlayFailure: string | undefined
}

/** Everything that tspod wants of a host, the needed before the optional. */
export function checkHost(request: CheckRequest): HostCheck[] {
  const { caller } = request
  return [
    checkKernel(request.kernel),
    checkNative(),
    checkUserNamespaces(request),
    ...(caller.uid === 0 ? [] : [checkIdHelpers(caller), checkSubordinateIds(request)]),
    checkMapping(request),
    checkOverlay(request),
    checkFileSystem(request.graphroot),
    checkRuntimeFolder(caller),
    checkSlirp(caller),
    checkDevice('/dev/net/tun', 'networks of containers', ['as root: modprobe tun']),
    checkSeccomp(),
    checkCgroups(caller),
    checkLinger(request),
    checkProgram(
      'fuse-overlayfs',
      caller,
      'the storage driver for kernels without overlay in user namespaces',
      'fuse-overlayfs',
    ),
    checkDevice('/dev/fuse', 'fuse-overlayfs', ['as root: modprobe fuse'], 'absent'),
    checkProgram('pasta', caller, '--network pasta', 'passt'),
    checkKeys(),
  ]
}

function ok(name: string, found: string): HostCheck {
  return { name, state: 'ok', found, remedy: [] }
}

/** 5.13 is the first with overlay's `userxattr`, mount_setattr and close_range together. */
function checkKernel(release: string): HostCheck {
  const [major = 0, minor = 0] = release.split('.').map((part) => parseInt(part, 10))
  if (major > 5 || (major === 5 && minor >= 13)) return ok('kernel', release)
  return {
    name: 'kernel',
    state: 'missing',
    found: `${release}, and 5.13 or later is needed`,
    remedy: ['boot a newer kernel'],
  }
}

function checkNative(): HostCheck {
  try {
    return ok('native programs', [nativeFile('tspod-runtime'), nativeFile('tspod-inside')].join(', '))
  } catch (error) {
    return { name: 'native programs', state: 'missing', found: messageOf(error), remedy: ['make -C native'] }
  }
}

function checkUserNamespaces({ usernsFailure }: CheckRequest): HostCheck {
  const name = 'user namespaces'
  const sysctl = (path: string): string | undefined => readText(`/proc/sys/${path}`)?.trim()
  if (usernsFailure === undefined) return ok(name, 'allowed')
  if (sysctl('user/max_user_namespaces') === '0')
    return {
      name,
      state: 'missing',
      found: 'user.max_user_namespaces is 0',
      remedy: sysctlRemedy('user.max_user_namespaces=15000'),
    }
  if (sysctl('kernel/unprivileged_userns_clone') === '0')
    return {
      name,
      state: 'missing',
      found: 'kernel.unprivileged_userns_clone is 0',
      remedy: sysctlRemedy('kernel.unprivileged_userns_clone=1'),
    }
  if (sysctl('kernel/apparmor_restrict_unprivileged_userns') === '1')
    return { name, state: 'missing', found: `AppArmor restricts them: ${usernsFailure}`, remedy: apparmorRemedy() }
  return {
    name,
    state: 'missing',
    found: usernsFailure,
    remedy: ['if this is a container: run it with seccomp=unconfined, or one that allows clone, unshare and mount'],
  }
}

function sysctlRemedy(setting: string): string[] {
  return ['as root:', `echo ${setting} >> /etc/sysctl.d/90-tspod.conf && sysctl --system`]
}

/** Ubuntu 24.04's way: a profile that allows this one program what others may not. */
function apparmorRemedy(): string[] {
  const folder = nativeFile('tspod-runtime').replace(/\/[^/]*$/, '')
  return [
    'as root, a profile that allows them to tspod:',
    "cat > /etc/apparmor.d/tspod <<'END'",
    'abi <abi/4.0>,',
    `profile tspod ${folder}/tspod-{runtime,inside} flags=(unconfined) {`,
    '  userns,',
    '}',
    'END',
    'apparmor_parser -r /etc/apparmor.d/tspod',
  ]
}

function checkIdHelpers(caller: Caller): HostCheck {
  const name = 'newuidmap, newgidmap'
  const remedy = ['as root: apt-get install uidmap']
  const helpers = [findHelper('newuidmap', caller.env['PATH']), findHelper('newgidmap', caller.env['PATH'])]
  const [uid, gid] = helpers
  if (uid === undefined || gid === undefined) return { name, state: 'limited', found: 'not installed', remedy }
  const weak = helpers.find((helper) => helper !== undefined && !helper.privileged)
  if (weak)
    return {
      name,
      state: 'limited',
      found: `${weak.path} is neither setuid root nor has file capabilities`,
      remedy: [`as root: chmod u+s ${uid.path} ${gid.path}`],
    }
  const nosuid = [uid, gid].find(({ path }) => mountOptionsOf(path).includes('nosuid'))
  if (nosuid)
    return {
      name,
      state: 'limited',
      found: `${nosuid.path} lies on a file system mounted nosuid`,
      remedy: ['mount it without nosuid'],
    }
  return ok(name, `${uid.path}, ${gid.path}`)
}

function checkSubordinateIds({ caller, userName, mapping }: CheckRequest): HostCheck {
  const name = 'subordinate ids'
  const entries = [...parseSubid(readText('/etc/subuid') ?? ''), ...parseSubid(readText('/etc/subgid') ?? '')]
  const own = entries.filter(({ owner }) => owner === userName || owner === String(caller.uid))
  const total = own.reduce((sum, { count }) => sum + count, 0) / 2
  const fromElsewhere = !(mapping instanceof Error) && mapping.rung === 'ranges'
  if (total >= 65536 || (fromElsewhere && own.length === 0))
    return ok(name, own.length === 0 ? 'from getsubids' : `${own[0]?.start}:${own[0]?.count}`)
  const start = nextFreeStart(entries)
  const range = `${start}-${start + 65535}`
  return {
    name,
    state: 'limited',
    found:
      own.length === 0
        ? 'none in /etc/subuid and /etc/subgid: containers have one user, root'
        : `only ${total}: images with high ids fail`,
    remedy: [`as root: usermod --add-subuids ${range} --add-subgids ${range} ${userName}`],
  }
}

/** The first multiple of 65536 from 100000 on, counted as useradd does, behind all that is given out. */
function nextFreeStart(entries: readonly SubidEntry[]): number {
  const end = Math.max(100_000, ...entries.map(({ start, count }) => start + count))
  return 100_000 + Math.ceil((end - 100_000) / 65_536) * 65_536
}

function checkMapping({ mapping }: CheckRequest): HostCheck {
  const name = 'id mapping'
  if (mapping instanceof Error) return { name, state: 'missing', found: messageOf(mapping), remedy: [] }
  return { name, state: mapping.rung === 'single' ? 'limited' : 'ok', found: mapping.reason, remedy: [] }
}

function checkOverlay({ overlayFailure }: CheckRequest): HostCheck {
  const name = 'overlay'
  if (overlayFailure === undefined) return ok(name, "the kernel's, in a user namespace")
  const known = /\boverlay$/m.test(readText('/proc/filesystems') ?? '')
  return {
    name,
    state: 'limited',
    found: `not the kernel's in a user namespace: ${overlayFailure}`,
    remedy: known ? ['containers are made with fuse-overlayfs, or by copying'] : ['as root: modprobe overlay'],
  }
}

const networkFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x01021997, '9p'],
])

/** Owners other than the user are the server's matter on a network file system. */
function checkFileSystem(graphroot: string): HostCheck {
  const name = 'storage'
  const existing = firstExisting(graphroot)
  const kind = networkFileSystems.get(statfsSync(existing).type)
  const remedy = ['keep images elsewhere: export TSPOD_ROOT=/a/local/folder']
  if (kind !== undefined)
    return {
      name,
      state: 'limited',
      found: `${graphroot} is on ${kind}, which keeps no owners of containers' files`,
      remedy,
    }
  if (mountOptionsOf(existing).includes('noexec'))
    return { name, state: 'limited', found: `${graphroot} is mounted noexec`, remedy }
  return ok(name, graphroot)
}

function firstExisting(path: string): string {
  let at = path
  while (at !== '/' && statSync(at, { throwIfNoEntry: false }) === undefined)
    at = at.slice(0, Math.max(at.lastIndexOf('/'), 1))
  return at
}

/** The options of the mount that a path is on: of the mount points that begin it, the longest, and of these the last. */
function mountOptionsOf(path: string): string[] {
  let best = { point: '', options: [] as string[] }
  for (const line of (readText('/proc/self/mountinfo') ?? '').split('\n')) {
    const fields = line.split(' ')
    const point = fields[4]
    if (point === undefined || point.length < best.point.length) continue
    if (point === '/' || path === point || path.startsWith(`${point}/`))
      best = { point, options: (fields[5] ?? '').split(',') }
  }
  return best.options
}

function checkRuntimeFolder(caller: Caller): HostCheck {
  const name = 'XDG_RUNTIME_DIR'
  const path = caller.env['XDG_RUNTIME_DIR']
  const remedy = [
    'log in by ssh or a console (su and sudo open no session)',
    'or: export XDG_RUNTIME_DIR=/run/user/$(id -u), if that folder is there',
  ]
  if (path === undefined || path === '')
    return { name, state: 'limited', found: 'not set: a folder in /tmp stands in', remedy }
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined || !stat.isDirectory())
    return { name, state: 'limited', found: `${path} is not there: a folder in /tmp stands in`, remedy }
  if (stat.uid !== caller.uid)
    return { name, state: 'limited', found: `${path} belongs to user ${stat.uid}: a folder in /tmp stands in`, remedy }
  return ok(name, path)
}

function checkSlirp(caller: Caller): HostCheck {
  const found = findHelper('slirp4netns', caller.env['PATH'])
  if (found) return ok('slirp4netns', found.path)
  return {
    name: 'slirp4netns',
    state: 'missing',
    found: 'not installed: there is only --network none and host',
    remedy: ['as root: apt-get install slirp4netns'],
  }
}

function checkProgram(name: string, caller: Caller, purpose: string, packageName: string): HostCheck {
  const found = findHelper(name, caller.env['PATH'])
  return found
    ? ok(name, found.path)
    : {
        name,
        state: 'absent',
        found: `not installed; for ${purpose}`,
        remedy: [`as root: apt-get install ${packageName}`],
      }
}

function checkDevice(
  path: string,
  purpose: string,
  remedy: readonly string[],
  state: HostCheck['state'] = 'missing',
): HostCheck {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return ok(path, 'usable')
  } catch (error) {
    const why = error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'not there' : 'not for this user'
    return {
      name: path,
      state,
      found: `${why}; for ${purpose}`,
      remedy: why === 'not there' ? remedy : [`as root: chmod 666 ${path}`],
    }
  }
}

function checkSeccomp(): HostCheck {
  if (readText('/proc/sys/kernel/seccomp/actions_avail') !== undefined) return ok('seccomp', 'in the kernel')
  return {
    name: 'seccomp',
    state: 'missing',
    found: 'the kernel has none',
    remedy: ['boot a kernel with CONFIG_SECCOMP_FILTER'],
  }
}

function checkCgroups(caller: Caller): HostCheck {
  const support = cgroupSupport(undefined, caller)
  const state = support.manager === 'disabled' || support.remedy.length > 0 ? 'limited' : 'ok'
  const effect = support.manager === 'disabled' ? ': no limits of memory, processes and cpu' : ''
  return { name: 'limits (cgroups)', state, found: `${support.reason}${effect}`, remedy: support.remedy }
}

function checkLinger({ caller, userName }: CheckRequest): HostCheck {
  const name = 'lingering'
  const lingers = isLingering(caller.uid, userName)
  if (lingers === undefined) return ok(name, 'not needed here')
  if (lingers) return ok(name, 'enabled')
  return {
    name,
    state: 'absent',
    found: 'off: containers under systemd end with the last login session',
    remedy: ['loginctl enable-linger'],
  }
}

/** Whether a user's systemd runs without a login; undefined where that makes no difference. */
export function isLingering(uid: number, userName: string): boolean | undefined {
  if (uid === 0 || statSync('/run/systemd/system', { throwIfNoEntry: false }) === undefined) return undefined
  return statSync(`/var/lib/systemd/linger/${userName}`, { throwIfNoEntry: false }) !== undefined
}

/** Every container has a keyring of its own; when the user has no room for more, one that belongs to a subordinate id. */
function checkKeys(): HostCheck {
  const limit = Number(readText('/proc/sys/kernel/keys/maxkeys')?.trim() ?? '0')
  if (limit >= 1000 || limit === 0) return ok('keyrings', limit === 0 ? 'not counted' : `${limit} for each user`)
  return {
    name: 'keyrings',
    state: 'absent',
    found: `${limit} for each user: without subordinate ids no more containers than that run at once`,
    remedy: sysctlRemedy('kernel.keys.maxkeys=20000'),
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
