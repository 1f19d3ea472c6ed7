import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { goDuration } from '../../../src/base/go-duration.js'
import { isFrozen, thaw } from '../../../src/engine/containers/freezer.js'
import { parseHealth } from '../../../src/engine/containers/health.js'
import { healthCommand } from '../../../src/engine/containers/health-plan.js'
import { namesOf, parseIdMap } from '../../../src/engine/containers/proc-users.js'
import { parseStat } from '../../../src/engine/containers/processes.js'
import { cgroupUsage, parseNetDev } from '../../../src/engine/containers/stats.js'
import { mergeResources } from '../../../src/engine/containers/update.js'
import { compileEventFilters } from '../../../src/engine/events/filters.js'
import type { EngineEvent } from '../../../src/engine/events/types.js'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tspod-cgroup-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

const put = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
}

describe('a cgroup', () => {
  test('tells what its processes use, without what the kernel can drop', () => {
    put('cpu.stat', 'usage_usec 1500000\nuser_usec 1000000\n')
    put('memory.current', '10485760\n')
    put('memory.stat', 'anon 1\ninactive_file 485760\n')
    put('memory.max', '20971520\n')
    put('pids.current', '7\n')
    put('io.stat', '8:0 rbytes=100 wbytes=20 rios=1 wios=1\n8:16 rbytes=11 wbytes=2\n')
    expect(cgroupUsage(folder)).toEqual({
      cpuNanoseconds: 1.5e9,
      memoryUsage: 10_000_000,
      memoryLimit: 20_971_520,
      pids: 7,
      blockInput: 111,
      blockOutput: 22,
    })
  })

  test('without a controller’s files does not tell of it', () => {
    put('cpu.stat', 'usage_usec 1\n')
    put('memory.max', 'max\n')
    expect(cgroupUsage(folder)).toEqual({ cpuNanoseconds: 1000 })
  })

  test('is frozen as long as it was asked to be', () => {
    expect(isFrozen(folder)).toBe(false)
    put('cgroup.freeze', '1\n')
    expect(isFrozen(folder)).toBe(true)
    thaw(folder)
    expect(isFrozen(folder)).toBe(false)
    expect(isFrozen(undefined)).toBe(false)
  })
})

describe('/proc', () => {
  test('a process may be called anything', () => {
    const fields = ['S', 1, 2, 3, 34816, 5, 6, 7, 8, 9, 10, 40, 50, 60, 70, 20, -5, 1, 0, 9000, 4096, 12]
    expect(parseStat(`42 (a) R (b) ${fields.join(' ')}`)).toMatchObject({
      name: 'a) R (b',
      state: 'S',
      parent: 1,
      tty: 34816,
      userTicks: 40,
      systemTicks: 50,
      childTicks: 130,
      nice: -5,
      startTicks: 9000,
      virtualSize: 4096,
      residentPages: 12,
    })
  })

  test('the loopback is no traffic', () => {
    const text = `Inter-|   Receive                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes
    lo:  100 1 0 0 0 0 0 0  100 1 0 0 0 0 0 0
  tap0:  200 2 0 0 0 0 0 0  30 1 0 0 0 0 0 0
  eth0:  7 2 0 0 0 0 0 0  5 1 0 0 0 0 0 0
`
    expect(parseNetDev(text)).toEqual({ networkInput: 207, networkOutput: 35 })
  })

  test('maps and names of ids', () => {
    expect(parseIdMap('         0       1001          1\n         1     100000      65536\n')).toEqual([
      { inside: 0, outside: 1001, size: 1 },
      { inside: 1, outside: 100_000, size: 65_536 },
    ])
    expect([...namesOf('root:x:0:0::/:/bin/sh\nagain:x:0:0\nbad\n:x:5\nweb:x:33:33\n')]).toEqual([
      [0, 'root'],
      [33, 'web'],
    ])
  })
})

test.each([
  [0, '0s'],
  [10_000_000, '10ms'],
  [1_500_000_000, '1.5s'],
  [90_000_000_000, '1m30s'],
  [3_723_000_000_000, '1h2m3s'],
  [-5_000, '-5µs'],
])('%i nanoseconds are %s', (nanoseconds, text) => {
  expect(goDuration(nanoseconds)).toBe(text)
})

describe('updated limits', () => {
  test('replace those they contradict, and leave the rest', () => {
    expect(mergeResources({ cpus: 2, memory: 5 }, { cpuQuota: 50_000 })).toEqual({ memory: 5, cpuQuota: 50_000 })
    expect(mergeResources({ cpuQuota: 1, cpuPeriod: 2, memory: 5 }, { cpus: 1 })).toEqual({ memory: 5, cpus: 1 })
    expect(mergeResources({ cpus: 2, pidsLimit: 5 }, { memory: 7 })).toEqual({ cpus: 2, pidsLimit: 5, memory: 7 })
  })
})

describe('health', () => {
  test.each([[null], ['healthy'], [{ status: 'fine' }], [{ failingStreak: 1 }]])('%j is none', (value) => {
    expect(parseHealth(value)).toBeUndefined()
  })

  test('keeps what can be read of a log', () => {
    const entry = { start: 'a', end: 'b', exitCode: 1, output: 'x' }
    const value = { status: 'unhealthy', failingStreak: 'many', log: [entry, null, { start: 1 }] }
    expect(parseHealth(value)).toEqual({ status: 'unhealthy', failingStreak: 0, log: [entry] })
  })

  test('CMD-SHELL is a line for the shell', () => {
    expect(healthCommand(['CMD-SHELL', 'a && b'])).toEqual(['/bin/sh', '-c', 'a && b'])
    expect(healthCommand(['CMD', 'a', 'b c'])).toEqual(['a', 'b c'])
  })
})

describe('event filters', () => {
  const event = (more: Partial<EngineEvent>): EngineEvent => ({
    Time: '2026-01-01T00:00:00.000000000Z',
    Type: 'container',
    Status: 'died',
    ID: 'abcdef',
    Name: 'web',
    Image: 'localhost/web:latest',
    Attributes: { tier: 'front' },
    ...more,
  })

  test.each([
    [['container=web'], true],
    [['container=abc'], true],
    [['container=we'], false],
    [['event=die'], true],
    [['event=start', 'event=died'], true],
    [['event=start'], false],
    [['image=localhost/web'], true],
    [['type=image'], false],
    [['label=tier'], true],
    [['label=tier=front', 'label=other'], false],
    [['volume=web'], false],
  ])('%j', (filters, expected) => {
    expect(compileEventFilters(filters)(event({}))).toBe(expected)
  })

  test.each([['nonsense=1'], ['container'], ['type=nothing'], ['constructor=1']])('%s is refused', (filter) => {
    expect(() => compileEventFilters([filter])).toThrow(/filter|event type/)
  })
})
