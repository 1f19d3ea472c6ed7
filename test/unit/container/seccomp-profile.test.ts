import { describe, expect, test } from 'vitest'

import { defaultCapabilities } from '../../../src/container/capabilities.js'
import { defaultProfile } from '../../../src/container/profiles/default.js'
import { parseProfile, resolveProfile, type ProfileInput } from '../../../src/container/seccomp-profile.js'

const input: ProfileInput = {
  capabilities: [],
  machine: 'x64',
  kernel: '6.1.0-18-amd64',
  imageArchitecture: 'amd64',
}

const actionOf = (name: string, more: Partial<ProfileInput> = {}) =>
  resolveProfile(defaultProfile, { ...input, ...more })
    .syscalls?.filter((rule) => rule.names.includes(name))
    .map(({ action, errnoRet }) => `${action} ${errnoRet ?? ''}`.trimEnd())

describe('the default profile', () => {
  test('refuses what needs a capability, unless it is there', () => {
    expect(actionOf('bpf')).toEqual(['SCMP_ACT_ERRNO 1'])
    expect(actionOf('bpf', { capabilities: ['CAP_SYS_ADMIN'] })).toEqual(['SCMP_ACT_ALLOW'])
    expect(actionOf('chroot', { capabilities: defaultCapabilities })).toEqual(['SCMP_ACT_ALLOW'])
  })

  test.each(['read', 'execve', 'clone3', 'mount', 'unshare', 'statx', 'openat2', 'rseq'])('allows %s', (name) => {
    expect(actionOf(name)).toEqual(['SCMP_ACT_ALLOW'])
  })

  test.each(['io_uring_setup', 'userfaultfd', 'kexec_load', 'init_module'])('refuses %s', (name) => {
    expect(actionOf(name)).toEqual(['SCMP_ACT_ERRNO 1'])
  })

  test('names each call once for each action, but for sockets and personalities', () => {
    const names = resolveProfile(defaultProfile, input)
      .syscalls?.filter((rule) => !rule.args)
      .flatMap((rule) => rule.names)
    expect(new Set(names).size).toBe(names?.length)
  })

  test.each([
    ['AF_UNIX', 1, true],
    ['AF_INET', 2, true],
    ['AF_INET6', 10, true],
    ['AF_PACKET', 17, true],
    ['AF_ALG', 38, false],
    ['AF_VSOCK', 40, false],
    ['AF_TIPC', 30, false],
    ['AF_BLUETOOTH', 31, false],
    ['AF_KEY', 15, false],
    ['AF_UNSPEC', 0, false],
  ])('a socket of %s (%i) is allowed: %s', (_name, family, allowed) => {
    const rules = resolveProfile(defaultProfile, input).syscalls?.filter((rule) => rule.names.includes('socket')) ?? []
    const matching = rules.filter((rule) =>
      (rule.args ?? []).every(({ index, value, op }) => {
        const actual = index === 0 ? family : 0
        return op === 'SCMP_CMP_EQ' ? actual === value : op === 'SCMP_CMP_GT' ? actual > value : actual !== value
      }),
    )
    expect(matching.map(({ action }) => action)).toEqual([allowed ? 'SCMP_ACT_ALLOW' : 'SCMP_ACT_ERRNO'])
  })

  test('lets only 32-bit images use socketcall, whose family cannot be seen', () => {
    expect(actionOf('socketcall')).toEqual([])
    expect(actionOf('socketcall', { imageArchitecture: '386' })).toEqual(['SCMP_ACT_ALLOW'])
  })
})

describe("a user's profile", () => {
  const rule = (more: object) =>
    JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['x'], action: 'SCMP_ACT_ALLOW', ...more }] })
  const applies = (more: object, input_: Partial<ProfileInput> = {}) =>
    resolveProfile(parseProfile(rule(more), 'p'), { ...input, ...input_ }).syscalls?.length === 1

  const conditions: [name: string, rule: object, input: Partial<ProfileInput>, expected: boolean][] = [
    ['a missing capability', { includes: { caps: ['CAP_BPF'] } }, {}, false],
    ['all capabilities', { includes: { caps: ['CAP_BPF'] } }, { capabilities: ['CAP_BPF'] }, true],
    ['an excluded capability', { excludes: { caps: ['CAP_BPF'] } }, { capabilities: ['CAP_BPF'] }, false],
    ['another machine', { includes: { arches: ['s390x'] } }, {}, false],
    ['one of the machines', { includes: { arches: ['s390x', 'amd64'] } }, {}, true],
    ['an older kernel', { includes: { minKernel: '6.2' } }, {}, false],
    ['a newer kernel', { includes: { minKernel: '4.8' } }, {}, true],
    ['null conditions', { includes: {}, excludes: {}, args: null }, {}, true],
  ]
  test.each(conditions)('with %s', (_name, more, input_, expected) => {
    expect(applies(more, input_)).toBe(expected)
  })

  const bad: [name: string, text: string][] = [
    ['that is no JSON', '{'],
    ['without a default', '{}'],
    ['of an unknown action', '{"defaultAction":"SCMP_ACT_HOPE"}'],
    ['with a rule without names', rule({ names: undefined })],
    ['with a name that is none', rule({ names: [1] })],
    ['with arguments that are none', rule({ args: [{ index: 'x' }] })],
  ]
  test.each(bad)('%s is refused', (_name, text) => {
    expect(() => parseProfile(text, '/p.json')).toThrow('/p.json')
  })
})
