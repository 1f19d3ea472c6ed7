import { TspodError } from '../base/errors.js'
import { isLoopback } from './address.js'

export interface ResolvRequest {
  /** The host's /etc/resolv.conf. */
  readonly host: string
  /** systemd-resolved's list of the real servers, behind its stub at 127.0.0.53; '' if there is none. */
  readonly resolved: string
  /** `--dns`; a single `none` means that the image's file stays. */
  readonly servers: readonly string[]
  readonly search: readonly string[]
  readonly options: readonly string[]
  /** The container has the host's network, and so the host's loopback. */
  readonly sharesHost: boolean
  /** A forwarder of the network helper's, which reaches even the host's loopback servers. */
  readonly forwarder?: string
}

const stub = '127.0.0.53'
/** What a container asks if the host has nothing that it could. */
const lastResort = ['8.8.8.8', '8.8.4.4', '2001:4860:4860::8888', '2001:4860:4860::8844'] as const

interface Resolv {
  readonly servers: readonly string[]
  readonly search: readonly string[]
  readonly options: readonly string[]
}

/** /etc/resolv.conf; undefined with `--dns none`. */
export function resolvFile(request: ResolvRequest): string | undefined {
  if (request.servers.length === 1 && request.servers[0] === 'none') return undefined
  const host = parseResolv(request.host)
  const servers = request.servers.length > 0 ? request.servers.map(requireServer) : inheritedServers(request, host)
  const search =
    request.search.length > 0 ? request.search.filter((domain) => domain !== '.').map(requireWord) : host.search
  const options = request.options.length > 0 ? request.options.map(requireWord) : host.options
  return [
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
    '',
  ].join('\n')
}

/** The host's servers, as far as they can be reached from the container. */
function inheritedServers(request: ResolvRequest, host: Resolv): readonly string[] {
  if (request.sharesHost) return host.servers
  const behindStub = host.servers.includes(stub) ? parseResolv(request.resolved).servers : []
  // A zone (fe80::1%eth0) names an interface of the host's.
  const reachable = [...host.servers, ...behindStub].filter((server) => !isLoopback(server) && !server.includes('%'))
  const servers = [...new Set([...(request.forwarder === undefined ? [] : [request.forwarder]), ...reachable])]
  return servers.length > 0 ? servers : lastResort
}

/** Of several `search` or `domain` lines the last one counts (resolv.conf(5)). */
export function parseResolv(text: string): Resolv {
  const servers: string[] = []
  let search: string[] = []
  const options: string[] = []
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/^[#;].*/, '')
      .trim()
      .split(/\s+/)
    if (keyword === 'nameserver' && values[0] !== undefined) servers.push(values[0])
    else if (keyword === 'search' || keyword === 'domain') search = values.filter((domain) => domain !== '.')
    else if (keyword === 'options') options.push(...values)
  }
  return { servers, search, options }
}

function requireServer(server: string): string {
  if (/^[0-9a-f:.]+(%[\w.-]+)?$/i.test(server) && /[:.]/.test(server)) return server
  throw new TspodError('invalid-argument', `--dns: ${JSON.stringify(server)} is not an IP address`)
}

function requireWord(word: string): string {
  if (/^[\w.:-]+$/.test(word)) return word
  throw new TspodError('invalid-argument', `${JSON.stringify(word)} is no word for resolv.conf`)
}
