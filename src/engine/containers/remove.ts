import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { signalProcess } from '../../base/syscalls.js'
import type { ContainerRecord } from '../../container/record.js'
import { namesIn } from '../../state/collection.js'
import { removeFile, removeFolder } from '../../state/file.js'
import type { Context } from '../context.js'
import { emitContainerEvent } from '../events/write.js'
import { dependentIds } from './donors.js'
import { exitCodeOf, isUp, observe, type Observed } from './observe.js'
import {
  containerPaths,
  findContainer,
  idOf,
  idOfName,
  listRecords,
  lockContainer,
  noSuchContainer,
  readRecord,
} from './store.js'
import { stopRunning } from './stop.js'
import { removeTree, removeTreeOfMany } from './trees.js'
import type { RemoveOptions } from './types.js'

/** Removes a container with its layer and its anonymous volumes. Returns its ID. */
export async function removeContainer(
  context: Context,
  nameOrId: string,
  options: RemoveOptions = {},
): Promise<string> {
  const found = options.force === true ? findReadable(context, nameOrId) : findContainer(context, nameOrId)
  if (typeof found === 'string') return removeUnreadable(context, found)
  await removeDependents(context, found, options)
  await stopForRemoval(context, found, options)
  const lock = await lockContainer(context, found.id)
  let gone = false
  try {
    const record = readRecord(context, found.id)
    if (!record) {
      gone = true
      /* Its own monitor, or another command, was quicker. With `force` that is what was wanted. */
      if (options.force === true && found.spec.remove) return found.id
      throw noSuchContainer(nameOrId)
    }
    const code = exitCodeOf(requireStopped(context, record))
    await removeStopped(context, record, {
      volumes: options.volumes === true || record.spec.remove,
      ofMany: options.ofMany === true,
    })
    gone = true
    emitContainerEvent(context, record, 'remove', code === undefined ? {} : { ContainerExitCode: code })
    return record.id
  } finally {
    lock.release({ unlink: gone })
  }
}

/** The container, or the ID of one whose record or state can't be read. */
function findReadable(context: Context, nameOrId: string): ContainerRecord | string {
  try {
    const record = findContainer(context, nameOrId)
    observe(context, record.id)
    return record
  } catch (error) {
    const id = error instanceof TspodError && error.code === 'store-corrupt' ? idOf(context, nameOrId) : undefined
    if (id === undefined) throw error
    return id
  }
}

/** Without its record a container has still its folders, its names and perhaps its process. */
async function removeUnreadable(context: Context, id: string): Promise<string> {
  const own = containerPaths(context.paths, id)
  const lock = await lockContainer(context, id)
  try {
    await endUnreadable(context, id)
    for (const name of namesIn(context.paths.names)) {
      if (idOfName(context, name) === id) removeFile(join(context.paths.names, name))
    }
    await removeTree(context, own.folder)
    removeFolder(own.run)
  } finally {
    lock.release({ unlink: true })
  }
  return id
}

async function endUnreadable(context: Context, id: string): Promise<void> {
  try {
    const { state, pid } = observe(context, id)
    if (pid > 0 && state) signalProcess(pid, state.startTime, killSignal)
  } catch (error) {
    context.log('debug', error instanceof Error ? error.message : String(error))
    const { endUnobserved } = await import('./by-monitor.js')
    await endUnobserved(context, id)
  }
}

const killSignal = 9

/** Takes away all that belongs to a container. The caller holds its lock, and knows that it does not run. */
export async function removeStopped(
  context: Context,
  record: ContainerRecord,
  options: { readonly volumes: boolean; readonly ofMany?: boolean },
): Promise<void> {
  const { paths } = context
  const own = containerPaths(paths, record.id)
  const name = join(paths.names, record.name)
  if (idOfName(context, record.name) === record.id) removeFile(name)
  await (options.ofMany === true ? removeTreeOfMany : removeTree)(context, own.folder)
  if (record.spec.cidfile !== undefined) removeFile(record.spec.cidfile)
  removeFolder(own.run)
  if (record.spec.namespaces.user.mode === 'auto') {
    const { releaseRange } = await import('../../../rootless/auto-range.js')
    await releaseRange(paths.graphroot, record.id)
  }
  if (options.volumes) await removeVolumes(context, record)
}

async function removeVolumes(context: Context, record: ContainerRecord): Promise<void> {
  if (record.anonymousVolumes.length === 0) return
  const { removeVolume } = await import('../volumes.js')
  const used = new Set(listRecords(context).flatMap((other) => volumeNames(other)))
  for (const name of record.anonymousVolumes) {
    if (used.has(name)) continue
    try {
      await removeVolume(context, name)
    } catch (error) {
      if (!(error instanceof TspodError) || error.code !== 'no-such-volume') throw error
    }
  }
}

/** The volumes that a container mounts. */
export function volumeNames({ spec }: ContainerRecord): string[] {
  return spec.mounts.flatMap((mount) => (mount.type === 'volume' && mount.name !== undefined ? [mount.name] : []))
}

function requireStopped(context: Context, record: ContainerRecord): Observed {
  const seen = observe(context, record.id)
  if (!isUp(seen)) return seen
  throw new TspodError(
    'container-running',
    `cannot remove container ${record.id} as it is ${seen.status} - running or paused containers cannot be removed without force: ` +
      'container state improper',
  )
}

async function stopForRemoval(context: Context, record: ContainerRecord, options: RemoveOptions): Promise<void> {
  const seen = observe(context, record.id)
  /* What has not begun yet has nothing to lose. */
  if (seen.status !== 'initialized' && !(options.force === true && isUp(seen))) return
  const timeoutSeconds = options.timeoutSeconds ?? 0
  await stopRunning(context, record, timeoutSeconds === 0 ? { signal: 9, timeoutSeconds: 0 } : { timeoutSeconds })
}

async function removeDependents(context: Context, record: ContainerRecord, options: RemoveOptions): Promise<void> {
  const dependents = dependentIds(context, record.id)
  if (dependents.length === 0) return
  const meant = new Set((options.alongside?.names ?? []).map((name) => idOf(context, name)))
  const others = options.depend === true ? [] : dependents.filter((other) => !meant.has(other))
  if (others.length > 0) {
    const names = others.map((other) => other.slice(0, 12)).join(', ')
    throw new TspodError(
      'container-state',
      `container ${record.id} has dependent containers which must be removed before it: ${names}: container already exists`,
    )
  }
  for (const other of dependents) {
    const name = readRecord(context, other)?.name
    try {
      await removeContainer(context, other, options)
      if (name !== undefined) options.alongside?.gone.push({ id: other, name })
    } catch (error) {
      /* Another removal of the same command's was quicker. */
      if (!(error instanceof TspodError) || error.code !== 'no-such-container') throw error
    }
  }
}
