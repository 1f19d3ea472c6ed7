import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { IdMapping } from '../../../src/oci/runtime-spec.js'
import type { UsernsPlan } from '../../../src/runtime/protocol.js'
import { claimRange, releaseRange } from '../../../rootless/auto-range.js'
import { mapsFromFlags } from '../../../rootless/id-map-flags.js'
import { planUserns, type UsernsRequest } from '../../../rootless/userns.js'

const uidMappings = [
  { containerID: 0, hostID: 1000, size: 1 },
  { containerID: 1, hostID: 100000, size: 65536 },
]
const gidMappings = [
  { containerID: 0, hostID: 1000, size: 1 },
  { containerID: 1, hostID: 200000, size: 65536 },
]
const base: UsernsPlan = { mode: 'new', writer: 'helpers', newuidmap: '/u', newgidmap: '/g', uidMappings, gidMappings }
const single: UsernsPlan = {
  mode: 'new',
  writer: 'self',
  uidMappings: uidMappings.slice(0, 1),
  gidMappings: gidMappings.slice(0, 1),
}

function text(lines: readonly IdMapping[] | undefined): string {
  return (lines ?? []).map(({ containerID, hostID, size }) => `${containerID}:${hostID}:${size}`).join(' ')
}

function nested(request: Partial<UsernsRequest>, plan = base): [string, string] {
  const made = planUserns(plan, { uid: 1000, gid: 1000, ...request }).nested
  return [text(made?.uidMappings), text(made?.gidMappings)]
}

describe('--uidmap and --gidmap', () => {
  test.each([
    [['0:0:1'], [], '0:0:1', '0:0:1'],
    [['0:1:100', '100:0'], [], '0:1:100 100:0:1', '0:1:100 100:0:1'],
    [[], ['0:5:10'], '0:5:10', '0:5:10'],
    [['0:0:2'], ['0:4:2'], '0:0:2', '0:4:2'],
    [['0:@1000:1', '1:@100000:5'], [], '0:0:2 2:2:4', undefined],
    [['+7:50:1'], [], '0:0:7 7:50:1 8:7:43 51:51:65486', '0:0:7 7:50:1 8:7:43 51:51:65486'],
    [['+u7:50:1'], [], '0:0:7 7:50:1 8:7:43 51:51:65486', '0:0:65537'],
    [
      ['+7:50:2', '+100:7:1'],
      [],
      '0:0:7 7:50:2 9:8:42 51:52:49 100:7:1 101:101:65436',
      '0:0:7 7:50:2 9:8:42 51:52:49 100:7:1 101:101:65436',
    ],
    [['0:0:10', '+5:20:1'], [], '0:0:5 5:20:1 6:6:4', '0:0:5 5:20:1 6:6:4'],
    [['+u70000:5:1'], [], '0:0:5 5:6:65531 70000:5:1', '0:0:65537'],
    [['+g7:50:1'], [], '0:0:65537', '0:0:7 7:50:1 8:7:43 51:51:65486'],
  ] as const)('%j %j', (uid, gid, uids, gids) => {
    if (gids === undefined) {
      // The host's ids of users and groups are different ones here.
      expect(() => mapsFromFlags(uid, gid, base)).toThrow(/host's gids @100000–100004 are not yours/)
      return
    }
    const maps = mapsFromFlags(uid, gid, base)
    expect([text(maps.uidMappings), text(maps.gidMappings)]).toEqual([uids, gids])
  })

  test('a host id is looked up among the ids that the user has', () => {
    const maps = mapsFromFlags(['0:@1000:1', '1:@100010:5'], ['0:0:6'], base)
    expect(text(maps.uidMappings)).toBe('0:0:1 1:11:5')
  })

  test.each(['', 'a:b:c', '0', '0:1:2:3', '-1:0:1', '0:0:-5', '*0:0:1', '0:0x1:1', '0:0:99999999999'])(
    'refuses %j',
    (flag) => {
      expect(() => mapsFromFlags([flag], [], base)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
    },
  )

  test('refuses ids that are not there, twice there, or of somebody else', () => {
    expect(() => mapsFromFlags(['0:0:65538'], [], base)).toThrow(/there are 0–65536/)
    expect(() => mapsFromFlags(['0:0:10', '5:20:1'], [], base)).toThrow(/twice/)
    expect(() => mapsFromFlags(['0:@5:1'], [], base)).toThrow(/not yours to map/)
  })

  test('and keep-id leave a root, who sets the container up', () => {
    expect(() => nested({ uidMap: ['5:0:1'] })).toThrow(/no uid 0/)
    expect(() => nested({ uidMap: ['0:0:9'], gidMap: ['1:1:9'] })).toThrow(/no gid 0/)
    expect(() => nested({ mode: { mode: 'keep-id' } }, single)).toThrow(/needs 2 ids and you have 1/)
    expect(nested({ mode: { mode: 'keep-id', uid: 0, gid: 0 } }, single)).toEqual(['0:0:1', '0:0:1'])
  })

  test('do not go with another mode', () => {
    expect(() => nested({ mode: { mode: 'keep-id' }, uidMap: ['0:0:1'] })).toThrow(/cannot be combined/)
  })
})

describe('--userns', () => {
  test('the default and host are the own map, without another namespace', () => {
    expect(planUserns(base, { uid: 1000, gid: 1000 })).toBe(base)
    expect(planUserns(base, { uid: 1000, gid: 1000, mode: { mode: 'host' } })).toBe(base)
  })

  test('keep-id keeps the own ids, or makes others of them', () => {
    expect(nested({ mode: { mode: 'keep-id' } })[0]).toBe('0:1:1000 1000:0:1 1001:1001:64536')
    expect(nested({ mode: { mode: 'keep-id', uid: 5, gid: 6 } })).toEqual([
      '0:1:5 5:0:1 6:6:65531',
      '0:1:6 6:0:1 7:7:65530',
    ])
    expect(nested({ mode: { mode: 'keep-id', size: 2000 } })[0]).toBe('0:1:1000 1000:0:1 1001:1001:999')
    expect(() => nested({ mode: { mode: 'keep-id', size: 70000 } })).toThrow(/needs 70000 ids and you have 65537/)
  })

  test('nomap leaves the own id out', () => {
    expect(nested({ mode: { mode: 'nomap' } })[0]).toBe('0:1:65536')
    expect(() => nested({ mode: { mode: 'nomap' } }, single)).toThrow(/subuid/)
  })

  test('auto takes the claimed block, with changes', () => {
    const autoRange = { start: 1001, count: 1024 }
    expect(nested({ mode: { mode: 'auto' }, autoRange })[0]).toBe('0:1001:1024')
    expect(nested({ mode: { mode: 'auto', uidMapping: ['5:0:1'] }, autoRange })).toEqual([
      '0:1001:5 5:0:1 6:1006:1018',
      '0:1001:1024',
    ])
  })

  test('auto leaves out of its block what the changes take', () => {
    const autoRange = { start: 1, count: 1024 }
    const uids = (mapping: string) => nested({ mode: { mode: 'auto', uidMapping: [mapping] }, autoRange })[0]
    expect([uids('0:1:1'), uids('5:1:1')]).toEqual(['0:1:1024', '0:2:5 5:1:1 6:7:1018'])
  })

  test('container joins the donor', () => {
    const plan = planUserns(base, { uid: 1000, gid: 1000, mode: { mode: 'container', container: 'x' }, donorPid: 42 })
    expect(plan).toMatchObject({ mode: 'join', path: '/proc/42/ns/user' })
  })
})

describe('ranges of --userns auto', () => {
  const graphroot = mkdtempSync(join(tmpdir(), 'tspod-auto-'))
  afterAll(() => rmSync(graphroot, { recursive: true }))
  const alive = new Set(['a', 'b', 'c', 'd'])
  const claim = (owner: string, size = 100): ReturnType<typeof claimRange> =>
    claimRange(graphroot, { owner, size, available: 301, isOwner: (name) => alive.has(name) })

  test('do not overlap, even when claimed at once, and are kept, freed and run out', async () => {
    const [a, b] = await Promise.all([claim('a'), claim('b')])
    expect([a.start, b.start].sort()).toEqual([1, 101])
    expect(await claim('a')).toEqual(a)
    expect(await claim('c')).toEqual({ start: 201, count: 100 })
    await expect(claim('d')).rejects.toThrow(/no 100 of your 301 ids are free/)
    await releaseRange(graphroot, 'a')
    expect(await claim('d')).toEqual(a)
    alive.delete('b')
    expect(await claim('a')).toEqual(b)
  })
})
