import { extraOptions, globalOptions, once, optionsOf, row } from './options.js'
import { networkName } from './references.js'
import type { Service } from './service.js'
import { invalid, type Reader, readerOf } from './source.js'

export const networkRows = [
  row('DisableDNS', '--disable-dns', 'flag'),
  row('Internal', '--internal', 'flag'),
  row('IPv6', '--ipv6', 'flag'),
  row('Driver', '--driver', 'text'),
  row('IPAMDriver', '--ipam-driver', 'text'),
  row('InterfaceName', '--interface-name', 'text'),
  row('DNS', '--dns', 'all'),
  row('Options', '--opt', 'pairs'),
  row('Label', '--label', 'pairs'),
] as const
export const networkKeys = ['Gateway', 'IPRange', 'NetworkDeleteOnStop', 'NetworkName', 'Subnet']

/** NAME.network: makes a network, once; it stays when the service stops, unless `NetworkDeleteOnStop=` says otherwise. */
export function convertNetwork(service: Service): void {
  const reader = readerOf(service.source)
  const name = networkName(service.source)
  const globals = globalOptions(reader)
  once(service, [
    ...globals,
    ...['network', 'create', '--ignore'],
    ...optionsOf(reader, networkRows),
    ...subnetOptions(reader),
    ...extraOptions(reader),
    name,
  ])
  if (reader.flag('NetworkDeleteOnStop') === true) service.command('ExecStopPost', [...globals, 'network', 'rm', name])
}

/** The first gateway and range belong to the first subnet, and so on. */
function subnetOptions(reader: Reader): string[] {
  const [subnets, gateways, ranges] = [reader.all('Subnet'), reader.all('Gateway'), reader.all('IPRange')]
  if (Math.max(gateways.length, ranges.length) > subnets.length)
    throw invalid(reader.source, 'there are more Gateway= or IPRange= than Subnet= in [Network]')
  return subnets.flatMap((subnet, index) => {
    const [gateway, range] = [gateways[index], ranges[index]]
    return [
      ...['--subnet', subnet],
      ...(gateway === undefined ? [] : ['--gateway', gateway]),
      ...(range === undefined ? [] : ['--ip-range', range]),
    ]
  })
}
