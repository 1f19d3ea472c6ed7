import { TspodError } from '../src/base/errors.js'
import type { IdMapping } from '../src/oci/runtime-spec.js'
import type { UsernsPlan } from '../src/runtime/protocol.js'
import { fillMap, keepIdMap, mapSize, requireValidMap, splitAlong, toHost } from './id-map.js'
import { mapsFromFlags } from './id-map-flags.js'

/** `--userns` */
export type UserNamespaceMode =
  | { readonly mode: 'host' }
  | { readonly mode: 'keep-id'; readonly uid?: number; readonly gid?: number; readonly size?: number }
  | { readonly mode: 'nomap' }
  | {
      readonly mode: 'auto'
      readonly size?: number
      readonly uidMapping?: readonly string[]
      readonly gidMapping?: readonly string[]
    }
  | { readonly mode: 'container'; readonly container: string }
  | { readonly mode: 'path'; readonly path: string }

/** What a container asked for: ContainerSpec's `namespaces.user`, `uidMap` and `gidMap`, with what the engine looked up. */
export interface UsernsRequest {
  readonly mode?: UserNamespaceMode
  readonly uidMap?: readonly string[]
  readonly gidMap?: readonly string[]
  /** The caller's ids, for keep-id. */
  readonly uid: number
  readonly gid: number
  /** Process 1 of the container to join, for `container`. */
  readonly donorPid?: number
  /** The block from `claimRange`, for `auto`. */
  readonly autoRange?: { readonly start: number; readonly count: number }
}

/** The user namespace of one container: the user's own (`base`, from the ladder), one nested in it, or a donor's. */
export function planUserns(base: UsernsPlan, request: UsernsRequest): UsernsPlan {
  const nested = nestedMaps(base, request)
  if (nested === 'join') return joinUserns(base, request)
  if (nested === undefined) return base
  if (base.mode === 'host')
    throw new TspodError('not-supported', 'inside "tspod unshare" a container cannot have ids of its own')
  requireValidMap(nested.uidMappings, 'uid')
  requireValidMap(nested.gidMappings, 'gid')
  requireRoot(nested, Math.min(mapSize(base.uidMappings), mapSize(base.gidMappings)))
  const uidMappings = splitAlong(base.uidMappings, nested.uidMappings)
  const gidMappings = splitAlong(base.gidMappings, nested.gidMappings)
  requireValidMap(uidMappings, 'uid')
  requireValidMap(gidMappings, 'gid')
  return { ...base, nested: { uidMappings, gidMappings } }
}

interface Maps {
  readonly uidMappings: readonly IdMapping[]
  readonly gidMappings: readonly IdMapping[]
}

function nestedMaps(base: UsernsPlan, request: UsernsRequest): Maps | 'join' | undefined {
  const mode = request.mode ?? { mode: 'host' }
  if ((request.uidMap?.length ?? 0) + (request.gidMap?.length ?? 0) > 0) {
    if (mode.mode !== 'host')
      throw new TspodError('invalid-argument', `--uidmap and --gidmap cannot be combined with --userns ${mode.mode}`)
    return mapsFromFlags(request.uidMap ?? [], request.gidMap ?? [], base)
  }
  switch (mode.mode) {
    case 'host':
      return undefined
    case 'container':
    case 'path':
      return 'join'
    case 'keep-id':
      return keepIdMaps(base, mode, request)
    case 'nomap':
      return nomapMaps(base)
    case 'auto':
      return autoMaps(base, mode, request)
  }
}

/** It is root in the container who sets it up. */
function requireRoot({ uidMappings, gidMappings }: Maps, available: number): void {
  for (const [name, map] of [
    ['uid', uidMappings],
    ['gid', gidMappings],
  ] as const) {
    if (toHost(map, 0) !== undefined) continue
    if (available < 2) throw tooMany(2, available)
    throw new TspodError('invalid-argument', `the ${name} map has no ${name} 0, which sets the container up`)
  }
}

function keepIdMaps(
  base: UsernsPlan,
  { uid, gid, size }: { readonly uid?: number; readonly gid?: number; readonly size?: number },
  request: UsernsRequest,
): Maps {
  const [uids, gids] = [mapSize(base.uidMappings), mapSize(base.gidMappings)]
  if (size !== undefined && (size < 1 || size > Math.min(uids, gids))) throw tooMany(size, Math.min(uids, gids))
  return {
    uidMappings: keepIdMap(uid ?? request.uid, size ?? uids),
    gidMappings: keepIdMap(gid ?? request.gid, size ?? gids),
  }
}

function nomapMaps(base: UsernsPlan): Maps {
  const [uids, gids] = [mapSize(base.uidMappings), mapSize(base.gidMappings)]
  if (uids < 2 || gids < 2) throw tooMany(2, Math.min(uids, gids))
  return {
    uidMappings: [{ containerID: 0, hostID: 1, size: uids - 1 }],
    gidMappings: [{ containerID: 0, hostID: 1, size: gids - 1 }],
  }
}

/** The claimed block, with single ids changed by `uidmapping=` and `gidmapping=`. */
function autoMaps(
  base: UsernsPlan,
  mode: { readonly uidMapping?: readonly string[]; readonly gidMapping?: readonly string[] },
  request: UsernsRequest,
): Maps {
  const range = request.autoRange
  if (range === undefined) throw new TspodError('internal', 'a user namespace of mode auto needs a claimed range')
  const asked = mapsFromFlags(mode.uidMapping ?? [], mode.gidMapping ?? [], base)
  const filled = (lines: readonly IdMapping[], any: boolean): IdMapping[] =>
    any ? fillMap(lines, [range], range.count - mapSize(lines)) : fillMap([], [range])
  return {
    uidMappings: filled(asked.uidMappings, (mode.uidMapping?.length ?? 0) > 0),
    gidMappings: filled(asked.gidMappings, (mode.gidMapping?.length ?? 0) > 0),
  }
}

function joinUserns(base: UsernsPlan, request: UsernsRequest): UsernsPlan {
  const { mode } = request
  if (mode?.mode === 'path') return { ...base, mode: 'join', path: mode.path }
  if (request.donorPid === undefined) throw new TspodError('internal', 'joining a user namespace needs the donor')
  return { ...base, mode: 'join', path: `/proc/${String(request.donorPid)}/ns/user` }
}

function tooMany(wanted: number, available: number): TspodError {
  return new TspodError(
    'invalid-argument',
    `the user namespace needs ${String(wanted)} ids and you have ${String(available)}: a range in /etc/subuid and /etc/subgid would help, see "tspod doctor"`,
  )
}
