import { dirname } from 'node:path'
import { extraOptions, globalOptions, once, optionsOf, row } from './options.js'
import { networkOptions, volumeOptions } from './references.js'
import type { Service } from './service.js'
import { invalid, type Reader, readerOf } from './source.js'

export const buildRows = [
  // As a word of its own it would be the context: --pull alone is an option, too.
  row('Pull', '--pull', 'joined'),
  row('AuthFile', '--authfile', 'text'),
  row('Arch', '--arch', 'text'),
  row('Variant', '--variant', 'text'),
  row('Target', '--target', 'text'),
  row('IgnoreFile', '--ignorefile', 'text'),
  row('Retry', '--retry', 'text'),
  row('RetryDelay', '--retry-delay', 'text'),
  row('TLSVerify', '--tls-verify', 'flag'),
  row('ForceRM', '--force-rm', 'flag'),
  row('DNS', '--dns', 'all'),
  row('DNSOption', '--dns-option', 'all'),
  row('DNSSearch', '--dns-search', 'all'),
  row('GroupAdd', '--group-add', 'all'),
  row('ImageTag', '--tag', 'all'),
  row('BuildArg', '--build-arg', 'pairs'),
  row('Annotation', '--annotation', 'pairs'),
  row('Environment', '--env', 'pairs'),
  row('Label', '--label', 'pairs'),
  row('Secret', '--secret', 'words'),
] as const
export const buildKeys = ['File', 'Network', 'SetWorkingDirectory', 'Volume']

const remote = /^(?:https?|git):\/\/|github\.com\/./

/** NAME.build: builds an image, at each start of the service (the cache makes the second one quick). */
export function convertBuild(service: Service): void {
  const { source } = service
  const reader = readerOf(source)
  if (reader.all('ImageTag').length === 0) throw invalid(source, 'ImageTag= is missing in [Build]')
  const argv = [
    ...[...globalOptions(reader), 'build'],
    ...optionsOf(reader, buildRows),
    ...networkOptions(service, reader.all('Network')),
    ...volumeOptions(service, reader.all('Volume')),
    ...optionsOf(reader, [row('File', '--file', 'text')]),
    ...extraOptions(reader),
  ]
  once(service, [...argv, ...contextOf(service, reader)], false)
}

/** The folder to build, or an address; none where the Dockerfile's own folder is it, as `build` has it anyway. */
function contextOf(service: Service, reader: Reader): string[] {
  const { source } = service
  const file = reader.text('File')
  const chosen = setFolder(service, reader, file)
  if (chosen !== undefined) return [chosen]
  const folder = service.value('Service', 'WorkingDirectory')
  if (folder === undefined && file === undefined)
    throw invalid(source, 'File= or SetWorkingDirectory= is missing in [Build]')
  if (file !== undefined && (file.startsWith('/') || remote.test(file))) return []
  if (folder === undefined)
    throw invalid(source, `File=${file ?? ''} is relative, and needs SetWorkingDirectory= in [Build]`)
  return [folder]
}

/** `SetWorkingDirectory=`: the service's folder, unless it has one; what is neither `file` nor `unit` is the context, too. */
function setFolder(service: Service, reader: Reader, file: string | undefined): string | undefined {
  const { source } = service
  const chosen = reader.text('SetWorkingDirectory')
  if (chosen === undefined) return undefined
  const word = chosen.toLowerCase()
  if (word === 'yaml') throw invalid(source, `SetWorkingDirectory=${chosen} is for a .kube`)
  if (word === 'file' && file === undefined) throw invalid(source, 'SetWorkingDirectory=file needs File= in [Build]')
  const context = word === 'file' || word === 'unit' ? undefined : chosen
  if (context !== undefined && (remote.test(context) || context.startsWith('/'))) return context
  if (service.value('Service', 'WorkingDirectory') !== undefined) return undefined
  service.add('Service', 'WorkingDirectory', dirname(word === 'file' ? service.beside(file ?? '') : source.path))
  return context
}
