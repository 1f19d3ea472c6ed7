import { describe, expect, test } from 'vitest'
import { cpuWeight, limitFiles, planCgroup, type CgroupRequest, type Limits } from '../../../rootless/cgroup-plan.js'
import { ownCgroup, type CgroupSupport } from '../../../rootless/cgroup.js'

const systemd: CgroupSupport = {
  version: 2,
  manager: 'systemd',
  reason: "a scope of the user's systemd, without cpuset, io",
  remedy: ['do this'],
  controllers: ['cpu', 'memory', 'pids'],
  bus: '/run/user/1000/bus',
  slice: 'user.slice',
}
const cgroupfs: CgroupSupport = {
  version: 2,
  manager: 'cgroupfs',
  reason: '',
  remedy: [],
  controllers: ['memory'],
  parent: '/sys/fs/cgroup/mine',
}
const none: CgroupSupport = {
  version: 1,
  manager: 'disabled',
  reason: 'this host has cgroup v1',
  remedy: ['boot otherwise'],
  controllers: [],
}

function request(limits: Limits, more: Partial<CgroupRequest> = {}): CgroupRequest {
  return { id: 'abc', limits, cgroups: 'enabled', insist: false, defaultPidsLimit: 2048, ...more }
}

describe('limits become files', () => {
  const mebi = 1 << 20
  test.each<[Limits, Record<string, string>]>([
    [{}, {}],
    [{ memory: 64 * mebi }, { 'memory.max': '67108864', 'memory.swap.max': '67108864' }],
    [
      { memory: 64 * mebi, memorySwap: 64 * mebi },
      { 'memory.max': '67108864', 'memory.swap.max': '0' },
    ],
    [
      { memory: 64 * mebi, memorySwap: 96 * mebi },
      { 'memory.max': '67108864', 'memory.swap.max': '33554432' },
    ],
    [
      { memory: 64 * mebi, memorySwap: -1 },
      { 'memory.max': '67108864', 'memory.swap.max': 'max' },
    ],
    [{ memoryReservation: 5 * mebi }, { 'memory.low': '5242880' }],
    [{ cpus: 1.5 }, { 'cpu.max': '150000 100000' }],
    [{ cpuQuota: 50000 }, { 'cpu.max': '50000 100000' }],
    [{ cpuQuota: -1, cpuPeriod: 20000 }, { 'cpu.max': 'max 20000' }],
    [{ cpuShares: 1024 }, { 'cpu.weight': '100' }],
    [
      { cpusetCpus: '0-1', cpusetMems: '0' },
      { 'cpuset.cpus': '0-1', 'cpuset.mems': '0' },
    ],
    [{ pidsLimit: 100 }, { 'pids.max': '100' }],
    [{ pidsLimit: -1 }, { 'pids.max': 'max' }],
    [{ blkioWeight: 10 }, { 'io.weight': '1' }],
    [{ blkioWeight: 1000 }, { 'io.weight': '10000' }],
  ])('%j', (limits, files) => {
    expect(Object.fromEntries(limitFiles({ limits }).files.map(({ name, value }) => [name, value]))).toEqual(files)
  })

  test.each([
    [2, 1],
    [1024, 100],
    [262144, 10000],
    [0, 1],
    [10_000_000, 10000],
  ])('%i shares weigh %i', (shares, weight) => {
    expect(cpuWeight(shares)).toBe(weight)
  })

  test('what cgroup v2 has not is said', () => {
    const { unsupported } = limitFiles({ limits: { memorySwappiness: 10, oomKillDisable: true, cpuRtRuntime: 5 } })
    expect(unsupported).toHaveLength(3)
  })

  test.each<[Limits, RegExp]>([
    [{ memorySwap: 5 }, /needs --memory/],
    [{ memory: 10, memorySwap: 5 }, /less than --memory/],
    [{ cpus: 1, cpuQuota: 5 }, /--cpus/],
    [{ blkioWeight: 5 }, /from 10 to 1000/],
    [{ deviceReadBps: [{ path: '/dev/null', rate: 5 }] }, /not a block device/],
  ])('%j is refused', (limits, message) => {
    expect(() => limitFiles({ limits })).toThrow(message)
  })

  test.each(['cgroup.procs', '../memory.max', 'memory', 'a/b.c', ''])('--cgroup-conf %j is refused', (name) => {
    expect(() => limitFiles({ limits: {}, cgroupConf: { [name]: '1' } })).toThrow(/not a controller's file/)
  })
})

describe('the cgroup', () => {
  test('is a scope in a slice', () => {
    const { plan, warnings } = planCgroup(systemd, request({ memory: 1 << 20, pidsLimit: 2048 }))
    expect(plan).toMatchObject({
      manager: 'systemd',
      scope: 'tspod-abc.scope',
      slice: 'user.slice',
      bus: '/run/user/1000/bus',
    })
    expect(plan.files.map(({ name, required }) => [name, required])).toEqual([
      ['memory.max', true],
      ['memory.swap.max', false],
      ['pids.max', false],
    ])
    expect(warnings).toEqual([])
  })

  test('is a folder below a writable one, whose parent cannot lead out', () => {
    expect(planCgroup(cgroupfs, request({}, { cgroupParent: '/a/b' })).plan.path).toBe(
      '/sys/fs/cgroup/mine/a/b/tspod-abc',
    )
    expect(() => planCgroup(cgroupfs, request({}, { cgroupParent: '../b' }))).toThrow(/leads out/)
    expect(() => planCgroup(systemd, request({}, { cgroupParent: '/a' }))).toThrow(/not the name of a slice/)
  })

  test('leaves a limit out with a warning that says why', () => {
    const { plan, warnings } = planCgroup(systemd, request({ cpusetCpus: '0', memory: 1 << 20 }))
    expect(plan.files.map(({ name }) => name)).toEqual(['memory.max', 'memory.swap.max'])
    expect(warnings).toEqual([expect.stringMatching(/cpuset\.cpus.*without cpuset, io.*tspod doctor/)])
  })

  test('fails where the limit was insisted on, with the way out', () => {
    expect(() => planCgroup(none, request({ memory: 1 << 20 }, { insist: true }))).toThrow(
      expect.objectContaining({
        code: 'limits-unavailable',
        message: expect.stringMatching(/cgroup v1; to change that: boot otherwise/) as string,
      }),
    )
  })

  test('is no cause for words where nothing was asked for', () => {
    expect(planCgroup(none, request({ pidsLimit: 2048 }, { insist: true }))).toEqual({
      plan: { manager: 'disabled', files: [] },
      warnings: [],
    })
    expect(planCgroup(systemd, request({}, { cgroups: 'disabled' })).plan.manager).toBe('disabled')
  })
})

test.each([
  ['0::/user.slice/x\n', '/sys/fs/cgroup/user.slice/x'],
  ['12:pids:/a\n0::/\n', '/sys/fs/cgroup'],
  ['0::/../x\n', undefined],
  ['1:name=systemd:/\n', undefined],
])('of /proc/self/cgroup %j the folder is %s', (text, path) => {
  expect(ownCgroup(text)).toBe(path)
})
