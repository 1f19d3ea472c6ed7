import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import type { IdMapping, Mount, Namespace, Process, RuntimeConfig } from '../../src/oci/runtime-spec.js'

/** Hand-written bundles for tspod-runtime, and for crun where it is installed. */

export const runtime = resolve('native/build/tspod-runtime')
const busybox = '/bin/busybox'
const applets = [
  'sh',
  'ls',
  'cat',
  'id',
  'mount',
  'true',
  'sleep',
  'env',
  'ps',
  'stty',
  'tty',
  'grep',
  'touch',
  'hostname',
  'echo',
  'readlink',
  'kill',
  'head',
  'stat',
]

export const defaultCapabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
] as const

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Bundle extends Disposable {
  readonly path: string
  readonly rootfs: string
  /** Of the runtime's --root. */
  readonly state: string
  run(command: readonly string[], change?: Change, options?: readonly string[]): Ended
  /** Writes config.json without running it. */
  write(command: readonly string[], change?: Change): void
  oci(...argv: readonly string[]): Ended
}

export type Change = (config: MutableConfig) => void
type Mutable<T> = { -readonly [K in keyof T]: T[K] }
export type MutableConfig = Mutable<Omit<RuntimeConfig, 'process' | 'mounts' | 'linux' | 'root'>> & {
  process: Mutable<Process>
  mounts: Mount[]
  root: { path: string; readonly?: boolean }
  linux: Mutable<RuntimeConfig['linux']>
}

/** What these tests need, by name; undefined if it is all there. */
export function missingRequirement(): string | undefined {
  if (!existsSync(runtime)) return 'native/build/tspod-runtime (make -C native)'
  if (!existsSync(busybox)) return 'a static /bin/busybox (busybox-static)'
  const probe = spawnSync('unshare', ['--user', '--map-root-user', 'true'])
  return probe.status === 0 ? undefined : 'unprivileged user namespaces'
}

function subordinate(file: string): { start: number; size: number } | undefined {
  const { username, uid } = userInfo()
  const line = existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .find((text) => text.startsWith(`${username}:`) || text.startsWith(`${uid}:`))
    : undefined
  const [, start, size] = line?.split(':') ?? []
  return start !== undefined && size !== undefined
    ? { start: Number(start), size: Math.min(Number(size), 65536) }
    : undefined
}

function mappings(own: number, file: string): IdMapping[] {
  const range = subordinate(file)
  const first = { containerID: 0, hostID: own, size: 1 }
  return range ? [first, { containerID: 1, hostID: range.start, size: range.size }] : [first]
}

/** Whether users other than root exist in the tests' containers. */
export const hasRange = subordinate('/etc/subuid') !== undefined && subordinate('/etc/subgid') !== undefined

const namespaces: readonly Namespace[] = (['user', 'pid', 'mount', 'ipc', 'uts', 'network'] as const).map((type) => ({
  type,
}))

function baseConfig(command: readonly string[]): MutableConfig {
  const { uid, gid } = userInfo()
  const uidMappings = mappings(uid, '/etc/subuid')
  const gidMappings = mappings(gid, '/etc/subgid')
  return {
    ociVersion: '1.0.2',
    hostname: 'box',
    root: { path: 'rootfs' },
    process: {
      cwd: '/',
      args: command,
      env: ['PATH=/bin'],
      user: { uid: 0, gid: 0 },
      capabilities: {
        bounding: defaultCapabilities,
        effective: defaultCapabilities,
        permitted: defaultCapabilities,
        inheritable: [],
        ambient: [],
      },
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=1m'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
    ],
    linux: {
      namespaces,
      uidMappings,
      gidMappings,
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/acpi', '/proc/timer_list'],
      readonlyPaths: ['/proc/sys', '/proc/sysrq-trigger'],
    },
  }
}

/** A bundle with busybox, in a folder of its own that goes away with it. */
export function makeBundle(): Bundle {
  const path = mkdtempSync(join(tmpdir(), 'tspod-bundle-'))
  const rootfs = join(path, 'rootfs')
  const state = join(path, 'state')
  for (const folder of ['bin', 'etc', 'tmp', 'root']) mkdirSync(join(rootfs, folder), { recursive: true })
  copyFileSync(busybox, join(rootfs, 'bin/busybox'))
  chmodSync(join(rootfs, 'bin/busybox'), 0o755)
  for (const applet of applets) symlinkSync('busybox', join(rootfs, 'bin', applet))
  writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/var/www:/bin/sh\n')
  writeFileSync(join(rootfs, 'etc/group'), 'root:x:0:\nweb:x:33:\n')
  let containers = 0
  const bundle: Bundle = {
    path,
    rootfs,
    state,
    write(command, change) {
      const config = baseConfig(command)
      change?.(config)
      writeFileSync(join(path, 'config.json'), JSON.stringify(config))
    },
    run(command, change, options = []) {
      bundle.write(command, change)
      return bundle.oci('run', '--bundle', path, ...options, `c${(containers += 1)}`)
    },
    oci(...argv) {
      const { status, stdout, stderr } = spawnSync(runtime, ['--root', state, ...argv], {
        encoding: 'utf8',
        timeout: 30_000,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      return { status, stdout, stderr }
    },
    [Symbol.dispose]() {
      /* Files of other mapped ids are only removable in the user namespace. */
      spawnSync('unshare', ['--user', '--map-root-user', '--map-auto', 'rm', '-rf', path])
      rmSync(path, { recursive: true, force: true })
    },
  }
  return bundle
}

/** The same bundle by crun, in a user namespace where it is root, as Podman calls it. */
export function runWithCrun(bundle: Bundle, command: readonly string[], change?: Change): Ended {
  bundle.write(command, change)
  const { status, stdout, stderr } = spawnSync(
    'crun',
    [
      '--root',
      join(bundle.path, 'crun-state'),
      '--cgroup-manager=disabled',
      'run',
      '--bundle',
      bundle.path,
      'differential',
    ],
    { encoding: 'utf8', timeout: 30_000, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  return { status, stdout, stderr }
}

export const hasCrun = spawnSync('crun', ['--version']).status === 0

/** `create`, whose container keeps the descriptors that it is given: none of ours, or waiting for their end would be for its. */
export function create(bundle: Bundle, id: string, pidFile: string): number | null {
  const argv = ['--root', bundle.state, 'create', '--bundle', bundle.path, '--pid-file', pidFile, id]
  return spawnSync(runtime, argv, { stdio: 'ignore', timeout: 30_000 }).status
}
