import { quoteWord } from '../words.js'
import { extraOptions, globalOptions, once, optionsOf, row } from './options.js'
import { imageReference, volumeName } from './references.js'
import type { Service } from './service.js'
import { invalid, type Reader, readerOf } from './source.js'

export const volumeRows = [
  row('UID', '--uid', 'text'),
  row('GID', '--gid', 'text'),
  row('Driver', '--driver', 'text'),
  row('Label', '--label', 'pairs'),
] as const
export const volumeKeys = ['Copy', 'Device', 'Group', 'Image', 'Options', 'Type', 'User', 'VolumeName']

/** NAME.volume: makes a volume, once. */
export function convertVolume(service: Service): void {
  const reader = readerOf(service.source)
  once(service, [
    ...globalOptions(reader),
    ...['volume', 'create', '--ignore'],
    ...optionsOf(reader, volumeRows),
    ...driverOptions(service, reader),
    ...extraOptions(reader),
    volumeName(service.source),
  ])
}

function driverOptions(service: Service, reader: Reader): string[] {
  if (reader.text('Driver') !== 'image') return localOptions(service, reader)
  const image = reader.text('Image')
  if (image === undefined) throw invalid(service.source, 'Driver=image needs Image= in [Volume]')
  return ['--opt', `image=${imageReference(service, image)}`]
}

function localOptions(service: Service, reader: Reader): string[] {
  const [device, type, mount] = [reader.text('Device'), reader.text('Type'), reader.text('Options')]
  if (device === undefined && type !== undefined) throw invalid(service.source, 'Type= needs Device= in [Volume]')
  if (device === undefined && mount !== undefined) throw invalid(service.source, 'Options= needs Device= in [Volume]')
  if (type === 'bind' && device !== undefined) service.add('Unit', 'RequiresMountsFor', quoteWord(device))
  const copy = reader.flag('Copy')
  const all = [
    ...given('uid', reader.text('User')),
    ...given('gid', reader.text('Group')),
    ...(mount === undefined ? [] : [mount]),
  ]
  return [
    ...(copy === undefined ? [] : ['--opt', copy ? 'copy' : 'nocopy']),
    ...given('device', device).flatMap((option) => ['--opt', option]),
    ...given('type', type).flatMap((option) => ['--opt', option]),
    ...(all.length === 0 ? [] : ['--opt', `o=${all.join(',')}`]),
  ]
}

function given(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`${name}=${value}`]
}
