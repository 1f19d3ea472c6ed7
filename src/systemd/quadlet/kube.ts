import { dirname } from 'node:path'
import { kubeMappingKeys, mappingOptions } from './mappings.js'
import { extraOptions, globalOptions, optionsOf, row } from './options.js'
import { networkOptions } from './references.js'
import { type Service } from './service.js'
import { invalid, type Reader, readerOf } from './source.js'

export const kubeRows = [
  row('ExitCodePropagation', '--service-exit-code-propagation', 'joined'),
  row('LogDriver', '--log-driver', 'text'),
  row('LogOpt', '--log-opt', 'list'),
  row('PublishPort', '--publish', 'all'),
] as const
export const kubeKeys = [
  ...kubeMappingKeys,
  'AutoUpdate',
  'ConfigMap',
  'KubeDownForce',
  'Network',
  'SetWorkingDirectory',
  'Yaml',
]

/** NAME.kube: a service that plays Kubernetes files. */
export function convertKube(service: Service): void {
  const { source } = service
  const reader = readerOf(source)
  const files = reader.list('Yaml').map((path) => service.beside(path))
  if (files.length === 0) throw invalid(source, 'Yaml= is missing in [Kube]')
  service.requireKillMode()
  service.byDefault('Service', 'KillMode', 'mixed')
  service.add('Service', 'Environment', 'PODMAN_SYSTEMD_UNIT=%n')
  service.byDefault('Service', 'Type', 'notify')
  if (service.requireType() === 'notify') service.byDefault('Service', 'NotifyAccess', 'all')
  service.byDefault('Service', 'SyslogIdentifier', '%N')
  const globals = globalOptions(reader)
  service.command('ExecStart', [
    ...globals,
    ...['kube', 'play', '--replace', '--service-container=true'],
    ...optionsOf(reader, kubeRows),
    ...mappingOptions(reader),
    ...networkOptions(service, reader.all('Network')),
    ...reader.list('AutoUpdate').map(autoUpdateOption),
    ...reader.list('ConfigMap').flatMap((path) => ['--configmap', service.beside(path)]),
    ...extraOptions(reader),
    ...files,
  ])
  // After the end, whichever it was: nothing that was played is left behind.
  service.command('ExecStopPost', [
    ...[...globals, 'kube', 'down'],
    ...optionsOf(reader, [row('KubeDownForce', '--force', 'flag')]),
    ...files,
  ])
  setFolder(service, reader, files)
}

/** `local`, or `NAME/local`. */
function autoUpdateOption(value: string): string {
  const slash = value.indexOf('/')
  return slash < 0
    ? `--annotation=io.containers.autoupdate=${value}`
    : `--annotation=io.containers.autoupdate/${value.slice(0, slash)}=${value.slice(slash + 1)}`
}

function setFolder(service: Service, reader: Reader, [first = '', ...others]: readonly string[]): void {
  const chosen = reader.text('SetWorkingDirectory')?.toLowerCase()
  if (chosen === undefined) return
  if (chosen !== 'yaml' && chosen !== 'unit')
    throw invalid(service.source, `SetWorkingDirectory=${chosen}: yaml or unit was expected`)
  if (chosen === 'yaml' && others.length > 0)
    throw invalid(service.source, 'SetWorkingDirectory=yaml needs one Yaml=, and there are more')
  service.byDefault('Service', 'WorkingDirectory', dirname(chosen === 'yaml' ? first : service.source.path))
}
