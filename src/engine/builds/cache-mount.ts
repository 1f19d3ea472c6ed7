import { chmodSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { MountOwner } from '../../build/dockerfile/index.js'
import { hexDigestOf } from '../../base/digest.js'
import { newId } from '../../base/id.js'
import { giveToContainersRoot } from '../../../rootless/root-caller.js'
import { ensureFolder, exists, folderMode, readCached, writeFileAtomic } from '../../state/file.js'
import { acquireLock, tryLock, type Lock } from '../../state/lock.js'
import type { Paths } from '../../state/paths.js'
import { namesIn } from '../../state/collection.js'

/** `cache/build/mounts/HEX/record.json` */
export interface CacheMountRecord {
  readonly version: 1
  readonly id: string
  readonly created: string
  readonly lastUsed: string
  readonly uses: number
}

export interface CacheMountRequest {
  readonly id: string
  readonly sharing: 'shared' | 'private' | 'locked'
  readonly now: string
}

export interface OpenCacheMount {
  /** What is mounted. */
  readonly folder: string
  close(): void
}

/** What is mounted, in a folder that containers' root has: only there can they have made it. */
export const cacheContent = 'content'

/** Somebody else's step may take its time. */
const patienceMilliseconds = 24 * 3600 * 1000

export function cacheMountsFolder(paths: Pick<Paths, 'cache'>): string {
  return join(paths.cache, 'build', 'mounts')
}

/**
 * The folder of a cache mount, which outlives builds. `fill` gives a new one its owner and first content. `locked` waits
 * until nobody else has it, `private` takes another folder meanwhile; whoever has it holds a lock, so that pruning leaves it.
 */
export async function openCacheMount(
  paths: Pick<Paths, 'cache'>,
  { id, sharing, now }: CacheMountRequest,
  fill: (parent: string, name: string) => Promise<void>,
): Promise<OpenCacheMount> {
  const parent = join(cacheMountsFolder(paths), hexDigestOf(id).slice(0, 32))
  ensureFolder(parent)
  const users = join(parent, 'users')
  ensureFolder(users)
  const user = await acquireLock(join(users, newId().slice(0, 16)))
  try {
    const { name, lock } = await folderOf(parent, sharing)
    await ensureFilled(parent, name, fill)
    remember(parent, id, now)
    return {
      folder: join(parent, name, cacheContent),
      close() {
        lock?.release()
        user.release({ unlink: true })
      },
    }
  } catch (error) {
    user.release({ unlink: true })
    throw error
  }
}

/** Whether somebody's step has the mount. What killed builds left of their locks is cleared. */
export function isCacheMountUsed(parent: string): boolean {
  let used = false
  for (const name of namesIn(join(parent, 'users'))) {
    const lock = tryLock(join(parent, 'users', name))
    if (lock === undefined) used = true
    else lock.release({ unlink: true })
  }
  return used
}

export function readCacheMount(parent: string): CacheMountRecord | undefined {
  const value = readCached(join(parent, 'record.json'))
  return typeof value === 'object' && value !== null && 'id' in value ? (value as CacheMountRecord) : undefined
}

/** The folders with content: one, or several where `private` needed more. */
export function cacheMountData(parent: string): string[] {
  return readdirSync(parent)
    .filter((name) => name.startsWith('data'))
    .map((name) => join(parent, name))
}

async function folderOf(
  parent: string,
  sharing: CacheMountRequest['sharing'],
): Promise<{ readonly name: string; readonly lock: Lock | undefined }> {
  if (sharing === 'shared') return { name: 'data', lock: undefined }
  if (sharing === 'locked') return { name: 'data', lock: await acquireLock(join(parent, 'lock'), patienceMilliseconds) }
  for (let number = 0; ; number++) {
    const suffix = number === 0 ? '' : `.${String(number)}`
    const lock = tryLock(join(parent, `lock${suffix}`))
    if (lock !== undefined) return { name: `data${suffix}`, lock }
  }
}

/** A folder is there whole or not at all: `fill` makes it under its name by one rename. */
async function ensureFilled(
  parent: string,
  name: string,
  fill: (parent: string, name: string) => Promise<void>,
): Promise<void> {
  if (exists(join(parent, name))) return
  const lock = await acquireLock(join(parent, 'making'), patienceMilliseconds)
  try {
    if (!exists(join(parent, name))) await fill(parent, name)
  } finally {
    lock.release()
  }
}

/** An empty folder that belongs to containers' root. */
export function makeOwnFolder(path: string, { mode }: Pick<MountOwner, 'mode'>): void {
  mkdirSync(path, { mode: folderMode })
  chmodSync(path, mode)
  giveToContainersRoot(path)
}

function remember(parent: string, id: string, now: string): void {
  const known = readCacheMount(parent)
  const record: CacheMountRecord = {
    version: 1,
    id,
    created: known?.created ?? now,
    lastUsed: now,
    uses: (known?.uses ?? 0) + 1,
  }
  writeFileAtomic(join(parent, 'record.json'), JSON.stringify(record))
}
