import { readlinkSync, renameSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { isId, isIdPrefix } from '../../base/id.js'
import { applyChanges, parseChanges, type RecordChanges } from '../../container/changes.js'
import {
  type ContainerRecord,
  type ListedRecord,
  parseListedRecord,
  parseRecord,
  recordText,
} from '../../container/record.js'
import { namesIn, readFolders } from '../../state/collection.js'
import {
  exists,
  folderMode,
  hasErrno,
  isMissing,
  makeFolder,
  parseJson,
  readJson,
  removeFile,
  syncFolder,
  writeFile,
  writeFileAtomic,
} from '../../state/file.js'
import { type Lock, acquireLock, tryLock } from '../../state/lock.js'
import type { Paths } from '../../state/paths.js'
import { giveToContainersRoot } from '../../../rootless/root-caller.js'
import type { Context } from '../context.js'

/** Where the things of one container lie. */
export interface ContainerPaths {
  /** In the graphroot: config.json, state.json, log, upper, work. */
  readonly folder: string
  readonly record: string
  readonly changes: string
  readonly state: string
  /** Written by the monitor, whole: what the health checks found. */
  readonly health: string
  readonly log: string
  /** In the runroot: the bundle. */
  readonly run: string
  readonly socket: string
  readonly lock: string
}

export function containerPaths(paths: Paths, id: string): ContainerPaths {
  const folder = `${paths.containers}/${id}`
  const run = `${paths.runContainers}/${id}`
  return {
    folder,
    record: `${folder}/config.json`,
    changes: `${folder}/changes.json`,
    state: `${folder}/state.json`,
    health: `${folder}/health.json`,
    log: `${folder}/log`,
    run,
    socket: `${run}/attach.sock`,
    lock: lockPath(paths, id),
  }
}

export function lockPath(paths: Paths, id: string): string {
  return join(paths.locks, `container-${id}`)
}

/** Waits for the container's lock: held across a start, a removal, and the making of it. */
export function lockContainer(context: Context, id: string): Promise<Lock> {
  return acquireLock(lockPath(context.paths, id))
}

/** The record of a whole ID, with what was changed since; undefined if there is none. */
export function readRecord(context: Context, id: string): ContainerRecord | undefined {
  const paths = containerPaths(context.paths, id)
  const value = readJson(paths.record)
  if (value === undefined) return undefined
  const record = parseRecord(value, paths.record)
  const changes = readChanges(paths)
  return changes === undefined ? record : applyChanges(record, changes)
}

/** Asked first, since most have none and an error costs ten times as much. */
function readChanges({ changes }: ContainerPaths): RecordChanges | undefined {
  return exists(changes) ? parseChanges(readJson(changes), changes) : undefined
}

/** Adds to what was changed of a container since it was made. The caller holds its lock. */
export function saveChanges(context: Context, id: string, changes: Omit<RecordChanges, 'version'>): void {
  const paths = containerPaths(context.paths, id)
  const whole: RecordChanges = { ...readChanges(paths), ...changes, version: 1 }
  writeFileAtomic(paths.changes, JSON.stringify(whole), { sync: true })
}

/** The container that a person means: by name, by ID, or by the beginning of an ID that no other has. */
export function findContainer(context: Context, nameOrId: string): ContainerRecord {
  const id = idOf(context, nameOrId)
  const record = id === undefined ? undefined : readRecord(context, id)
  if (record) return record
  throw noSuchContainer(nameOrId)
}

export function noSuchContainer(nameOrId: string): TspodError {
  return new TspodError('no-such-container', `no container with name or ID "${nameOrId}" found: no such container`)
}

/** The whole ID that a name, an ID or the beginning of one stands for, if there is such a container or was. */
export function idOf(context: Context, nameOrId: string): string | undefined {
  if (isId(nameOrId) && exists(join(context.paths.containers, nameOrId))) return nameOrId
  const named = idOfName(context, nameOrId)
  if (named !== undefined) return named
  if (!isIdPrefix(nameOrId)) return undefined
  const matches = namesIn(context.paths.containers).filter((id) => id.startsWith(nameOrId))
  if (matches.length > 1) {
    throw new TspodError('ambiguous-name', `more than one container's ID begins with "${nameOrId}"`)
  }
  return matches[0]
}

/** Whom a name belongs to: the text of its symbolic link. */
export function idOfName(context: Context, name: string): string | undefined {
  if (name === '' || name.includes('/') || name === '.' || name === '..') return undefined
  try {
    const id = readlinkSync(join(context.paths.names, name))
    return isId(id) ? id : undefined
  } catch (error) {
    if (isMissing(error) || hasErrno(error, 'EINVAL') || hasErrno(error, 'ENAMETOOLONG')) return undefined
    throw new TspodError('io', `reading the name ${name}`, { cause: error })
  }
}

/** Every container, the oldest first. One that can't be read is reported and left out. */
export function listRecords(context: Context): ContainerRecord[] {
  return readContainers(context, ['config.json', 'changes.json'], (texts, path) => {
    const record = parseRecord(parseJson(texts[0] ?? '', path('config.json')), path('config.json'))
    return { record: changed(record, texts[1], path('changes.json')) }
  }).map(({ record }) => record)
}

/** What a list shows of a container, the texts as they were read. */
export interface ListedContainer {
  readonly record: ListedRecord
  /** `state.json` and `health.json` */
  readonly state: string | undefined
  readonly health: string | undefined
}

/** As `listRecords`, with no more of each than lists need, and only those of which `wanted` says so. */
export function listContainersRead(
  context: Context,
  wanted: (id: string, state: string | undefined) => boolean = () => true,
): ListedContainer[] {
  const files = ['config.json', 'changes.json', 'state.json', 'health.json']
  return readContainers(
    context,
    files,
    ([config = '', changes, state, health], path, id) => {
      if (!wanted(id, state)) return []
      const record = parseListedRecord(config, path('config.json'))
      return { record: changed(record, changes, path('changes.json')), state, health }
    },
    1,
  )
}

function readContainers<T extends { readonly record: ListedRecord }>(
  context: Context,
  files: readonly string[],
  parse: (texts: readonly (string | undefined)[], path: (file: string) => string, id: string) => T | [],
  heads = 0,
): T[] {
  const root = context.paths.containers
  const read = readFolders(root, files, heads).flatMap((folder) => {
    if (!isId(folder.name)) return []
    try {
      const texts = files.map((_, index) => folder.text(index))
      return texts[0] === undefined ? [] : parse(texts, (file) => `${root}/${folder.name}/${file}`, folder.name)
    } catch (error) {
      tellLeftOut(context, folder.name, error)
      return []
    }
  })
  return read.sort(({ record: one }, { record: other }) =>
    one.created < other.created ? -1 : one.created > other.created ? 1 : 0,
  )
}

/** Some commands read all containers more than once. */
const toldOf = new WeakMap<Context, Set<string>>()

/** One whose files can't be read must not hide the others. */
export function tellLeftOut(context: Context, id: string, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  const told = toldOf.get(context) ?? new Set()
  toldOf.set(context, told)
  if (told.has(message)) return
  told.add(message)
  context.log('warn', `container ${id.slice(0, 12)} is left out: ${message}; "tspod system check --repair" may help`)
}

function changed<T extends ListedRecord>(record: T, changes: string | undefined, path: string): T {
  return changes === undefined ? record : applyChanges(record, parseChanges(parseJson(changes, path), path))
}

/**
 * Takes a name for a container whose lock the caller holds. A name whose container was never finished, and that
 * nobody is at work on, is litter and is taken over. Says whose the name is if it is taken.
 */
export function claimName(context: Context, name: string, id: string): { readonly takenBy: string } | undefined {
  const path = join(context.paths.names, name)
  for (;;) {
    try {
      symlinkSync(id, path)
      return undefined
    } catch (error) {
      if (!hasErrno(error, 'EEXIST')) throw new TspodError('io', `claiming the name ${name}`, { cause: error })
    }
    const holder = idOfName(context, name)
    if (holder === undefined) {
      if (exists(path)) throw new TspodError('store-corrupt', `${path} is not a symbolic link to a container's ID`)
    } else if (!releaseLitter(context, path, holder)) {
      return { takenBy: holder }
    }
  }
}

/** Removes a name without a container, unless somebody holds the lock: then it is being made, or renamed. */
function releaseLitter(context: Context, path: string, holder: string): boolean {
  if (isNamed(context, holder, basename(path))) return false
  const lock = tryLock(lockPath(context.paths, holder))
  if (!lock) return false
  try {
    if (isNamed(context, holder, basename(path))) return false
    removeFile(path)
    return true
  } finally {
    lock.release({ unlink: true })
  }
}

/** A command that was killed while it renamed a container leaves two names of it. */
function isNamed(context: Context, id: string, name: string): boolean {
  if (!exists(containerPaths(context.paths, id).record)) return false
  try {
    return readRecord(context, id)?.name === name
  } catch {
    /* What can't be read keeps its name. */
    return true
  }
}

/** Where a container's folder is until it is whole. */
export function halfFolder(paths: Pick<Paths, 'tmp'>, id: string): string {
  return join(paths.tmp, `container-${id}`)
}

/** A container's folder, made whole in tmp/, and visible all at once. The caller holds its lock and has its name. */
export function saveRecord(context: Context, record: ContainerRecord, options: { readonly sync: boolean }): void {
  const { folder } = containerPaths(context.paths, record.id)
  const half = halfFolder(context.paths, record.id)
  makeFolder(half, folderMode)
  makeFolder(join(half, 'upper'), 0o755)
  makeFolder(join(half, 'work'), 0o700)
  giveToContainersRoot(join(half, 'upper'))
  giveToContainersRoot(join(half, 'work'))
  writeFile(join(half, 'config.json'), recordText(record), options)
  if (options.sync) syncFolder(half)
  renameSync(half, folder)
  if (options.sync) syncFolder(context.paths.containers)
}
