import { join } from 'node:path'
import { TspodError } from '../src/base/errors.js'
import { ensureFolder, readJson, writeFileAtomic } from '../src/state/file.js'
import { withLock } from '../src/state/lock.js'
import { freeBlock } from './id-map.js'
import type { IdRange } from './subid.js'

/** Who holds which block of the user's ids for `--userns auto`. */
type Ranges = Readonly<Record<string, IdRange>>

/** What `--userns auto` takes at least, if the image's users need no more. */
export const defaultAutoSize = 1024

/**
 * Gives `owner` (a container's id) a block of ids that no other container has, out of 1 … `available`-1; the same one if it
 * has one already. Blocks of owners that `isOwner` denies are free again.
 */
export async function claimRange(
  graphroot: string,
  request: {
    readonly owner: string
    readonly size: number
    readonly available: number
    readonly isOwner: (owner: string) => boolean
  },
): Promise<IdRange> {
  const { owner, size, available, isOwner } = request
  return change(graphroot, (before) => {
    const held = before[owner]
    if (held?.count === size) return { result: held, ranges: before }
    const others = Object.fromEntries(Object.entries(before).filter(([name]) => name !== owner && isOwner(name)))
    const start = freeBlock(Object.values(others), size, available)
    if (start === undefined)
      throw new TspodError(
        'invalid-argument',
        `--userns auto: no ${String(size)} of your ${String(available)} ids are free: remove containers, ask for less with auto:size=, or get a larger range in /etc/subuid and /etc/subgid`,
      )
    const range = { start, count: size }
    return { result: range, ranges: { ...others, [owner]: range } }
  })
}

/** Gives an owner's block back; nothing happens if it has none. */
export async function releaseRange(graphroot: string, owner: string): Promise<void> {
  if (readJson(recordOf(graphroot)) === undefined) return
  await change(graphroot, (before) => {
    const ranges = Object.fromEntries(Object.entries(before).filter(([name]) => name !== owner))
    return { result: undefined, ranges }
  })
}

async function change<T>(
  graphroot: string,
  decide: (before: Ranges) => { readonly result: T; readonly ranges: Ranges },
): Promise<T> {
  ensureFolder(graphroot)
  return withLock(join(graphroot, 'userns-auto.lock'), () => {
    const before = readRanges(graphroot)
    const { result, ranges } = decide(before)
    if (ranges !== before) writeFileAtomic(recordOf(graphroot), JSON.stringify(ranges), { sync: true })
    return result
  })
}

function readRanges(graphroot: string): Ranges {
  const value = readJson(recordOf(graphroot))
  if (value === undefined) return {}
  const ranges: Record<string, IdRange> = {}
  for (const [owner, range] of Object.entries(typeof value === 'object' && value !== null ? value : {})) {
    const { start, count } = range as Partial<IdRange>
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(count) || start === undefined || count === undefined)
      throw new TspodError('store-corrupt', `${recordOf(graphroot)} is not a table of id ranges`)
    ranges[owner] = { start, count }
  }
  return ranges
}

function recordOf(graphroot: string): string {
  return join(graphroot, 'userns-auto.json')
}
