import { TspodError } from '../base/errors.js'
import type { PortSpec } from '../container/spec.js'
import { parseIpv4Network, type Ipv4Network } from './address.js'

/** `--network slirp4netns:OPTION=VALUE,…`, parsed. */
export interface SlirpOptions {
  /** Lets the container reach the host's 127.0.0.1 as the gateway. */
  readonly allowHostLoopback: boolean
  readonly mtu: number
  readonly enableIpv6: boolean
  readonly network: Ipv4Network
  readonly outboundAddr?: string
  readonly outboundAddr6?: string
  readonly warnings: readonly string[]
}

/** Addresses inside, at fixed places of the network, as slirp4netns(1) has them. */
export interface SlirpAddresses {
  readonly gateway: string
  readonly dns: string
  readonly container: string
}

export function slirpAddresses({ network }: Pick<SlirpOptions, 'network'>): SlirpAddresses {
  return { gateway: network.host(2), dns: network.host(3), container: network.host(100) }
}

/** The helper's command line; `{pid}`, `{ready}`, `{exit}` and `{api}` are filled in when it is started. */
export function slirpArgv(program: string, options: SlirpOptions, publishes: boolean): string[] {
  return [
    program,
    '--configure',
    `--mtu=${options.mtu}`,
    ...(options.allowHostLoopback ? [] : ['--disable-host-loopback']),
    ...(options.enableIpv6 ? ['--enable-ipv6'] : []),
    '--enable-sandbox',
    '--enable-seccomp',
    ...(options.network.text === '10.0.2.0/24' ? [] : [`--cidr=${options.network.text}`]),
    ...(options.outboundAddr === undefined ? [] : [`--outbound-addr=${options.outboundAddr}`]),
    ...(options.outboundAddr6 === undefined ? [] : [`--outbound-addr6=${options.outboundAddr6}`]),
    ...(publishes ? ['--api-socket={api}'] : []),
    '--ready-fd={ready}',
    '--exit-fd={exit}',
    '{pid}',
    'tap0',
  ]
}

/** One request of slirp4netns's API for each published port. */
export function slirpRequests(publish: readonly PortSpec[], options: SlirpOptions): string[] {
  const { container } = slirpAddresses(options)
  return publish.flatMap(({ hostIp, hostPort = 0, containerPort, range, protocol }) => {
    if (protocol === 'sctp')
      throw new TspodError('not-supported', `publishing ${containerPort}/sctp: slirp4netns forwards tcp and udp only`)
    const address = hostIp === undefined || hostIp === '' ? '0.0.0.0' : hostIp
    if (address.includes(':'))
      throw new TspodError('not-supported', `publishing on ${address}: slirp4netns forwards from IPv4 addresses only`)
    return Array.from({ length: range }, (_, index) =>
      JSON.stringify({
        execute: 'add_hostfwd',
        arguments: {
          proto: protocol,
          host_addr: address,
          host_port: hostPort + index,
          guest_addr: container,
          guest_port: containerPort + index,
        },
      }),
    )
  })
}

/** Where the helper listens. It is started in that folder, so the path may be longer than a socket's address. */
export function slirpSocket(runDir: string): string {
  return `${runDir}/net.sock`
}

/** Podman's options and defaults. */
export function parseSlirpOptions(given: Readonly<Record<string, string>>): SlirpOptions {
  for (const name of Object.keys(given)) {
    if (!names.has(name))
      throw new TspodError(
        'invalid-argument',
        `slirp4netns has no option ${JSON.stringify(name)}: there are ${[...names].join(', ')}`,
      )
  }
  const handler = given['port_handler'] ?? 'slirp4netns'
  if (handler !== 'slirp4netns' && handler !== 'rootlesskit')
    throw new TspodError('invalid-argument', `port_handler=${handler}: slirp4netns or rootlesskit was expected`)
  const outbound = given['outbound_addr']
  const outbound6 = given['outbound_addr6']
  return {
    allowHostLoopback: parseBoolean('allow_host_loopback', given, false),
    enableIpv6: parseBoolean('enable_ipv6', given, true),
    mtu: parseMtu(given['mtu']),
    network: parseCidr(given['cidr'] ?? '10.0.2.0/24'),
    ...(outbound === undefined ? {} : { outboundAddr: requireName('outbound_addr', outbound) }),
    ...(outbound6 === undefined ? {} : { outboundAddr6: requireName('outbound_addr6', outbound6) }),
    warnings:
      handler === 'rootlesskit'
        ? ['port_handler=rootlesskit is not available: slirp4netns forwards the ports, and keeps source addresses']
        : [],
  }
}

const names: ReadonlySet<string> = new Set([
  'allow_host_loopback',
  'cidr',
  'enable_ipv6',
  'mtu',
  'outbound_addr',
  'outbound_addr6',
  'port_handler',
])

function parseBoolean(name: string, given: Readonly<Record<string, string>>, fallback: boolean): boolean {
  const value = given[name]
  if (value === undefined) return fallback
  if (value === 'true' || value === 'false') return value === 'true'
  throw new TspodError('invalid-argument', `slirp4netns: ${name}=${value} is neither true nor false`)
}

function parseMtu(text: string | undefined): number {
  if (text === undefined) return 65520
  const mtu = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (mtu >= 68 && mtu <= 65521) return mtu
  throw new TspodError('invalid-argument', `slirp4netns: mtu=${text} is not from 68 to 65521`)
}

/** slirp4netns gives out .2, .3 and .100 and refuses networks that are smaller or larger. */
function parseCidr(text: string): Ipv4Network {
  const network = parseIpv4Network(text)
  if (network !== undefined && network.prefix >= 8 && network.prefix <= 25) return network
  throw new TspodError(
    'invalid-argument',
    `slirp4netns: cidr=${text} is not an IPv4 network of /8 to /25, such as 10.0.2.0/24`,
  )
}

/** An address or an interface: nothing that could be another option. */
function requireName(name: string, value: string): string {
  if (/^[\w.:][\w.:%-]*$/.test(value)) return value
  throw new TspodError('invalid-argument', `slirp4netns: ${name}=${value} is neither an address nor an interface`)
}
