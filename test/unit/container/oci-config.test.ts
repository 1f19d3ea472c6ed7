import { describe, expect, test } from 'vitest'

import { completeSpec } from '../../../src/container/complete.js'
import { ociConfig, type OciInput } from '../../../src/container/oci-config/index.js'
import type { ContainerSpec } from '../../../src/container/spec.js'

const config = (spec: ContainerSpec = {}, input: Partial<OciInput> = {}) =>
  ociConfig({
    id: 'a'.repeat(64),
    name: 'web',
    spec: completeSpec(
      { image: 'x', command: ['true'], ...spec },
      {
        id: 'a'.repeat(64),
        image: { id: '', name: '', digest: '', layers: [], architecture: '' },
        imageConfig: {},
        conf: { containers: {}, engine: {}, network: {} },
        env: {},
        caller: { uid: 1000, gid: 1000 },
      },
    ),
    rootPath: '/root',
    mounts: [],
    files: {},
    joined: {},
    mappedGids: 65536,
    cgroup2: true,
    hostLimits: (name) => (name === 'nofile' ? 4096 : name === 'memlock' ? 65536 : -1),
    ...input,
  })

const mountAt = (result: ReturnType<typeof config>, path: string) =>
  result.mounts.find(({ destination }) => destination === path)

describe('capabilities', () => {
  test('root has what was granted, and nothing is inheritable', () => {
    const { capabilities } = config().process
    expect(capabilities?.effective).toEqual(capabilities?.bounding)
    expect([capabilities?.inheritable, capabilities?.ambient]).toEqual([[], []])
  })

  test('another user has only what was added, as ambient', () => {
    const { capabilities } = config({ user: '1000', capAdd: ['NET_RAW'] }).process
    expect(capabilities?.effective).toEqual(['CAP_NET_RAW'])
    expect(capabilities?.ambient).toEqual(['CAP_NET_RAW'])
    expect(capabilities?.bounding).toContain('CAP_CHOWN')
  })

  test.each([':0', '00', 'root:wheel'])('%s is root', (user) => {
    expect(config({ user }).process.capabilities?.effective).not.toEqual([])
  })
})

test('the container has the socket for systemd, whatever its environment says', () => {
  const result = config({ env: { NOTIFY_SOCKET: '/other' } }, { notifyFolder: '/run-folder/notify' })
  expect(mountAt(result, '/run/notify')).toMatchObject({ source: '/run-folder/notify' })
  expect(result.process.env.filter((text) => text.startsWith('NOTIFY_SOCKET='))).toEqual([
    'NOTIFY_SOCKET=/run/notify/notify.sock',
  ])
  expect(mountAt(config(), '/run/notify')).toBeUndefined()
})

describe('mounts', () => {
  test('a terminal’s group is set only where it is mapped', () => {
    expect(mountAt(config(), '/dev/pts')?.options).toContain('gid=5')
    expect(mountAt(config({}, { mappedGids: 1 }), '/dev/pts')?.options).not.toContain('gid=5')
  })

  test("the host's /proc and /sys are bound with its namespaces", () => {
    const result = config({ network: { mode: 'host' }, namespaces: { pid: { mode: 'host' } } })
    expect(mountAt(result, '/proc')).toMatchObject({ source: '/proc', type: 'none' })
    expect(mountAt(result, '/sys')).toMatchObject({ source: '/sys', type: 'none' })
  })

  test('what the user mounts replaces what is there by default', () => {
    const result = config({}, { mounts: [{ type: 'tmpfs', target: '/dev/shm/', options: ['size=1m'] }] })
    expect(result.mounts.filter(({ destination }) => destination === '/dev/shm')).toHaveLength(1)
    expect(mountAt(result, '/dev/shm')?.options).toContain('size=1m')
  })

  test('a parent comes before what lies in it', () => {
    const result = config(
      {},
      {
        mounts: [
          { type: 'tmpfs', target: '/a/b', options: [] },
          { type: 'tmpfs', target: '/a', options: [] },
        ],
      },
    )
    const places = result.mounts.map(({ destination }) => destination)
    expect(places.indexOf('/a')).toBeLessThan(places.indexOf('/a/b'))
  })

  test.each([
    ['twice the same place', ['/a', '/a/'], 'duplicate mount destination'],
    ['the root', ['/'], "container's root"],
    ['a way out', ['/a/../..'], "container's root"],
    ['a relative place', ['a'], 'not an absolute path'],
  ])('refuses %s', (_name, targets, sentence) => {
    const mounts = targets.map((target) => ({ type: 'tmpfs', target, options: [] }) as const)
    expect(() => config({}, { mounts })).toThrow(sentence)
  })

  test('binds are private and without devices and setuid programs, unless asked otherwise', () => {
    const bind = (options: string[]) =>
      mountAt(config({}, { mounts: [{ type: 'bind', source: '/s', target: '/t', options }] }), '/t')?.options
    expect(bind([])).toEqual(['rbind', 'rprivate', 'nodev', 'nosuid', 'rw'])
    expect(bind(['ro', 'z', 'rslave', 'suid', 'dev'])).toEqual(['rbind', 'ro', 'rslave', 'suid', 'dev'])
    expect(bind(['bind'])).toContain('bind')
  })
})

describe('security', () => {
  test('hides what Podman or Docker hide', () => {
    const { maskedPaths, readonlyPaths } = config().linux
    expect(maskedPaths).toEqual(expect.arrayContaining(['/proc/kcore', '/proc/asound', '/sys/fs/selinux']))
    expect(readonlyPaths).toContain('/proc/sys')
  })

  test('shows what was unmasked', () => {
    const paths = (unmask: string[]) => config({ security: { unmask } }).linux.maskedPaths
    expect(paths(['/proc/kcore'])).not.toContain('/proc/kcore')
    expect(paths(['/proc/*'])).toEqual(['/sys/devices/virtual/powercap', '/sys/firmware', '/sys/fs/selinux'])
    expect(paths(['ALL'])).toEqual([])
  })

  test('a privileged container hides only what was asked for', () => {
    const { maskedPaths, readonlyPaths } = config({ privileged: true, security: { mask: ['/x'] } }).linux
    expect([maskedPaths, readonlyPaths]).toEqual([['/x'], []])
  })
})

test('limits of files are the host’s, or those asked for', () => {
  expect(config().process.rlimits).toEqual([{ type: 'RLIMIT_NOFILE', soft: 4096, hard: 4096 }])
  expect(config({ ulimits: [{ name: 'core', soft: -1, hard: -1 }] }).process.rlimits).toContainEqual({
    type: 'RLIMIT_CORE',
    soft: -1,
    hard: -1,
  })
  expect(config({ ulimits: [{ name: 'memlock', soft: -1, hard: -1 }] }).process.rlimits).toContainEqual({
    type: 'RLIMIT_MEMLOCK',
    soft: 65536,
    hard: 65536,
  })
  expect(() => config({ ulimits: [{ name: 'wings', soft: 1, hard: 1 }] })).toThrow('invalid ulimit type')
})

test('a joined namespace is a path, the host’s is not there', () => {
  const result = config(
    { namespaces: { ipc: { mode: 'host' }, pid: { mode: 'container', container: 'x' } } },
    { joined: { pid: '/proc/7/ns/pid' } },
  )
  expect(result.linux.namespaces).toContainEqual({ type: 'pid', path: '/proc/7/ns/pid' })
  expect(result.linux.namespaces.map(({ type }) => type)).not.toContain('ipc')
})
