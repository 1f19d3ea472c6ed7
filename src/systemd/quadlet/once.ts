import { dirname } from 'node:path'
import { extraOptions, globalOptions, optionsOf, row } from './options.js'
import { imageReference, networkName, networkOptions, volumeName, volumeOptions } from './references.js'
import type { Service } from './service.js'
import { invalid, type Reader, readerOf } from './source.js'

export const volumeRows = [row('Driver', '--driver', 'text')] as const
export const volumeKeys = [
  'Copy',
  'Device',
  'Group',
  'Image',
  'Label',
  'Options',
  'Type',
  'User',
  'VolumeName',
] as const

/** NAME.volume: makes a volume, once. */
export function convertVolume(service: Service): void {
  const reader = readerOf(service.source)
  once(service, [
    ...globalOptions(reader),
    'volume',
    'create',
    '--ignore',
    ...optionsOf(reader, volumeRows),
    ...volumeDriverOptions(service, reader),
    ...optionsOf(reader, [row('Label', '--label', 'pairs')]),
    ...extraOptions(reader),
    volumeName(service.source),
  ])
}

function volumeDriverOptions(service: Service, reader: Reader): string[] {
  const { source } = service
  const option = (name: string, value: string | undefined): string[] =>
    value === undefined ? [] : ['--opt', `${name}=${value}`]
  if (reader.text('Driver') === 'image') {
    const image = reader.text('Image')
    if (image === undefined) throw invalid(source, 'Driver=image needs Image= in [Volume]')
    return option('image', imageReference(service, image))
  }
  const device = reader.text('Device')
  const type = reader.text('Type')
  if (device === undefined && type !== undefined) throw invalid(source, 'Type= needs Device= in [Volume]')
  const mount = reader.text('Options')
  if (device === undefined && mount !== undefined) throw invalid(source, 'Options= needs Device= in [Volume]')
  const owner = [...idOption('uid', reader.text('User')), ...idOption('gid', reader.text('Group'))]
  const all = [...owner, ...(mount === undefined ? [] : [mount])]
  return [
    ...(reader.flag('Copy') === undefined ? [] : ['--opt', reader.flag('Copy') === true ? 'copy' : 'nocopy']),
    ...option('device', device),
    ...option('type', type),
    ...(all.length === 0 ? [] : ['--opt', `o=${all.join(',')}`]),
  ]
}

function idOption(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`${name}=${value}`]
}

export const networkRows = [
  row('DisableDNS', '--disable-dns', 'switch'),
  row('Internal', '--internal', 'switch'),
  row('IPv6', '--ipv6', 'switch'),
  row('Driver', '--driver', 'text'),
  row('IPAMDriver', '--ipam-driver', 'text'),
  row('DNS', '--dns', 'all'),
  row('Options', '--opt', 'pairs'),
  row('Label', '--label', 'pairs'),
] as const
export const networkKeys = ['Gateway', 'IPRange', 'NetworkName', 'Subnet'] as const

/** NAME.network: makes a network, once. */
export function convertNetwork(service: Service): void {
  const reader = readerOf(service.source)
  once(service, [
    ...globalOptions(reader),
    'network',
    'create',
    '--ignore',
    ...optionsOf(reader, networkRows),
    ...subnetOptions(reader),
    ...extraOptions(reader),
    networkName(service.source),
  ])
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

export const imageRows = [
  row('AuthFile', '--authfile', 'text'),
  row('CertDir', '--cert-dir', 'text'),
  row('Creds', '--creds', 'text'),
  row('DecryptionKey', '--decryption-key', 'text'),
  row('Arch', '--arch', 'text'),
  row('OS', '--os', 'text'),
  row('Variant', '--variant', 'text'),
  row('TLSVerify', '--tls-verify', 'flag'),
  row('AllTags', '--all-tags', 'flag'),
] as const
export const imageKeys = ['Image', 'ImageTag'] as const

/** NAME.image: pulls an image, once. */
export function convertImage(service: Service): void {
  const reader = readerOf(service.source)
  const image = reader.text('Image')
  if (image === undefined) throw invalid(service.source, 'Image= is missing in [Image]')
  once(service, [
    ...globalOptions(reader),
    'image',
    'pull',
    ...optionsOf(reader, imageRows),
    ...extraOptions(reader),
    image,
  ])
}

export const buildRows = [
  row('Pull', '--pull', 'text'),
  row('AuthFile', '--authfile', 'text'),
  row('Arch', '--arch', 'text'),
  row('Variant', '--variant', 'text'),
  row('Target', '--target', 'text'),
  row('TLSVerify', '--tls-verify', 'flag'),
  row('ForceRM', '--force-rm', 'flag'),
  row('DNS', '--dns', 'all'),
  row('DNSOption', '--dns-option', 'all'),
  row('DNSSearch', '--dns-search', 'all'),
  row('GroupAdd', '--group-add', 'all'),
  row('ImageTag', '--tag', 'all'),
  row('Annotation', '--annotation', 'pairs'),
  row('Environment', '--env', 'pairs'),
  row('Label', '--label', 'pairs'),
  row('Secret', '--secret', 'words'),
] as const
export const buildKeys = ['File', 'Network', 'SetWorkingDirectory', 'Volume'] as const

const remote = /^(?:https?|git|ssh):\/\/|^github\.com\/|\.git(?:#|$)/

/** NAME.build: builds an image, at each start of the service (the cache makes the second one quick). */
export function convertBuild(service: Service): void {
  const { source } = service
  const reader = readerOf(source)
  if (reader.all('ImageTag').length === 0) throw invalid(source, 'ImageTag= is missing in [Build]')
  const file = reader.text('File')
  const context = buildContext(service, reader, file)
  once(
    service,
    [
      ...globalOptions(reader),
      'build',
      ...optionsOf(reader, buildRows),
      ...networkOptions(service, reader.all('Network'), false),
      ...volumeOptions(service, reader.all('Volume')),
      ...(file === undefined ? [] : ['--file', file]),
      ...extraOptions(reader),
      ...(context === undefined ? [] : [context]),
    ],
    false,
  )
}

/** The folder to build, or an address of one; undefined: the service's WorkingDirectory. */
function buildContext(service: Service, reader: Reader, file: string | undefined): string | undefined {
  const { source } = service
  const chosen = reader.text('SetWorkingDirectory')
  const own = service.value('Service', 'WorkingDirectory')
  if (chosen === undefined) {
    if (own !== undefined) return '.'
    if (file === undefined) throw invalid(source, 'File= or SetWorkingDirectory= is missing in [Build]')
    if (file.startsWith('/')) return dirname(file)
    if (remote.test(file)) return undefined
    throw invalid(source, `File=${file} is relative, and needs SetWorkingDirectory= in [Build]`)
  }
  if (remote.test(chosen)) return chosen
  if (chosen === 'file' && file === undefined) throw invalid(source, 'SetWorkingDirectory=file needs File= in [Build]')
  const folder =
    chosen === 'unit'
      ? dirname(source.path)
      : chosen === 'file'
        ? dirname(service.beside(file ?? ''))
        : service.beside(chosen)
  service.byDefault('Service', 'WorkingDirectory', folder)
  return folder
}

/** A command that is done when it ends; what it made stays. */
function once(service: Service, argv: readonly string[], remains = true): void {
  service.command('ExecStart', argv)
  service.byDefault('Service', 'SyslogIdentifier', '%N')
  service.byDefault('Service', 'Type', 'oneshot')
  if (remains) service.byDefault('Service', 'RemainAfterExit', 'yes')
}
