import { TspodError } from '../base/errors.js'

/** The container's own name for the machine that it runs on. */
const hostNames = ['host.containers.internal', 'host.docker.internal'] as const

export interface HostsRequest {
  /** The host's own /etc/hosts, whose entries the container has too; '' for none. */
  readonly base: string
  /** `--add-host`; an address may be `host-gateway`. */
  readonly addHost: readonly { readonly name: string; readonly address: string }[]
  /** The container's address, or undefined where it has none of its own. */
  readonly address?: string
  /** Where the container reaches the host; undefined: it does not. */
  readonly gateway?: string
  /** The container's host name and its name. */
  readonly names: readonly string[]
}

/** /etc/hosts: what was asked for comes first, and hides what the host says of the same names. */
export function hostsFile(request: HostsRequest): string {
  const asked = request.addHost.map(({ name, address }) => ({
    names: [requireHostName(name)],
    address: address === 'host-gateway' ? requireGateway(request.gateway, name) : requireAddress(address),
  }))
  const taken = new Set(asked.flatMap(({ names }) => names))
  const own = unique(request.names.filter((name) => isHostName(name) && !taken.has(name)))
  const host = hostNames.filter((name) => !taken.has(name))
  for (const name of [...own, ...host]) taken.add(name)
  const lines = [
    ...asked.map(({ address, names }) => entry(address, names)),
    ...baseEntries(request.base, taken),
    ...(request.gateway === undefined || host.length === 0 ? [] : [entry(request.gateway, host)]),
    ...(own.length === 0 ? [] : [entry(request.address ?? '127.0.0.1', own)]),
  ]
  return `${lines.join('\n')}\n`
}

/** The file's entries without names that are ours to say. localhost is there in any case. */
function baseEntries(text: string, taken: ReadonlySet<string>): string[] {
  const entries = text.split('\n').flatMap((line) => {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    const kept = names.filter((name) => !taken.has(name))
    return address === undefined || kept.length === 0 ? [] : { address, names: kept }
  })
  const has = (name: string): boolean => taken.has(name) || entries.some(({ names }) => names.includes(name))
  const missing = has('localhost')
    ? []
    : [entry('127.0.0.1', ['localhost']), entry('::1', ['localhost', 'ip6-localhost', 'ip6-loopback'])]
  return [...missing, ...entries.map(({ address, names }) => entry(address, names))]
}

function entry(address: string, names: readonly string[]): string {
  return `${address}\t${names.join(' ')}`
}

function requireGateway(gateway: string | undefined, name: string): string {
  if (gateway !== undefined) return gateway
  throw new TspodError(
    'invalid-argument',
    `--add-host ${name}:host-gateway: the host has no address that the container could reach`,
  )
}

function requireAddress(address: string): string {
  if (/^[0-9a-f:.]+(%[\w.-]+)?$/i.test(address) && /[:.]/.test(address)) return address
  throw new TspodError('invalid-argument', `--add-host: ${JSON.stringify(address)} is not an IP address`)
}

/** One line of the file is not to become two, nor one name several. */
function requireHostName(name: string): string {
  if (isHostName(name)) return name
  throw new TspodError('invalid-argument', `--add-host: ${JSON.stringify(name)} is not a host name`)
}

function isHostName(name: string): boolean {
  return /^[\w.-]{1,253}$/.test(name)
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}
