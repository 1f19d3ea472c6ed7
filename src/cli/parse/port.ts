import type { ExposeSpec, PortSpec } from '../../index.js'
import { invalid } from './value.js'

/** `[[IP:][HOSTPORT]:]PORT[/PROTOCOL]`, ports also as ranges of the same length; an IPv6 address in brackets. */
export function parsePort(text: string): PortSpec {
  const [ports, protocol] = splitProtocol(text)
  const match = /^(?:(?:(\[[0-9a-fA-F:.%]+\]|[0-9.]*):)?([^:]*):)?([^:]+)$/.exec(ports)
  if (match === null) throw invalid(`"${text}" is not [[IP:]HOSTPORT:]PORT`)
  const [, ip, host = '', container = ''] = match
  const inside = parsePortRange(container, text)
  const outside = host === '' ? undefined : parsePortRange(host, text)
  if (outside !== undefined && outside.range !== inside.range)
    throw invalid(`host and container port ranges of "${text}" have different lengths`)
  return {
    ...(ip === undefined || ip === '' ? {} : { hostIp: parseAddress(ip, text) }),
    ...(outside === undefined ? {} : { hostPort: outside.port }),
    containerPort: inside.port,
    range: inside.range,
    protocol,
  }
}

/** `PORT[-PORT][/PROTOCOL]` */
export function parseExpose(text: string): ExposeSpec {
  const [ports, protocol] = splitProtocol(text)
  return { ...parsePortRange(ports, text), protocol }
}

function splitProtocol(text: string): readonly [string, PortSpec['protocol']] {
  const slash = text.indexOf('/')
  if (slash < 0) return [text, 'tcp']
  const protocol = text.slice(slash + 1).toLowerCase()
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp')
    throw invalid(`unknown protocol "${protocol}" in "${text}": tcp, udp or sctp`)
  return [text.slice(0, slash), protocol]
}

function parsePortRange(text: string, whole: string): { port: number; range: number } {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text)
  const first = match === null ? NaN : Number(match[1])
  const last = match?.[2] === undefined ? first : Number(match[2])
  if (!(first >= 1 && last <= 65535)) throw invalid(`"${text}" in "${whole}" is not a port between 1 and 65535`)
  if (last < first) throw invalid(`port range "${text}" ends before it starts`)
  return { port: first, range: last - first + 1 }
}

function parseAddress(text: string, whole: string): string {
  const bare = text.startsWith('[') ? text.slice(1, -1) : text
  if (!isAddress(bare)) throw invalid(`"${bare}" in "${whole}" is not an IP address`)
  return bare
}

/** An IPv4 or IPv6 address, without loading node:net for it. */
export function isAddress(text: string): boolean {
  return isIpv4(text) || isIpv6(text)
}

function isIpv4(text: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text)
}

function isIpv6(text: string): boolean {
  const [address = '', zone] = text.split('%', 2)
  if (zone === '' || !address.includes(':')) return false
  const tail = address.slice(address.lastIndexOf(':') + 1)
  const plain = tail.includes('.') ? (isIpv4(tail) ? `${address.slice(0, -tail.length)}0:0` : '!') : address
  const halves = plain.split('::')
  if (halves.length > 2) return false
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  const count = groups.length
  return groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)) && (halves.length === 2 ? count < 8 : count === 8)
}
