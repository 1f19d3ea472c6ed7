import { readText } from '../state/file.js'
import { lookedAt } from '../base/looks.js'
import { isLoopback } from './address.js'

/** What containers' networks are made from, as the host has it now. */
export interface HostFacts {
  readonly hosts: string
  readonly resolv: string
  /** systemd-resolved's real servers; '' where it is not used. */
  readonly resolved: string
  readonly firstUnprivilegedPort: number
}

export function readHostFacts(): HostFacts {
  const resolv = readText('/etc/resolv.conf') ?? ''
  return {
    hosts: readText('/etc/hosts') ?? '',
    resolv,
    resolved: resolv.includes('127.0.0.53') ? (readText('/run/systemd/resolve/resolv.conf') ?? '') : '',
    firstUnprivilegedPort: firstUnprivilegedPort(),
  }
}

/** Ports from here on are anybody's; for root all are. */
export function firstUnprivilegedPort(): number {
  if (process.geteuid?.() === 0) return 0
  const text = readText('/proc/sys/net/ipv4/ip_unprivileged_port_start')?.trim() ?? ''
  return /^\d+$/.test(text) ? Number(text) : 1024
}

/** The host's own address, as other machines see it: the one of the default route's interface, or the first there is. */
export async function hostAddress(): Promise<string | undefined> {
  const { networkInterfaces } = await import('node:os')
  const interfaces = networkInterfaces()
  lookedAt('addresses', '', addressLines(interfaces))
  const preferred = defaultInterface(readText('/proc/net/route') ?? '')
  const candidates = [
    ...(preferred === undefined ? [] : (interfaces[preferred] ?? [])),
    ...Object.values(interfaces).flatMap((list) => list ?? []),
  ]
  const addresses = candidates.filter(({ internal, address }) => !internal && !isLoopback(address))
  const chosen = addresses.find(({ family }) => family === 'IPv4') ?? addresses.find(({ scopeid }) => scopeid === 0)
  return chosen?.address
}

function addressLines(interfaces: NodeJS.Dict<readonly { readonly address: string }[]>): string {
  const lines = Object.entries(interfaces).flatMap(([name, list]) =>
    (list ?? []).map(({ address }) => `${name} ${address}\n`),
  )
  return lines.sort().join('')
}

/** The interface of the route to 0.0.0.0/0 with the lowest metric in /proc/net/route. */
export function defaultInterface(table: string): string | undefined {
  const routes = table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [name, destination, , , , , metric, mask] = line.trim().split(/\s+/)
      return name !== undefined && destination === '00000000' && mask === '00000000'
        ? { name, metric: Number(metric) }
        : []
    })
  return routes.sort((a, b) => a.metric - b.metric)[0]?.name
}
