import { constants } from 'node:os'
import { TspodError, type ErrorCode } from '../../base/errors.js'
import type { LaunchError } from '../../runtime/protocol.js'
import type { Context } from '../context.js'
import { isUp, observe } from './observe.js'
import { lockContainer, readRecord } from './store.js'

/**
 * The other end of `onError`: clears what a failed launch leaves, and throws what went wrong. `text` is the error frame
 * as the native process got it. A failed exec comes here too, and leaves the container as it is.
 */
export async function launchFailed(context: Context, id: string, text: string | undefined): Promise<never> {
  const error = launchError(parseLaunchError(text ?? ''))
  const lock = await lockContainer(context, id)
  let gone = false
  try {
    const record = readRecord(context, id)
    gone = record === undefined
    if (record && (record.ephemeral || record.spec.remove) && !isUp(observe(context, id))) {
      const { removeStopped } = await import('./remove.js')
      const { emitContainerEvent } = await import('../events/write.js')
      await removeStopped(context, record, { volumes: true })
      gone = true
      emitContainerEvent(context, record, 'remove')
    }
  } finally {
    lock.release({ unlink: gone })
  }
  throw error
}

/** An error frame as an error: `stage` and `errno` decide between 125, 126 and 127, nobody matches text. */
export function launchError(failure: LaunchError): TspodError {
  const { stage, errno, message, path } = failure
  const reason = errno === 0 ? '' : `: ${errnoText(errno)}`
  const where = path === undefined || path === '' ? '' : ` ${path}`
  if (stage === 'exec') return commandError(errno, path ?? '', message, reason)
  if (stage === 'user' && errno === constants.errno.ENOENT) return new TspodError('exec-not-executable', message)
  if (stage === 'cwd') {
    if (errno === 0) return new TspodError('exec-not-executable', message)
    const code = errno === constants.errno.ENOENT ? 'exec-not-found' : 'exec-not-executable'
    return new TspodError(code, `working directory${where} cannot be entered: ${message}${reason}`)
  }
  return new TspodError(
    stageCodes[stage] ?? 'launch-failed',
    `${stageTexts[stage] ?? stage}${where}: ${message}${reason}`,
  )
}

/** What a person is told was being done. */
const stageTexts: Readonly<Partial<Record<LaunchError['stage'], string>>> = {
  plan: 'reading the launch plan',
  config: 'reading the container configuration',
  userns: 'making the user namespace',
  namespaces: 'making or joining the namespaces',
  cgroup: 'making the cgroup',
  rootfs: 'mounting the root file system',
  mount: 'mounting',
  device: 'providing the device',
  network: 'setting up the network',
  user: 'looking up the user',
  runtime: 'OCI runtime',
}

const stageCodes: Readonly<Partial<Record<LaunchError['stage'], ErrorCode>>> = {
  cgroup: 'limits-unavailable',
  user: 'invalid-argument',
}

function commandError(errno: number, path: string, message: string, reason: string): TspodError {
  const command = `"${path}"`
  const { ENOENT } = constants.errno
  if (errno === ENOENT) {
    return new TspodError('exec-not-found', `executable file ${command} not found in $PATH: no such file or directory`)
  }
  return new TspodError('exec-not-executable', `${command} cannot be executed: ${message}${reason}`)
}

function errnoText(errno: number): string {
  const name = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0]
  return name === undefined ? `error ${errno}` : (errnoTexts[name] ?? name)
}

const errnoTexts: Readonly<Record<string, string>> = {
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or directory',
  EIO: 'input/output error',
  E2BIG: 'argument list too long',
  ENOEXEC: 'exec format error',
  EAGAIN: 'resource temporarily unavailable',
  ENOMEM: 'cannot allocate memory',
  EACCES: 'permission denied',
  EBUSY: 'device or resource busy',
  EEXIST: 'file exists',
  ENODEV: 'no such device',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  EINVAL: 'invalid argument',
  ENOSPC: 'no space left on device',
  EROFS: 'read-only file system',
  ELOOP: 'too many levels of symbolic links',
  ENOSYS: 'function not implemented',
  ENAMETOOLONG: 'file name too long',
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'cannot assign requested address',
}

function parseLaunchError(text: string): LaunchError {
  try {
    const value = JSON.parse(text) as Partial<LaunchError> | null
    if (value && typeof value.stage === 'string' && typeof value.message === 'string') {
      return { ...value, type: 'error', stage: value.stage, message: value.message, errno: Number(value.errno ?? 0) }
    }
  } catch {
    /* Answered below with what there is. */
  }
  return { type: 'error', stage: 'monitor', errno: 0, message: `the launch failed: ${text.slice(0, 500)}` }
}
