import { statSync, type Stats } from 'node:fs'
import { TspodError } from '../src/base/errors.js'
import { readXattr } from '../src/base/syscalls.js'
import { readText } from '../src/state/file.js'
import { lookedAt } from '../src/base/looks.js'
import type { IdMapping } from '../src/oci/runtime-spec.js'
import type { UsernsPlan } from '../src/runtime/protocol.js'
import { mapSize, normalize, rootedMap, sequentialMap } from './id-map.js'
import {
  parseSubid,
  rangesOf,
  subordinateIds,
  userName,
  type IdRange,
  type SubidEntry,
  type SubidRanges,
} from './subid.js'

/** The rung of the ladder that this user stands on: the id map of every user namespace of theirs, and why it is this one. */
export interface HostMapping {
  readonly rung: 'ranges' | 'root' | 'single' | 'inside'
  /** One line for people. */
  readonly reason: string
  readonly plan: UsernsPlan
}

export interface Caller {
  readonly uid: number
  readonly gid: number
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Where a root caller's containers get their ids if /etc/subuid gives root none: above all that systemd hands out. */
const rootRange = { first: 0x70000000, size: 65536, limit: 0x7ffe0000 } as const
/** Set by `tspod unshare` for what runs in its namespace. */
export const insideVariable = 'TSPOD_UNSHARED'

let known: { readonly key: string; readonly mapping: Promise<HostMapping> } | undefined

/** The best mapping there is for the caller. Worked out once per process. */
export function hostMapping(caller: Caller = currentCaller()): Promise<HostMapping> {
  const key = `${String(caller.uid)}:${String(caller.gid)}:${caller.env['PATH'] ?? ''}`
  if (known?.key !== key) known = { key, mapping: climb(caller) }
  return known.mapping
}

export function currentCaller(): Caller {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, env: process.env }
}

async function climb(caller: Caller): Promise<HostMapping> {
  if (caller.uid === 0) return caller.env[insideVariable] === undefined ? rootMapping() : insideMapping()
  const own = await subordinateIds({ uid: caller.uid, name: await userName(caller.uid) })
  return userMapping(caller, own, {
    newuidmap: findHelper('newuidmap', caller.env['PATH']),
    newgidmap: findHelper('newgidmap', caller.env['PATH']),
    noNewPrivileges: /^NoNewPrivs:\s*1$/m.test(readText('/proc/self/status') ?? ''),
  })
}

/** A helper: its path, and whether it can do what it is for. */
export interface Helper {
  readonly path: string
  readonly privileged: boolean
}

export interface Helpers {
  readonly newuidmap: Helper | undefined
  readonly newgidmap: Helper | undefined
  readonly noNewPrivileges: boolean
}

/** An ordinary user's mapping: their ranges by the helpers, else their own id alone. */
export function userMapping(
  caller: { readonly uid: number; readonly gid: number },
  own: SubidRanges,
  helpers: Helpers,
): HostMapping {
  const obstacle = obstacleOf(own, helpers)
  const { newuidmap, newgidmap } = helpers
  if (obstacle !== undefined || newuidmap === undefined || newgidmap === undefined) {
    return {
      rung: 'single',
      reason: `one id only, because ${obstacle ?? 'the helpers are missing'}`,
      plan: {
        mode: 'new',
        writer: 'self',
        uidMappings: rootedMap(caller.uid, []),
        gidMappings: rootedMap(caller.gid, []),
      },
    }
  }
  const uidMappings = rootedMap(caller.uid, harmless(own.uids))
  const gidMappings = rootedMap(caller.gid, harmless(own.gids))
  return {
    rung: 'ranges',
    reason: `${String(mapSize(uidMappings))} uids and ${String(mapSize(gidMappings))} gids, from ${own.source} by ${newuidmap.path}`,
    plan: {
      mode: 'new',
      writer: 'helpers',
      newuidmap: newuidmap.path,
      newgidmap: newgidmap.path,
      uidMappings,
      gidMappings,
    },
  }
}

function obstacleOf(own: SubidRanges, helpers: Helpers): string | undefined {
  for (const name of ['newuidmap', 'newgidmap'] as const) {
    const helper = helpers[name]
    if (helper === undefined) return `${name} is not installed (apt-get install uidmap)`
    if (!helper.privileged) return `${helper.path} is neither setuid root nor has file capabilities`
  }
  if (helpers.noNewPrivileges) return 'no_new_privs is set for this process, and newuidmap needs its privileges'
  if (harmless(own.uids).length === 0) return 'there is no range for this user in /etc/subuid'
  if (harmless(own.gids).length === 0) return 'there is no range for this user in /etc/subgid'
  return undefined
}

/** A range with id 0 would map the host's root: whoever wrote that meant something else. */
function harmless(ranges: readonly IdRange[]): IdRange[] {
  return ranges.filter(({ start }) => start > 0)
}

/** Finds a program where distributions put it, then in PATH. */
export function findHelper(name: string, path: string | undefined): Helper | undefined {
  for (const directory of ['/usr/bin', ...(path ?? '').split(':'), '/bin', '/usr/sbin', '/sbin', '/usr/local/bin']) {
    if (!directory.startsWith('/')) continue
    const file = `${directory}/${name}`
    const stat = statIfAllowed(file)
    if (stat === undefined || !stat.isFile() || (stat.mode & 0o111) === 0) continue
    const setuid = (stat.mode & 0o4000) !== 0 && stat.uid === 0
    return { path: file, privileged: setuid || readXattr(file, 'security.capability') !== undefined }
  }
  return undefined
}

function statIfAllowed(path: string): Stats | undefined {
  lookedAt('file', path)
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined // a folder of PATH that is not for us
  }
}

/** Root: a block of ids that nobody has. Root of the host itself is never in it. */
export function rootMapping(): HostMapping {
  const own = normalize(parseIdMap(readText('/proc/self/uid_map') ?? ''))
  const ownGroups = normalize(parseIdMap(readText('/proc/self/gid_map') ?? ''))
  const initial = own.length === 1 && own[0]?.hostID === 0 && own[0].size >= 0xffffffff
  const mayMap = (capabilities(readText('/proc/self/status') ?? '') & 0b11000000n) === 0b11000000n
  const subuid = parseSubid(readText('/etc/subuid') ?? '')
  const subgid = parseSubid(readText('/etc/subgid') ?? '')
  return rootPlan({ own, ownGroups, initial, mayMap, subuid, subgid })
}

export interface RootFacts {
  readonly own: readonly IdMapping[]
  readonly ownGroups: readonly IdMapping[]
  /** In the host's own user namespace. */
  readonly initial: boolean
  /** Has CAP_SETUID and CAP_SETGID. */
  readonly mayMap: boolean
  readonly subuid: readonly SubidEntry[]
  readonly subgid: readonly SubidEntry[]
}

export function rootPlan(facts: RootFacts): HostMapping {
  if (!facts.mayMap) return rootAlone(facts)
  const root = { uid: 0, name: 'root' }
  const uids = usable(rangesOf(facts.subuid, root), facts.own)
  const gids = usable(rangesOf(facts.subgid, root), facts.ownGroups)
  if (uids.length > 0 && gids.length > 0) return rootRanges(uids, gids, "root's ranges of /etc/subuid")
  if (facts.initial) {
    const range = defaultRootRange([...facts.subuid, ...facts.subgid])
    return rootRanges(
      [range],
      [range],
      `the default block from ${String(range.start)}, as /etc/subuid has none for root`,
    )
  }
  const inner = innerRange(facts.own)
  const innerGroups = innerRange(facts.ownGroups)
  if (inner.length === 0 || innerGroups.length === 0) return rootAlone(facts)
  return rootRanges(inner, innerGroups, 'the ids that the surrounding user namespace has')
}

/** Above the first 65536 ids nobody is at home; where there are no more than these, all but root and nobody must do. */
function innerRange(own: readonly IdMapping[]): IdRange[] {
  const above = usable([{ start: 65536, count: 65536 }], own)
  return above[0]?.count === 65536 ? above : usable([{ start: 1, count: 65533 }], own)
}

function rootRanges(uids: readonly IdRange[], gids: readonly IdRange[], source: string): HostMapping {
  const uidMappings = sequentialMap(0, uids)
  const gidMappings = sequentialMap(0, gids)
  return {
    rung: 'root',
    reason: `called by root: ${String(mapSize(uidMappings))} ids, ${source}; root gives containers no privileges on the host`,
    plan: { mode: 'new', writer: 'root', uidMappings, gidMappings },
  }
}

/** Root without the right to map others: only where this root is not the host's. */
function rootAlone(facts: RootFacts): HostMapping {
  if (facts.initial)
    throw new TspodError(
      'host-requirement',
      "called by root without CAP_SETUID and CAP_SETGID: only the host's root itself could be mapped, and that is not done; call tspod as an ordinary user",
    )
  const map = rootedMap(0, [])
  return {
    rung: 'single',
    reason: 'one id only, because this root may map no other (CAP_SETUID, CAP_SETGID or ids are missing)',
    plan: { mode: 'new', writer: 'self', uidMappings: map, gidMappings: map },
  }
}

/** In the namespace of `tspod unshare` the ids are the right ones already. */
function insideMapping(): HostMapping {
  const identity = (path: string): IdMapping[] =>
    normalize(
      parseIdMap(readText(path) ?? '').map(({ containerID, size }) => ({ containerID, hostID: containerID, size })),
    )
  return {
    rung: 'inside',
    reason: 'in the user namespace of "tspod unshare"',
    plan: {
      mode: 'host',
      writer: 'self',
      uidMappings: identity('/proc/self/uid_map'),
      gidMappings: identity('/proc/self/gid_map'),
    },
  }
}

/** The first aligned block that no line of the files touches. */
export function defaultRootRange(taken: readonly IdRange[]): IdRange {
  for (let start = rootRange.first; start + rootRange.size <= rootRange.limit; start += rootRange.size) {
    const free = taken.every((range) => range.start + range.count <= start || range.start >= start + rootRange.size)
    if (free) return { start, count: rootRange.size }
  }
  throw new TspodError(
    'host-requirement',
    'no block of ids is free for root: add "root:START:65536" to /etc/subuid and /etc/subgid',
  )
}

/** Those parts of the ranges that the own namespace has, never its root. */
function usable(ranges: readonly IdRange[], own: readonly IdMapping[]): IdRange[] {
  return ranges.flatMap((range) =>
    own.flatMap(({ containerID, size }) => {
      const start = Math.max(range.start, containerID, 1)
      const end = Math.min(range.start + range.count, containerID + size)
      return end > start ? { start, count: end - start } : []
    }),
  )
}

/** /proc/PID/uid_map */
export function parseIdMap(text: string): IdMapping[] {
  return text.split('\n').flatMap((line) => {
    const [containerID, hostID, size] = line.trim().split(/\s+/).map(Number)
    return containerID === undefined || hostID === undefined || size === undefined ? [] : { containerID, hostID, size }
  })
}

/** The effective set, as /proc/PID/status has it. */
export function capabilities(status: string): bigint {
  return BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
}
