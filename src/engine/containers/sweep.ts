import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { isId } from '../../base/id.js'
import { processIsAlive, signalProcess } from '../../base/syscalls.js'
import type { ObservedState } from '../../runtime/protocol.js'
import { namesIn } from '../../state/collection.js'
import { exists, readJson, removeFile, removeFolder } from '../../state/file.js'
import { tryLock, tryLockFolder } from '../../state/lock.js'
import { leasePrefix } from '../../storage/images.js'
import type { Context } from '../context.js'
import { observe, parseState } from './observe.js'
import { containerPaths, idOfName, lockPath, readRecord } from './store.js'
import { clearTree, goingPrefix, removeTree } from './trees.js'

const killSignal = 9
const lockPrefix = 'container-'
const halfPrefix = 'container-'
/** src/build/context/work-folder.ts */
const buildPrefix = 'build-'
/** native/remove.c */
const removedPrefix = 'removed-'
const patienceMilliseconds = 2000

/**
 * Clears what commands and monitors left behind that were killed. Only a container that is being started, removed, or
 * that goes with its end has a lock file, so this looks at few files, however many containers there are.
 */
export async function sweep(context: Context, limit = Number.POSITIVE_INFINITY): Promise<void> {
  let looked = 0
  for (const name of namesIn(context.paths.tmp)) {
    if (looked++ >= limit) return
    await attempt(context, name, () => sweepTemporary(context, name))
  }
  for (const name of namesIn(context.paths.locks)) {
    if (!name.startsWith(lockPrefix)) continue
    if (looked++ >= limit) return
    await attempt(context, name, () => sweepLocked(context, name.slice(lockPrefix.length)))
  }
}

/** Everything, container by container: after a boot, when lock files are gone. */
export async function sweepAll(context: Context): Promise<void> {
  const ids = new Set([...namesIn(context.paths.containers), ...namesIn(context.paths.runContainers)])
  for (const id of ids) {
    if (isId(id)) await attempt(context, id, () => sweepLocked(context, id))
  }
  for (const name of namesIn(context.paths.names)) {
    const id = idOfName(context, name)
    if (id === undefined || !exists(containerPaths(context.paths, id).folder)) {
      await attempt(context, name, () => sweepName(context, name, id))
    }
  }
  await sweep(context)
}

async function attempt(context: Context, what: string, action: () => Promise<void> | void): Promise<void> {
  try {
    await action()
  } catch (error) {
    /* Somebody else's litter must not stop this command: it is tried again by the next. */
    context.log('debug', `could not clear ${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function sweepTemporary(context: Context, name: string): Promise<void> {
  const path = join(context.paths.tmp, name)
  if (name.startsWith(goingPrefix)) return sweepGoing(path)
  if (name.startsWith(buildPrefix)) return (await import('../builds/workspace.js')).sweepBuild(context, name)
  if (name.startsWith(leasePrefix)) return tryLock(path)?.release({ unlink: true })
  if (name.startsWith('collection-')) {
    const pid = Number(name.split('-')[1])
    if (!exists(`/proc/${pid}`)) removeFolder(path)
    return
  }
  if (name.startsWith(removedPrefix)) {
    if (!isAtWork(path)) await clearTree(path)
    return
  }
  if (!name.startsWith(halfPrefix)) return
  const lock = tryLock(lockPath(context.paths, name.slice(halfPrefix.length)))
  if (!lock) return
  try {
    await clearTree(path)
  } finally {
    lock.release()
  }
}

/** Unless the process that was left to remove it is still at work. */
async function sweepGoing(path: string): Promise<void> {
  using lock = tryLockFolder(path)
  if (lock !== undefined) await clearTree(path)
}

/** Whether the monitor that moved a folder here may still be emptying it. */
function isAtWork(path: string): boolean {
  const state = stateOf(path)
  if (state !== undefined) return processIsAlive(state.monitorPid, state.monitorStartTime)
  const stat = lstatSync(path, { throwIfNoEntry: false })
  return stat !== undefined && Date.now() - stat.ctimeMs < patienceMilliseconds
}

function stateOf(folder: string): ObservedState | undefined {
  try {
    return parseState(readJson(join(folder, 'state.json')))
  } catch {
    /* Half-removed: its age decides. */
    return undefined
  }
}

async function sweepLocked(context: Context, id: string): Promise<void> {
  const lock = tryLock(lockPath(context.paths, id))
  if (!lock) return
  let unlink = false
  try {
    unlink = await sweepContainer(context, id)
  } finally {
    lock.release({ unlink })
  }
}

/** With the container's lock held. Says whether its lock file has no more use. */
async function sweepContainer(context: Context, id: string): Promise<boolean> {
  const paths = containerPaths(context.paths, id)
  const record = exists(paths.record) ? readRecord(context, id) : undefined
  if (!record) {
    removeNameOf(context, id)
    removeFolder(paths.run)
    await removeTree(context, paths.folder)
    await clearTree(join(context.paths.tmp, `${halfPrefix}${id}`))
    return true
  }
  const seen = observe(context, id)
  if (seen.monitored) return !record.spec.remove
  if (!record.ephemeral && !(record.spec.remove && seen.state)) return true
  if (seen.pid > 0 && seen.state) signalProcess(seen.pid, seen.state.startTime, killSignal)
  const { removeStopped } = await import('./remove.js')
  await removeStopped(context, record, { volumes: true })
  return true
}

/** Names of a container without a record: only a command that was killed between the two leaves one. */
function removeNameOf(context: Context, id: string): void {
  const half = readJson(join(context.paths.tmp, `${halfPrefix}${id}`, 'config.json'))
  const known =
    typeof half === 'object' && half !== null && 'name' in half ? [String(half.name)] : namesIn(context.paths.names)
  for (const name of known) {
    if (idOfName(context, name) === id) removeFile(join(context.paths.names, name))
  }
}

function sweepName(context: Context, name: string, id: string | undefined): void {
  if (id === undefined) return
  const lock = tryLock(lockPath(context.paths, id))
  if (!lock) return
  try {
    if (!exists(containerPaths(context.paths, id).folder)) removeFile(join(context.paths.names, name))
  } finally {
    lock.release({ unlink: true })
  }
}
