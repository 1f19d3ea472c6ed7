import { TspodError } from '../src/base/errors.js'
import type { IdMapping } from '../src/oci/runtime-spec.js'
import { fillMap, normalize, overrideMap, requireValidMap, toContainer } from './id-map.js'

/** One `--uidmap`, `--gidmap`: `[flags]container_id:from_id[:amount]`, flags `+`, `u`, `g`, from_id with `@` for a host's id. */
interface MapFlag {
  readonly extend: boolean
  readonly kinds: 'both' | 'uid' | 'gid'
  readonly fromHost: boolean
  readonly line: IdMapping
}

/** The maps of the user namespace outside, whose ids `from_id` counts in. */
export interface OuterMaps {
  readonly uidMappings: readonly IdMapping[]
  readonly gidMappings: readonly IdMapping[]
}

/**
 * What `--uidmap` and `--gidmap` ask for, in ids of the namespace outside. Given only one of them, the other is the
 * same, but for lines that say `u` or `g`.
 */
export function mapsFromFlags(
  uidMap: readonly string[],
  gidMap: readonly string[],
  outer: OuterMaps,
): { uidMappings: IdMapping[]; gidMappings: IdMapping[] } {
  const uidFlags = uidMap.map((text) => parseFlag(text, '--uidmap'))
  const gidFlags = gidMap.map((text) => parseFlag(text, '--gidmap'))
  const uids = gidFlags.length > 0 && uidFlags.length === 0 ? gidFlags : uidFlags
  const gids = uidFlags.length > 0 && gidFlags.length === 0 ? uidFlags : gidFlags
  return {
    uidMappings: build(
      uids.filter(({ kinds }) => kinds !== 'gid'),
      outer.uidMappings,
      'uid',
    ),
    gidMappings: build(
      gids.filter(({ kinds }) => kinds !== 'uid'),
      outer.gidMappings,
      'gid',
    ),
  }
}

/** Flags with `+` alone: what they leave is filled. One without replaces all, and those with `+` change it. */
function build(flags: readonly MapFlag[], outer: readonly IdMapping[], name: 'uid' | 'gid'): IdMapping[] {
  const identity = normalize(outer.map(({ containerID, size }) => ({ containerID, hostID: containerID, size })))
  const plain = flags.filter(({ extend }) => !extend).map((flag) => resolve(flag, outer, name))
  requireKnown(plain, identity, name)
  let map = plain
  if (plain.length > 0) requireValidMap(map, name)
  for (const flag of flags.filter(({ extend }) => extend)) {
    const line = resolve(flag, outer, name)
    requireKnown([line], identity, name)
    map = overrideMap(map, line)
  }
  if (plain.length === 0)
    map = fillMap(
      map,
      identity.map(({ hostID, size }) => ({ start: hostID, count: size })),
    )
  requireValidMap(map, name)
  return normalize(map)
}

function resolve(flag: MapFlag, outer: readonly IdMapping[], name: string): IdMapping {
  if (!flag.fromHost) return flag.line
  const { hostID, size } = flag.line
  const from = toContainer(outer, hostID)
  const to = toContainer(outer, hostID + size - 1)
  if (from === undefined || to !== from + size - 1)
    throw new TspodError(
      'invalid-argument',
      `the host's ${name}s @${String(hostID)}${size > 1 ? `–${String(hostID + size - 1)}` : ''} are not yours to map in one piece: see "tspod info" and /etc/sub${name}`,
    )
  return { ...flag.line, hostID: from }
}

/** Every id must be one that the outer namespace has, or the kernel answers EPERM. */
function requireKnown(map: readonly IdMapping[], identity: readonly IdMapping[], name: string): void {
  for (const { hostID, size } of map) {
    const holder = identity.find((line) => hostID >= line.hostID && hostID < line.hostID + line.size)
    if (holder && hostID + size <= holder.hostID + holder.size) continue
    const last = identity.at(-1)
    const limit = last ? last.hostID + last.size : 0
    throw new TspodError(
      'invalid-argument',
      `the ${name} map wants ids ${String(hostID)}–${String(hostID + size - 1)}, and there are 0–${String(limit - 1)}: a larger range in /etc/sub${name} would help`,
    )
  }
}

function parseFlag(text: string, option: string): MapFlag {
  const match = /^([+ug]*)(\d{1,10}):(@?)(\d{1,10})(?::(\d{1,10}))?$/.exec(text)
  if (!match) {
    throw new TspodError('invalid-argument', `${option} ${JSON.stringify(text)} is not [flags]CONTAINER:FROM[:AMOUNT]`)
  }
  const [, letters = '', inside, at, outside, amount = '1'] = match
  const uid = letters.includes('u')
  const gid = letters.includes('g')
  return {
    extend: letters.includes('+'),
    kinds: uid === gid ? 'both' : uid ? 'uid' : 'gid',
    fromHost: at === '@',
    line: { containerID: Number(inside), hostID: Number(outside), size: Number(amount) },
  }
}
