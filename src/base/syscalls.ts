import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { TspodError } from './errors.js'
import { nativeFile } from './native-dir.js'

/** System calls that Node lacks, from the addon (native/addon.c), which is loaded by the first call. Failures are Node's system errors. */
interface Addon {
  flock(fd: number, operation: number): boolean
  flockLater(fd: number, operation: number): number
  ofdLock(fd: number, type: number, start: number, length: number): boolean
  onReadable(fd: number, callback: () => void): number
  cancelWait(wait: number): void
  pidfdOpen(pid: number): number
  pidfdSendSignal(pidfd: number, signal: number): void
  execve(path: string, argv: readonly string[], env: readonly string[] | null, keepFds: readonly number[]): never
  setCloexec(fd: number, on: boolean): void
  sendFds(socket: number, data: Uint8Array, fds: readonly number[]): number
  receiveFds(socket: number, maximumBytes: number, maximumFds: number): { data: Buffer; fds: number[] } | null
  getrlimit(resource: number): [number, number]
  isatty(fd: number): boolean
  mkfifo(path: string, mode: number): void
  syncfs(fd: number): void
  getxattr(path: string, name: string): Buffer | null
  renameat2(from: string, to: string, flags: number): void
  readEach(folder: string, names: readonly string[], heads: number): (string | null | undefined)[]
  removeTree(path: string): void
  sha256(bytes: Uint8Array): Buffer
  spawnAnswering(path: string, argv: readonly string[]): [number, number, number]
  waitChild(pid: number): number
}

export type LockKind = 'shared' | 'exclusive'

const flockOperations = { shared: 1, exclusive: 2, unlock: 8 } as const
/** F_RDLCK, F_WRLCK, F_UNLCK */
const ofdTypes = { shared: 0, exclusive: 1, unlock: 2 } as const
/** RLIMIT_… of asm-generic/resource.h: the same on every architecture Node runs on. */
const resources = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
} as const
const renameFlags = { noreplace: 1, exchange: 2 } as const

let loaded: Addon | undefined

function addon(): Addon {
  if (loaded === undefined) {
    const module = { exports: {} as Addon }
    process.dlopen(module, nativeFile('addon.node'))
    loaded = module.exports
  }
  return loaded
}

/** Takes or frees a flock(2) at once; false if another holds it. */
export function tryFlock(fd: number, kind: LockKind | 'unlock'): boolean {
  return addon().flock(fd, flockOperations[kind])
}

/**
 * Waits for a flock(2), in a thread of its own; the lock belongs to `fd` as soon as this resolves. After `timeoutMs`
 * it throws `lock-timeout`: the caller must then close `fd`, or the lock would still come to it later.
 */
export async function waitFlock(fd: number, kind: LockKind, timeoutMs: number): Promise<void> {
  if (tryFlock(fd, kind)) return
  const event = addon().flockLater(fd, flockOperations[kind])
  try {
    if (!(await waitReadable(event, timeoutMs)))
      throw new TspodError('lock-timeout', `no lock within ${String(timeoutMs / 1000)} seconds`)
    const answer = Buffer.alloc(8)
    readSync(event, answer)
    const errno = Number(answer.readBigUInt64LE()) - 1
    if (errno !== 0) throw new TspodError('io', `waiting for a lock failed: errno ${String(errno)}`)
  } finally {
    closeSync(event)
  }
}

/** Takes or frees an open file description lock on a range of bytes (fcntl_locking(2)); `length` 0 is up to the end. Never waits. */
export function tryOfdLock(fd: number, kind: LockKind | 'unlock', start = 0, length = 0): boolean {
  return addon().ofdLock(fd, ofdTypes[kind], start, length)
}

/** Resolves true once `fd` is readable, false after `timeoutMs` (without: never). Makes its file description non-blocking. */
export function waitReadable(fd: number, timeoutMs?: number): Promise<boolean> {
  return new Promise((resolve) => {
    const wait = addon().onReadable(fd, () => {
      clearTimeout(timer)
      resolve(true)
    })
    const timer = timeoutMs === undefined ? undefined : setTimeout(giveUp, timeoutMs)
    function giveUp(): void {
      addon().cancelWait(wait)
      resolve(false)
    }
  })
}

/** A descriptor for a process; throws ESRCH if there is none. */
export function pidfdOpen(pid: number): number {
  return addon().pidfdOpen(pid)
}

/** Signal 0 only asks whether it lives. */
export function pidfdSendSignal(pidfd: number, signal: number): void {
  addon().pidfdSendSignal(pidfd, signal)
}

/** Resolves true when the process has ended, false after `timeoutMs` (without: never). */
export function waitPidfd(pidfd: number, timeoutMs?: number): Promise<boolean> {
  return waitReadable(pidfd, timeoutMs)
}

/** Field 22 of /proc/PID/stat, by which a process is told from a later one with its number; undefined if there is none (or only a zombie). */
export function processStartTime(pid: number): string | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1')
  } catch {
    return undefined // gone
  }
  // The name (field 2) may contain anything but ends at the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

/** A descriptor for exactly this process, or undefined if it has ended, even if its number is another's now. */
export function openProcess(pid: number, startTime: string): number | undefined {
  if (pid <= 0) return undefined
  let pidfd: number
  try {
    pidfd = pidfdOpen(pid)
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return undefined
    throw error
  }
  // The order matters: once the descriptor is open the number cannot pass on unseen.
  if (processStartTime(pid) === startTime) return pidfd
  closeSync(pidfd)
  return undefined
}

/** Whether exactly this process lives. */
export function processIsAlive(pid: number, startTime: string): boolean {
  return pid > 0 && processStartTime(pid) === startTime
}

/** Sends a signal to exactly this process; false if it has ended. */
export function signalProcess(pid: number, startTime: string, signal: number): boolean {
  const pidfd = openProcess(pid, startTime)
  if (pidfd === undefined) return false
  try {
    pidfdSendSignal(pidfd, signal)
    return true
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false
    throw error
  } finally {
    closeSync(pidfd)
  }
}

/**
 * Becomes another program. It finds the process as the shell would have started it: default signal handling, nothing
 * blocked, the soft limit of open files that Node raised, 0–2 blocking; of the other descriptors only `keepFds`.
 * Without `env` it gets process.env. Returns only by throwing.
 */
export function execve(
  path: string,
  argv: readonly string[],
  options: { readonly env?: Readonly<Record<string, string | undefined>>; readonly keepFds?: readonly number[] } = {},
): never {
  const env =
    options.env === undefined
      ? null
      : Object.entries(options.env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
  return addon().execve(path, argv, env, options.keepFds ?? [])
}

/** Lets children inherit a descriptor. */
export function clearCloexec(fd: number): void {
  addon().setCloexec(fd, false)
}

export function setCloexec(fd: number): void {
  addon().setCloexec(fd, true)
}

/** Sends bytes and, with the first of them, descriptors over a unix socket; the number of bytes sent, -1 if it would block. */
export function sendFds(socket: number, data: Uint8Array, fds: readonly number[]): number {
  return addon().sendFds(socket, data, fds)
}

/** Receives bytes and descriptors; no bytes at the end of the stream, null if it would block. More descriptors than asked for are an error. */
export function receiveFds(
  socket: number,
  maximumBytes: number,
  maximumFds: number,
): { data: Buffer; fds: number[] } | null {
  return addon().receiveFds(socket, maximumBytes, maximumFds)
}

export type Resource = keyof typeof resources

/** -1 is unlimited. */
export function getrlimit(resource: Resource): { readonly soft: number; readonly hard: number } {
  const [soft, hard] = addon().getrlimit(resources[resource])
  return { soft, hard }
}

/** Whether a descriptor is a terminal. As node:tty's, which takes 3 ms to load. */
export function isatty(fd: number): boolean {
  return addon().isatty(fd)
}

export function mkfifo(path: string, mode: number): void {
  addon().mkfifo(path, mode)
}

/** Writes out the whole file system that `path` is on. Blocks for as long as it takes. */
export function syncFileSystem(path: string): void {
  const fd = openSync(path, 'r')
  try {
    addon().syncfs(fd)
  } finally {
    closeSync(fd)
  }
}

/** An extended attribute; undefined if the file has none of this name. */
export function readXattr(path: string, name: string): Buffer | undefined {
  return addon().getxattr(path, name) ?? undefined
}

/** rename that fails with EEXIST rather than replace (`noreplace`), or swaps two names (`exchange`). */
export function renameWith(flag: keyof typeof renameFlags, from: string, to: string): void {
  addon().renameat2(from, to, renameFlags[flag])
}

/**
 * The files `names` of every folder in `folder`, in one call: of each its name, then a text for each file, which is
 * undefined if it is missing, and null if it has to be looked at by itself (it is large, or no file). In no order.
 * Of the first `heads` files it is the first line only, without its end.
 */
export function readEach(folder: string, names: readonly string[], heads = 0): (string | null | undefined)[] {
  return addon().readEach(folder, names, heads)
}

/**
 * Removes a file or a folder with all below it, whatever modes the folders have, while others may be at it, too; never
 * follows a link. Nothing there is no failure. Throws where an owner's rights end.
 */
export function removeTree(path: string): void {
  addon().removeTree(path)
}

/** SHA-256 of what is in memory and not large. As node:crypto's, which takes 4 ms to load. */
export function sha256(bytes: Uint8Array): Buffer {
  return addon().sha256(bytes)
}

/** A child, and the ends of its pipes. */
export interface AnsweringChild {
  readonly pid: number
  /** Of its descriptor 3. */
  readonly answer: number
  /** Of its standard error; what would not go into a pipe at once is lost. Never blocks. */
  readonly said: number
}

/**
 * Starts a program with nothing open but /dev/null and two pipes. Far cheaper than node:child_process, whose fork copies
 * Node's page tables. Whoever starts it closes the pipes and calls `waitChild`.
 */
export function spawnAnswering(path: string, argv: readonly string[]): AnsweringChild {
  const [pid, answer, said] = addon().spawnAnswering(path, argv)
  return { pid, answer, said }
}

/** Waits, blocking, for the end of such a child, which is near; its status, -1 if a signal ended it. */
export function waitChild(pid: number): number {
  return addon().waitChild(pid)
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
