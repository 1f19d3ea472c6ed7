import { invalid } from './error.js'

export interface ExposedPorts {
  /** As written. */
  readonly word: string
  /** `80/tcp` … */
  readonly ports: readonly string[]
  /** The protocol is not in lower case. */
  readonly oddCase: boolean
  /** An address or a port of the host is named, which EXPOSE has no use for. */
  readonly mapped: boolean
}

/** All ports of all protocols. */
const maxPorts = 3 * 65_536

/** The words of one EXPOSE. Throws dockerfile-invalid. */
export function parseExposedPorts(words: readonly string[]): ExposedPorts[] {
  let count = 0
  return words.map((word) => {
    const exposed = parseExposed(word)
    count += exposed.ports.length
    if (count > maxPorts) throw invalid(`more than ${String(maxPorts)} ports`)
    return exposed
  })
}

/** `[[ADDRESS:]HOSTPORT:]PORT[-PORT][/PROTOCOL]` */
function parseExposed(word: string): ExposedPorts {
  const { address, host, container } = splitMapping(word)
  const [range = '', protocol = ''] = cut(container, '/')
  if (range === '') throw invalid(`invalid port "${word}": no port specified`)
  if (!/^(?:|tcp|udp|sctp)$/i.test(protocol)) throw invalid(`invalid port "${word}": invalid proto: ${protocol}`)
  if (address !== '' && !/^(?:[0-9a-fA-F:.]+|\[[0-9a-fA-F:.]+\])$/.test(address))
    throw invalid(`invalid port "${word}": invalid IP address: ${address}`)
  const [first, last] = parseRange(range, word)
  if (host !== '') requireSameLength(parseRange(host, word), [first, last], word)
  const ports: string[] = []
  for (let port = first; port <= last; port++)
    ports.push(`${String(port)}/${protocol === '' ? 'tcp' : protocol.toLowerCase()}`)
  return { word, ports, oddCase: protocol !== protocol.toLowerCase(), mapped: address !== '' || host !== '' }
}

function splitMapping(word: string): { readonly address: string; readonly host: string; readonly container: string } {
  const parts = word.split(':')
  const container = parts.pop() ?? ''
  const host = parts.pop() ?? ''
  return { address: parts.join(':'), host, container }
}

function parseRange(text: string, word: string): readonly [number, number] {
  const [start = '', end] = cut(text, '-')
  const first = parsePort(start, word)
  const last = end === undefined ? first : parsePort(end, word)
  if (last < first) throw invalid(`invalid port "${word}": invalid port range: ${text}`)
  return [first, last]
}

function parsePort(text: string, word: string): number {
  const port = /^\+?\d{1,9}$/.test(text) ? Number(text) : NaN
  if (!(port <= 65_535)) throw invalid(`invalid port "${word}": "${text}" is no port between 0 and 65535`)
  return port
}

/** Any number of the host's ports may stand for one port, and as many for several. */
function requireSameLength(host: readonly [number, number], ports: readonly [number, number], word: string): void {
  const several = ports[1] > ports[0]
  if (several && host[1] - host[0] !== ports[1] - ports[0])
    throw invalid(`invalid port "${word}": the ranges of the host and the container differ in length`)
}

function cut(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}
