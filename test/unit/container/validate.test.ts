import { expect, test } from 'vitest'

import { completeSpec } from '../../../src/container/complete.js'
import type { ContainerSpec } from '../../../src/container/spec.js'
import { requireName, validateSpec } from '../../../src/container/validate.js'

const validate = (spec: ContainerSpec) =>
  validateSpec(
    completeSpec(
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
  )

const port = { containerPort: 80, hostPort: 8080, range: 1, protocol: 'tcp' } as const

const refused: [name: string, spec: ContainerSpec, sentence: string][] = [
  ['--rm and --restart', { remove: true, restart: { name: 'always' } }, '--rm option conflicts with --restart'],
  ['retries without on-failure', { restart: { name: 'always', maximumRetries: 3 } }, 'on-failure'],
  ['a hostname on the host', { hostname: 'x', namespaces: { uts: { mode: 'host' } } }, "the host's UTS namespace"],
  ['a relative working directory', { workdir: 'a/b' }, 'not an absolute path'],
  ['dns without a network', { network: { mode: 'none' }, dns: ['1.1.1.1'] }, 'conflicting options: dns'],
  ['an init as the host’s process 1', { init: true, namespaces: { pid: { mode: 'host' } } }, 'process 1'],
  ['less swap than memory', { resources: { memory: 100, memorySwap: 50 } }, 'larger than the memory limit'],
  ['--cpus and --cpu-quota', { resources: { cpus: 1, cpuQuota: 5 } }, '--cpus cannot be used'],
  ['a sysctl of the whole host', { sysctl: { 'kernel.sysrq': '1' } }, 'does not belong to a namespace'],
  ['a sysctl path', { sysctl: { 'net/../kernel/sysrq': '1' } }, 'invalid sysctl'],
  [
    'a sysctl of the host’s network',
    { network: { mode: 'host' }, sysctl: { 'net.ipv4.ip_forward': '1' } },
    "host's network",
  ],
  ['a zone outside the database', { timezone: '../../etc/shadow' }, 'time zone database'],
]

test.each(refused)('refuses %s', (_name, spec, sentence) => {
  expect(() => validate(spec)).toThrow(sentence)
})

test.each([{}, { subpath: '' }, { subpath: 'etc' }])('takes an image mount with %j', (part) => {
  expect(validate({ mounts: [{ type: 'image', image: 'x', target: '/i', writable: false, ...part }] })).toEqual([])
})

const withoutPorts = [{ mode: 'host' }, { mode: 'none' }, { mode: 'container', container: 'x' }] as const

test.each(withoutPorts)('warns of ports that the network $mode makes void', (network) => {
  expect(validate({ network, publish: [port] })).toEqual([expect.stringContaining('discarded')])
})

test.each(['a', 'web-1.x_y', '0'])('%s is a name', (name) => {
  expect(requireName(name)).toBe(name)
})

test.each(['', '.', '-a', 'a/b', 'a b', '../x', 'a\n'])('%j is no name', (name) => {
  expect(() => requireName(name)).toThrow('names must match')
})
