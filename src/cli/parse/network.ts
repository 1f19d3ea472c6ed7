import type { NetworkSpec } from '../../index.js'
import { invalid } from './value.js'

/** All `--network` values together: one mode, or one or more networks by name. */
export function parseNetworks(values: readonly string[]): NetworkSpec | undefined {
  const [first] = values
  if (first === undefined) return undefined
  const modes = values.map(parseMode)
  if (modes.length === 1) return modes[0]
  const networks = modes.map((mode) => {
    if (mode?.mode === 'bridge') return mode.networks
    throw invalid(`only networks by name can be joined together: "${values.join('", "')}"`)
  })
  return { mode: 'bridge', networks: [...new Set(networks.flat())] }
}

/** `undefined` is the default, whatever it is. */
function parseMode(text: string): NetworkSpec | undefined {
  const colon = text.indexOf(':')
  const name = colon < 0 ? text : text.slice(0, colon)
  const rest = colon < 0 ? '' : text.slice(colon + 1)
  switch (name) {
    case '':
    case 'default':
    case 'private':
      return undefined
    case 'none':
    case 'host':
      if (colon >= 0) throw invalid(`network mode "${name}" takes no options`)
      return { mode: name }
    case 'slirp4netns':
      return { mode: 'slirp4netns', options: parseSlirpOptions(rest) }
    case 'pasta':
      return { mode: 'pasta', options: rest === '' ? [] : rest.split(',') }
    case 'container':
      if (rest === '') throw invalid('"container:" needs a name or an ID')
      return { mode: 'container', container: rest }
    case 'ns':
      if (!rest.startsWith('/')) throw invalid('"ns:" needs the absolute path of a network namespace')
      return { mode: 'path', path: rest }
    case 'bridge':
      return { mode: 'bridge', networks: ['bridge'] }
    default:
      return { mode: 'bridge', networks: [parseNetworkName(name)] }
  }
}

const slirpOptions = [
  'allow_host_loopback',
  'mtu',
  'cidr',
  'enable_ipv6',
  'outbound_addr',
  'outbound_addr6',
  'port_handler',
]

function parseSlirpOptions(text: string): Record<string, string> {
  const options: Record<string, string> = {}
  for (const option of text.split(',').filter((part) => part !== '')) {
    const [key = '', value] = option.split('=', 2)
    if (!slirpOptions.includes(key))
      throw invalid(`unknown option "${key}" of slirp4netns: one of ${slirpOptions.join(', ')}`)
    if (value === undefined || value === '') throw invalid(`option "${key}" of slirp4netns needs a value`)
    options[key] = value
  }
  return options
}

function parseNetworkName(name: string): string {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(name))
    throw invalid(`"${name}" is neither a network mode nor a name of a network`)
  return name
}
