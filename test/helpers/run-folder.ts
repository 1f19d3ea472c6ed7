import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { existsSync, watch } from 'node:fs'
import { chmod, copyFile, link, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nativeFile } from '../../src/base/native-dir.js'
import type { ExecPlan, LaunchPlan, ObservedState } from '../../src/runtime/protocol.js'

/** What a hand-written run folder may differ in. */
export interface RunFolderOptions {
  readonly plan?: Partial<LaunchPlan>
  readonly terminal?: boolean
  readonly sharePids?: boolean
  /** `--rm`. */
  readonly remove?: boolean
}

/** A container as the engine would have prepared it: a record's folder, a bundle and a root file system of busybox. */
export interface RunFolder extends AsyncDisposable {
  readonly path: string
  readonly runDir: string
  readonly stateDir: string
  readonly plan: LaunchPlan
  /** tspod-runtime launch on it. */
  launch(args?: readonly string[], options?: SpawnOptions): ChildProcess
  /** Resolves with the first state that is as wanted. */
  state(wanted?: (state: ObservedState) => boolean): Promise<ObservedState>
  log(): Promise<string>
  /** Writes an exec plan and gives its path. */
  execPlan(args: readonly string[], more?: Partial<ExecPlan>, terminal?: boolean): Promise<string>
}

export interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

const applets = [
  'sh',
  'cat',
  'echo',
  'sleep',
  'yes',
  'head',
  'kill',
  'stty',
  'true',
  'false',
  'mkdir',
  'chmod',
  'touch',
  'tty',
]
const busybox = ['/usr/bin/busybox', '/bin/busybox'].find((path) => existsSync(path))

export const skipReason = busybox === undefined ? 'needs a static busybox' : undefined

/** Runs tspod-runtime, or what leads to it. */
export function runtime(args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return spawn(nativeFile('tspod-runtime'), args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
}

/** Everything a process prints, and how it ends; 128 + n for a signal. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout?.on('data', (bytes: Buffer) => out.push(bytes))
  child.stderr?.on('data', (bytes: Buffer) => err.push(bytes))
  const status = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? 128 + signalNumber(signal)))
  })
  return { status, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === 'SIGKILL'
    ? 9
    : signal === 'SIGTERM'
      ? 15
      : signal === 'SIGINT'
        ? 2
        : signal === 'SIGPIPE'
          ? 13
          : 127
}

/** Resolves once `found` returns something; looks again whenever a file in the folder changes. */
export function whenInFolder<T>(folder: string, found: () => Promise<T | undefined>): Promise<T> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      found().then(
        (value) => {
          if (value === undefined) return
          watcher.close()
          resolve(value)
        },
        (error: unknown) => {
          watcher.close()
          reject(error instanceof Error ? error : new Error(String(error)))
        },
      )
    }
    const watcher = watch(folder, look)
    look()
  })
}

export async function runFolder(args: readonly string[], options: RunFolderOptions = {}): Promise<RunFolder> {
  const path = await mkdtemp(join(tmpdir(), 'tspod-run-'))
  const runDir = join(path, 'run', 'c1')
  const stateDir = join(path, 'data', 'c1')
  const plan = planOf(path, runDir, stateDir, options)
  for (const folder of [runDir, stateDir, plan.rootfs.mountpoint, join(path, 'data', 'tmp')])
    await mkdir(folder, { recursive: true })
  for (const folder of ['upper', 'work']) await mkdir(join(stateDir, folder))
  await makeRoot(join(path, 'root'))
  await writeFile(join(runDir, 'launch.json'), JSON.stringify(plan))
  await writeFile(join(runDir, 'config.json'), JSON.stringify(configOf(args, options)))

  const state = (wanted: (state: ObservedState) => boolean = () => true): Promise<ObservedState> =>
    whenInFolder(stateDir, async () => {
      const text = await readFile(join(stateDir, 'state.json'), 'utf8').catch(() => undefined)
      const observed = text === undefined ? undefined : (JSON.parse(text) as ObservedState)
      return observed !== undefined && wanted(observed) ? observed : undefined
    })

  return {
    path,
    runDir,
    stateDir,
    plan,
    launch: (more = [], spawnOptions = {}) => runtime(['launch', runDir, ...more], spawnOptions),
    state,
    log: () => readFile(join(stateDir, 'log'), 'utf8'),
    async execPlan(command, more = {}, terminal = false) {
      const { pid, startTime } = await state((observed) => observed.status === 'running')
      const session = `s${Math.trunc(performance.now() * 1000)}`
      const file = join(runDir, `${session}.json`)
      const { process } = configOf(command, { terminal })
      const base = { version: 1, id: session, containerId: 'c1', session, pid, startTime, process, user: plan.user }
      await writeFile(file, JSON.stringify({ ...base, stdinOpen: false, preserveFds: 0, ...more }))
      return file
    },
    async [Symbol.asyncDispose]() {
      const text = await readFile(join(stateDir, 'state.json'), 'utf8').catch(() => '{}')
      const { pid, status } = JSON.parse(text) as Partial<ObservedState>
      if (status === 'running' && pid !== undefined && pid > 1) killIfThere(pid)
      // overlayfs makes it with mode 000.
      await chmod(join(stateDir, 'work', 'work'), 0o700).catch(() => undefined)
      await rm(path, { recursive: true, force: true, maxRetries: 20 })
    },
  }
}

export function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

function planOf(path: string, runDir: string, stateDir: string, options: RunFolderOptions): LaunchPlan {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  return {
    version: 1,
    id: 'c1',
    name: 'web',
    stateDir,
    runDir,
    userns: {
      mode: 'new',
      writer: uid === 0 ? 'root' : 'self',
      uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
    },
    rootfs: {
      driver: 'overlay',
      lower: [join(path, 'root')],
      upper: join(stateDir, 'upper'),
      work: join(stateDir, 'work'),
      volatile: options.remove === true,
      mountpoint: join(path, 'mount'),
    },
    user: { spec: '', groupAdd: [], setHome: false },
    network: { mode: 'none', loopback: true },
    cgroup: { manager: 'disabled', files: [] },
    log: { driver: 'k8s-file', path: join(stateDir, 'log'), maxSize: 0, maxFiles: 1 },
    stdinOpen: false,
    init: false,
    sdnotify: 'ignore',
    preserveFds: 0,
    stopSignal: 15,
    stopTimeoutSeconds: 10,
    timeoutSeconds: 0,
    restart: { name: 'no', maximumRetries: 0 },
    ...(options.remove === true
      ? { remove: { links: [], directories: [stateDir, runDir], tmp: join(path, 'data', 'tmp'), files: [] } }
      : {}),
    ...options.plan,
  }
}

function configOf(args: readonly string[], options: Pick<RunFolderOptions, 'terminal' | 'sharePids'>) {
  const namespaces = ['mount', 'ipc', 'uts', 'network', ...(options.sharePids === true ? [] : ['pid'])]
  const proc = options.sharePids === true ? [] : [{ destination: '/proc', type: 'proc', source: 'proc' }]
  const pts = { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] }
  return {
    ociVersion: '1.2.0',
    process: {
      terminal: options.terminal === true,
      user: { uid: 0, gid: 0 },
      args,
      env: ['PATH=/bin', 'TERM=xterm'],
      cwd: '/',
    },
    root: { path: 'rootfs' },
    mounts: [...proc, { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] }, pts],
    linux: { namespaces: namespaces.map((type) => ({ type })) },
  }
}

async function makeRoot(root: string): Promise<void> {
  for (const folder of ['bin', 'proc', 'dev', 'sys', 'etc', 'tmp']) await mkdir(join(root, folder), { recursive: true })
  await copyFile(busybox ?? '', join(root, 'bin', 'busybox'))
  for (const applet of applets) await link(join(root, 'bin', 'busybox'), join(root, 'bin', applet))
  await writeFile(join(root, 'etc', 'plain'), 'not a program\n')
}
