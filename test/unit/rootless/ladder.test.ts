import { describe, expect, test } from 'vitest'
import {
  defaultRootRange,
  parseIdMap,
  rootPlan,
  userMapping,
  type Helpers,
  type RootFacts,
} from '../../../rootless/ladder.js'

const ranges = {
  uids: [{ start: 100000, count: 65536 }],
  gids: [{ start: 100000, count: 65536 }],
  source: '/etc/subuid',
}
const helpers: Helpers = {
  newuidmap: { path: '/usr/bin/newuidmap', privileged: true },
  newgidmap: { path: '/usr/bin/newgidmap', privileged: true },
  noNewPrivileges: false,
}
const user = { uid: 1000, gid: 1000 }

describe('an ordinary user', () => {
  test('has the ranges, written by the helpers', () => {
    const mapping = userMapping(user, ranges, helpers)
    expect(mapping.rung).toBe('ranges')
    expect(mapping.reason).toBe('65537 uids and 65537 gids, from /etc/subuid by /usr/bin/newuidmap')
    expect(mapping.plan).toMatchObject({ writer: 'helpers', newuidmap: '/usr/bin/newuidmap' })
  })

  test.each([
    [{ newuidmap: undefined }, ranges, /newuidmap is not installed \(apt-get install uidmap\)/],
    [{ newgidmap: { path: '/x/newgidmap', privileged: false } }, ranges, /\/x\/newgidmap is neither setuid root/],
    [{ noNewPrivileges: true }, ranges, /no_new_privs/],
    [{}, { ...ranges, uids: [] }, /no range for this user in \/etc\/subuid/],
    [{}, { ...ranges, gids: [] }, /no range for this user in \/etc\/subgid/],
    [{}, { ...ranges, uids: [{ start: 0, count: 65536 }] }, /no range for this user/],
  ])('without something has one id: %j', (missing, own, reason) => {
    const mapping = userMapping(user, own, { ...helpers, ...missing })
    expect(mapping.rung).toBe('single')
    expect(mapping.reason).toMatch(reason)
    expect(mapping.plan).toEqual({
      mode: 'new',
      writer: 'self',
      uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
    })
  })
})

describe('root', () => {
  const whole = [{ containerID: 0, hostID: 0, size: 4294967295 }]
  const facts: RootFacts = { own: whole, ownGroups: whole, initial: true, mayMap: true, subuid: [], subgid: [] }
  const inside = (size: number): RootFacts => {
    const own = [{ containerID: 0, hostID: 100000, size }]
    return { ...facts, own, ownGroups: own, initial: false }
  }

  test('gets its own range', () => {
    const entry = [{ owner: 'root', start: 500000, count: 65536 }]
    const { plan } = rootPlan({ ...facts, subuid: entry, subgid: entry })
    expect(plan).toMatchObject({ writer: 'root', uidMappings: [{ containerID: 0, hostID: 500000, size: 65536 }] })
  })

  test('gets a block that is nobody else’s where it has none', () => {
    expect(rootPlan(facts).plan.uidMappings).toEqual([{ containerID: 0, hostID: 0x70000000, size: 65536 }])
    expect(defaultRootRange([{ start: 0x70000000 + 5, count: 1 }]).start).toBe(0x70010000)
  })

  test.each([
    facts,
    inside(65536),
    inside(131072),
    inside(200),
    { ...facts, subuid: [{ owner: 'root', start: 0, count: 9 }] },
  ])('never maps the root outside, case %#', (given) => {
    for (const { hostID } of rootPlan(given).plan.uidMappings) expect(hostID).toBeGreaterThan(0)
  })

  test('in a container uses what there is', () => {
    expect(rootPlan(inside(131072)).plan.uidMappings).toEqual([{ containerID: 0, hostID: 65536, size: 65536 }])
    expect(rootPlan(inside(65536)).plan.uidMappings).toEqual([{ containerID: 0, hostID: 1, size: 65533 }])
  })

  test('without capabilities has one id in a container, and is refused on the host', () => {
    expect(rootPlan({ ...inside(65536), mayMap: false }).rung).toBe('single')
    expect(() => rootPlan({ ...facts, mayMap: false })).toThrow(expect.objectContaining({ code: 'host-requirement' }))
  })
})

test('/proc/self/uid_map is read', () => {
  expect(parseIdMap('         0       1000          1\n         1     100000      65536\n')).toEqual([
    { containerID: 0, hostID: 1000, size: 1 },
    { containerID: 1, hostID: 100000, size: 65536 },
  ])
})
