import { TspodError } from '../src/base/errors.js'
import type { IdMapping } from '../src/oci/runtime-spec.js'
import type { IdRange } from './subid.js'

/** The kernel takes at most 340 lines (user_namespaces(7)). */
export const maximumLines = 340
/** 4294967295 is no id. */
const idLimit = 0xffffffff

/** Root inside is `id`; 1, 2, 3 … are the ranges' ids, one range after the other. */
export function rootedMap(id: number, ranges: readonly IdRange[]): IdMapping[] {
  return [{ containerID: 0, hostID: id, size: 1 }, ...sequentialMap(1, without(ranges, id))].slice(0, maximumLines)
}

/** `first`, `first`+1 … are the ranges' ids, one range after the other. */
export function sequentialMap(first: number, ranges: readonly IdRange[]): IdMapping[] {
  let next = first
  return ranges.map(({ start, count }) => {
    const mapping = { containerID: next, hostID: start, size: count }
    next += count
    return mapping
  })
}

/** How many ids a map has. */
export function mapSize(map: readonly IdMapping[]): number {
  return map.reduce((sum, { size }) => sum + size, 0)
}

/** Ordered by the inner ids, with neighbours joined. */
export function normalize(map: readonly IdMapping[]): IdMapping[] {
  const joined: IdMapping[] = []
  for (const mapping of [...map].sort((a, b) => a.containerID - b.containerID)) {
    const last = joined.at(-1)
    const adjoins =
      last !== undefined &&
      last.containerID + last.size === mapping.containerID &&
      last.hostID + last.size === mapping.hostID
    if (adjoins) joined[joined.length - 1] = { ...last, size: last.size + mapping.size }
    else joined.push(mapping)
  }
  return joined
}

/** Throws what the kernel would answer with a bare EINVAL: overlaps, too many lines, ids that are none. */
export function requireValidMap(map: readonly IdMapping[], name: string): void {
  if (map.length === 0) throw new TspodError('invalid-argument', `the ${name} map is empty`)
  if (map.length > maximumLines)
    throw new TspodError(
      'invalid-argument',
      `the ${name} map has ${String(map.length)} lines, the kernel takes ${String(maximumLines)}`,
    )
  for (const side of ['containerID', 'hostID'] as const) {
    let end = 0
    for (const mapping of [...map].sort((a, b) => a[side] - b[side])) {
      if (mapping.size <= 0 || mapping[side] < 0 || mapping[side] + mapping.size > idLimit)
        throw new TspodError('invalid-argument', `the ${name} map has ids out of range: ${lineOf(mapping)}`)
      if (mapping[side] < end)
        throw new TspodError('invalid-argument', `the ${name} map has ids twice: ${lineOf(mapping)}`)
      end = mapping[side] + mapping.size
    }
  }
}

/** The id outside of an id inside; undefined if it is not mapped. */
export function toHost(map: readonly IdMapping[], id: number): number | undefined {
  const line = map.find(({ containerID, size }) => id >= containerID && id < containerID + size)
  return line && line.hostID + (id - line.containerID)
}

/** The id inside of an id outside; undefined if it is not mapped. */
export function toContainer(map: readonly IdMapping[], id: number): number | undefined {
  const line = map.find(({ hostID, size }) => id >= hostID && id < hostID + size)
  return line && line.containerID + (id - line.hostID)
}

/** A map whose outer ids are ids inside `outer`, as one map to the host. Ids that `outer` has not fall out. */
export function compose(outer: readonly IdMapping[], inner: readonly IdMapping[]): IdMapping[] {
  const lines = inner.flatMap((line) =>
    outer.flatMap((through) => {
      const start = Math.max(line.hostID, through.containerID)
      const end = Math.min(line.hostID + line.size, through.containerID + through.size)
      if (start >= end) return []
      return {
        containerID: line.containerID + (start - line.hostID),
        hostID: through.hostID + (start - through.containerID),
        size: end - start,
      }
    }),
  )
  return normalize(lines)
}

/**
 * The same map in lines that each lie within one line of `outer`, which their outer ids are of: the kernel takes no
 * other (map_write looks for the whole range at once, and answers EPERM).
 */
export function splitAlong(outer: readonly IdMapping[], inner: readonly IdMapping[]): IdMapping[] {
  const lines = [...outer].sort((a, b) => a.containerID - b.containerID)
  return inner.flatMap((line) =>
    lines.flatMap(({ containerID, size }) => {
      const start = Math.max(line.hostID, containerID)
      const end = Math.min(line.hostID + line.size, containerID + size)
      return start >= end
        ? []
        : { containerID: line.containerID + (start - line.hostID), hostID: start, size: end - start }
    }),
  )
}

/** Inside, `target` is the outer namespace's root (the user); all others shift up or down by one around it. */
export function keepIdMap(target: number, available: number): IdMapping[] {
  const others = available - 1
  const below = Math.min(target, others)
  const lines = [
    { containerID: 0, hostID: 1, size: below },
    { containerID: target, hostID: 0, size: 1 },
    { containerID: target + 1, hostID: below + 1, size: others - below },
  ]
  return lines.filter(({ size }) => size > 0)
}

/** Cuts `size` ids from both sides of a map, wherever they are, and puts the new line in their place. */
export function overrideMap(map: readonly IdMapping[], line: IdMapping): IdMapping[] {
  const kept = cut(cut(map, 'containerID', line.containerID, line.size), 'hostID', line.hostID, line.size)
  return normalize([...kept, line])
}

/** `lines`, and the other ids of `outer` in order, up to `most`, at the ids inside that are left, as Podman fills a map. */
export function fillMap(lines: readonly IdMapping[], outer: readonly IdRange[], most = Infinity): IdMapping[] {
  const taken = [...lines].sort((a, b) => a.containerID - b.containerID)
  const free = lines.reduce<readonly IdRange[]>(
    (ranges, { hostID, size }) => ranges.flatMap((range) => outside(range, hostID, size)),
    outer,
  )
  const filled: IdMapping[] = []
  let next = 0
  let room = most
  for (const range of free) {
    let { start, count } = range
    count = Math.min(count, room)
    room -= count
    while (count > 0) {
      while (taken[0] !== undefined && taken[0].containerID <= next) {
        next = Math.max(next, taken[0].containerID + taken[0].size)
        taken.shift()
      }
      const size = Math.min(count, (taken[0]?.containerID ?? Infinity) - next)
      filled.push({ containerID: next, hostID: start, size })
      next += size
      start += size
      count -= size
    }
  }
  return normalize([...lines, ...filled])
}

/** What of a range lies beside `size` ids from `first` on. */
function outside({ start, count }: IdRange, first: number, size: number): IdRange[] {
  const end = start + count
  return [
    { start, count: Math.min(end, first) - start },
    { start: Math.max(start, first + size), count: end - Math.max(start, first + size) },
  ].filter((part) => part.count > 0)
}

/** Those ids of the ranges that are not `id`: a range that holds the user's own id would map it twice. */
export function without(ranges: readonly IdRange[], id: number): IdRange[] {
  return ranges.flatMap(({ start, count }) => {
    if (id < start || id >= start + count) return { start, count }
    const parts = [
      { start, count: id - start },
      { start: id + 1, count: start + count - id - 1 },
    ]
    return parts.filter((part) => part.count > 0)
  })
}

/** The lowest block of `size` ids of 1 … `available`-1 that touches none of those taken; undefined if there is none. */
export function freeBlock(taken: readonly IdRange[], size: number, available: number): number | undefined {
  let start = 1
  for (const range of [...taken].sort((a, b) => a.start - b.start)) {
    if (range.start + range.count <= start) continue
    if (start + size <= range.start) break
    start = range.start + range.count
  }
  return start + size <= available ? start : undefined
}

function cut(map: readonly IdMapping[], side: 'containerID' | 'hostID', start: number, size: number): IdMapping[] {
  return map.flatMap((line) => {
    const before = Math.min(Math.max(start - line[side], 0), line.size)
    const after = Math.min(Math.max(line[side] + line.size - (start + size), 0), line.size)
    const parts = [
      { ...line, size: before },
      { containerID: line.containerID + line.size - after, hostID: line.hostID + line.size - after, size: after },
    ]
    return before === line.size ? line : parts.filter((part) => part.size > 0)
  })
}

function lineOf({ containerID, hostID, size }: IdMapping): string {
  return `${String(containerID)}:${String(hostID)}:${String(size)}`
}
