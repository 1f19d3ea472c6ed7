import { describe, expect, test } from 'vitest'
import type { NetworkSpec, PortSpec } from '../../../src/container/spec.js'
import { parseIpv4Network } from '../../../src/network/address.js'
import { defaultInterface } from '../../../src/network/host-facts.js'
import { setupNetwork, type NetworkRequest } from '../../../src/network/setup.js'
import { parseSlirpOptions, slirpSocket } from '../../../src/network/slirp4netns.js'

function request(
  network: NetworkSpec,
  publish: readonly PortSpec[] = [],
  more: Partial<NetworkRequest> = {},
): NetworkRequest {
  return {
    id: 'a'.repeat(64),
    network,
    publish,
    runDir: '/run/x',
    slirp4netns: '/usr/bin/slirp4netns',
    firstUnprivilegedPort: 1024,
    ...more,
  }
}
const slirp = (options: Record<string, string> = {}): NetworkSpec => ({ mode: 'slirp4netns', options })
const port = (hostPort: number, more: Partial<PortSpec> = {}): PortSpec => ({
  hostPort,
  containerPort: 80,
  range: 1,
  protocol: 'tcp',
  ...more,
})

describe('slirp4netns', () => {
  test('keeps the container away from the host’s loopback', () => {
    const { plan, address, dns, hostLoopback } = setupNetwork(request(slirp()))
    expect(plan.helper).toEqual([
      '/usr/bin/slirp4netns',
      '--configure',
      '--mtu=65520',
      '--disable-host-loopback',
      '--enable-ipv6',
      '--enable-sandbox',
      '--enable-seccomp',
      '--ready-fd={ready}',
      '--exit-fd={exit}',
      '{pid}',
      'tap0',
    ])
    expect([address, dns, hostLoopback]).toEqual(['10.0.2.100', '10.0.2.3', undefined])
    expect(plan.apiSocket).toBeUndefined()
  })

  test('takes its options', () => {
    const options = {
      allow_host_loopback: 'true',
      mtu: '1500',
      cidr: '10.9.8.0/24',
      enable_ipv6: 'false',
      outbound_addr: 'eth0',
    }
    const { plan, address, hostLoopback } = setupNetwork(request(slirp(options)))
    expect(plan.helper).toEqual(expect.arrayContaining(['--mtu=1500', '--cidr=10.9.8.0/24', '--outbound-addr=eth0']))
    expect(plan.helper).not.toContain('--disable-host-loopback')
    expect(plan.helper).not.toContain('--enable-ipv6')
    expect([address, hostLoopback]).toEqual(['10.9.8.100', '10.9.8.2'])
  })

  test('forwards each port of a range with a request', () => {
    const { plan } = setupNetwork(
      request(slirp(), [port(8080, { range: 2, protocol: 'udp', hostIp: '127.0.0.1' }), port(9000)]),
    )
    expect(plan.helper).toContain('--api-socket={api}')
    expect(plan.apiRequests?.map((text) => (JSON.parse(text) as { arguments: unknown }).arguments)).toEqual([
      { proto: 'udp', host_addr: '127.0.0.1', host_port: 8080, guest_addr: '10.0.2.100', guest_port: 80 },
      { proto: 'udp', host_addr: '127.0.0.1', host_port: 8081, guest_addr: '10.0.2.100', guest_port: 81 },
      { proto: 'tcp', host_addr: '0.0.0.0', host_port: 9000, guest_addr: '10.0.2.100', guest_port: 80 },
    ])
  })

  test('says what forwards where rootlesskit was asked for', () => {
    expect(parseSlirpOptions({ port_handler: 'rootlesskit' }).warnings).toEqual([
      expect.stringContaining('slirp4netns forwards'),
    ])
  })

  test.each([
    [{ nonsense: '1' }, /no option "nonsense"/],
    [{ mtu: '5' }, /mtu=5/],
    [{ mtu: '1e4' }, /mtu=1e4/],
    [{ cidr: '10.0.2.0/26' }, /cidr/],
    [{ cidr: '10.0.2.1/24' }, /cidr/],
    [{ cidr: 'fe80::/64' }, /cidr/],
    [{ enable_ipv6: 'yes' }, /neither true nor false/],
    [{ port_handler: 'x' }, /rootlesskit was expected/],
    [{ outbound_addr: '--help' }, /neither an address/],
  ])('refuses %j', (options, message) => {
    expect(() => parseSlirpOptions(options)).toThrow(message)
  })

  test.each([
    [port(80), {}, /ip_unprivileged_port_start=80/],
    [port(8080, { protocol: 'sctp' }), {}, /tcp and udp only/],
    [port(8080, { hostIp: '::1' }), {}, /IPv4/],
    [port(8080), { slirp4netns: undefined }, /apt-get install slirp4netns/],
  ])('cannot publish %j with %j', (publish, more, message) => {
    expect(() => setupNetwork(request(slirp(), [publish], more))).toThrow(message)
  })

  test('listens where a socket’s path fits', () => {
    expect(slirpSocket('/run/user/1000/x')).toBe('/run/user/1000/x/net.sock')
  })
})

describe('other modes', () => {
  test('none and host ignore ports, and say so', () => {
    expect(setupNetwork(request({ mode: 'none' }, [port(80)]))).toMatchObject({
      plan: { mode: 'none', loopback: true },
      warnings: [expect.stringContaining('ignored')],
    })
    expect(setupNetwork(request({ mode: 'host' }))).toEqual({ plan: { mode: 'host', loopback: false }, warnings: [] })
  })

  test('a joined network has its ports already', () => {
    expect(setupNetwork(request({ mode: 'container', container: 'c' })).plan.mode).toBe('join')
    expect(() => setupNetwork(request({ mode: 'container', container: 'c' }, [port(8080)]))).toThrow(
      /publish them there/,
    )
  })

  test.each<NetworkSpec>([
    { mode: 'pasta', options: [] },
    { mode: 'bridge', networks: ['net1'] },
  ])('$mode comes later', (network) => {
    expect(() => setupNetwork(request(network))).toThrow(expect.objectContaining({ code: 'not-supported' }))
  })
})

test.each([
  ['10.0.2.0/24', '10.0.2.100'],
  ['10.0.0.0/8', '10.0.0.100'],
  ['192.168.0.128/25', '192.168.0.228'],
])('in %s the hundredth address is %s', (text, address) => {
  expect(parseIpv4Network(text)?.host(100)).toBe(address)
})

test.each(['10.0.2.0', '10.0.2.256/24', '1.2.3.4/33', '10.0.2.0/x', ''])('%j is no network', (text) => {
  expect(parseIpv4Network(text)).toBeUndefined()
})

test('the default route is the one with the lowest metric', () => {
  const table = [
    'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT',
    'wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0',
    'eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0',
    'eth1\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
  ].join('\n')
  expect(defaultInterface(table)).toBe('eth0')
  expect(defaultInterface('')).toBeUndefined()
})
