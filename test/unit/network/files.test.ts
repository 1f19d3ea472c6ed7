import { describe, expect, test } from 'vitest'
import { hostsFile, type HostsRequest } from '../../../src/network/hosts.js'
import { resolvFile, type ResolvRequest } from '../../../src/network/resolv.js'

describe('/etc/hosts', () => {
  const request: HostsRequest = {
    base: '127.0.0.1 localhost\n127.0.1.1 laptop # me\n10.0.0.5 db web\n',
    addHost: [],
    address: '10.0.2.100',
    gateway: '192.168.1.7',
    names: ['abc123', 'web'],
  }

  test('has the host’s entries, the host, and the container', () => {
    expect(hostsFile(request).split('\n')).toEqual([
      '127.0.0.1\tlocalhost',
      '127.0.1.1\tlaptop',
      '10.0.0.5\tdb',
      '192.168.1.7\thost.containers.internal host.docker.internal',
      '10.0.2.100\tabc123 web',
      '',
    ])
  })

  test('begins with what was asked for, which hides the rest', () => {
    const addHost = [
      { name: 'db', address: '1.2.3.4' },
      { name: 'up', address: 'host-gateway' },
      { name: 'host.docker.internal', address: '::1' },
    ]
    expect(hostsFile({ ...request, addHost, base: '10.0.0.5 db\n' }).split('\n')).toEqual([
      '1.2.3.4\tdb',
      '192.168.1.7\tup',
      '::1\thost.docker.internal',
      '127.0.0.1\tlocalhost',
      '::1\tlocalhost ip6-localhost ip6-loopback',
      '192.168.1.7\thost.containers.internal',
      '10.0.2.100\tabc123 web',
      '',
    ])
  })

  test('without an address of its own the container is at the loopback', () => {
    const { base, addHost, names } = request
    expect(hostsFile({ base, addHost, names })).toMatch(/^127\.0\.0\.1\tabc123 web$/m)
    expect(hostsFile({ base, addHost, names })).not.toContain('host.containers.internal')
  })

  test.each([
    { name: 'a b', address: '1.2.3.4' },
    { name: 'a\n1.2.3.4 b', address: '1.2.3.4' },
    { name: 'a', address: '1.2.3.4\n5.6.7.8 bank' },
    { name: 'a', address: 'example' },
    { name: '', address: '1.2.3.4' },
  ])('refuses %j', (host) => {
    expect(() => hostsFile({ ...request, addHost: [host] })).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }),
    )
  })
})

describe('/etc/resolv.conf', () => {
  const request: ResolvRequest = {
    host: 'nameserver 192.168.1.1\nsearch home.lan\noptions edns0\n',
    resolved: '',
    servers: [],
    search: [],
    options: [],
    sharesHost: false,
  }

  test.each<[string, Partial<ResolvRequest>, string | undefined]>([
    ['the host’s', {}, 'search home.lan\nnameserver 192.168.1.1\noptions edns0\n'],
    [
      'the helper’s forwarder first',
      { forwarder: '10.0.2.3' },
      'search home.lan\nnameserver 10.0.2.3\nnameserver 192.168.1.1\noptions edns0\n',
    ],
    [
      'no loopback and no zone',
      { host: 'nameserver 127.0.0.1\nnameserver ::1\nnameserver fe80::1%eth0\n', forwarder: '10.0.2.3' },
      'nameserver 10.0.2.3\n',
    ],
    [
      'the servers behind systemd-resolved',
      { host: 'nameserver 127.0.0.53\n', resolved: 'nameserver 9.9.9.9\n' },
      'nameserver 9.9.9.9\n',
    ],
    [
      'the loopback where it is the host’s own network',
      { host: 'nameserver 127.0.0.53\n', sharesHost: true },
      'nameserver 127.0.0.53\n',
    ],
    [
      'those asked for, without the forwarder',
      { servers: ['1.1.1.1'], search: ['a.b'], options: ['ndots:2'], forwarder: '10.0.2.3' },
      'search a.b\nnameserver 1.1.1.1\noptions ndots:2\n',
    ],
    ['no search with a dot', { search: ['.'] }, 'nameserver 192.168.1.1\noptions edns0\n'],
    [
      'the last search of the host',
      { host: 'search a\nnameserver 1.1.1.1\nsearch b c\n' },
      'search b c\nnameserver 1.1.1.1\n',
    ],
    ['the image’s with none', { servers: ['none'] }, undefined],
  ])('has %s', (_, more, text) => {
    expect(resolvFile({ ...request, ...more })).toBe(text)
  })

  test('has a public server where nothing else can be reached', () => {
    expect(resolvFile({ ...request, host: '' })).toMatch(/^nameserver 8\.8\.8\.8$/m)
  })

  test.each<Partial<ResolvRequest>>([
    { servers: ['dns.example'] },
    { servers: ['1.1.1.1\nx'] },
    { search: ['a b'] },
    { options: ['x\ny'] },
  ])('refuses %j', (more) => {
    expect(() => resolvFile({ ...request, ...more })).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
  })
})
