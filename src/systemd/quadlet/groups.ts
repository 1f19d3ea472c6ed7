import { dirname } from 'node:path'
import { extraOptions, globalOptions, optionsOf, row } from './options.js'
import { networkOptions, volumeOptions } from './references.js'
import { type Service, serviceName, stemOf } from './service.js'
import { invalid, readerOf } from './source.js'

export const podRows = [
  row('PublishPort', '--publish', 'all'),
  row('AddHost', '--add-host', 'all'),
  row('DNS', '--dns', 'all'),
  row('DNSOption', '--dns-option', 'all'),
  row('DNSSearch', '--dns-search', 'all'),
  row('NetworkAlias', '--network-alias', 'all'),
  row('IP', '--ip', 'text'),
  row('IP6', '--ip6', 'text'),
  row('ShmSize', '--shm-size', 'text'),
  row('UserNS', '--userns', 'text'),
  row('UIDMap', '--uidmap', 'words'),
  row('GIDMap', '--gidmap', 'words'),
  row('SubUIDMap', '--subuidname', 'text'),
  row('SubGIDMap', '--subgidname', 'text'),
] as const
export const podKeys = ['Network', 'PodName', 'Volume'] as const

/** NAME.pod: a service that is the pod's infra container; the pod's containers are started with it. */
export function convertPod(service: Service): void {
  const { source, world } = service
  const reader = readerOf(source)
  const name = reader.text('PodName') ?? `systemd-${stemOf(source.name)}`
  for (const other of world.sources.values()) {
    const container = other.kind === 'container' ? readerOf(other) : undefined
    if (container?.text('Pod') !== source.name || container.flag('StartWithPod') === false) continue
    service.add('Unit', 'Wants', `${serviceName(other)}.service`)
    service.add('Unit', 'Before', `${serviceName(other)}.service`)
  }
  const globals = globalOptions(reader)
  const file = '--pod-id-file=%t/%N.pod-id'
  service.command('ExecStartPre', [
    ...globals,
    ...['pod', 'create', '--infra-conmon-pidfile=%t/%N.pid', file, '--exit-policy=stop', '--replace'],
    ...optionsOf(reader, podRows),
    ...networkOptions(service, reader.all('Network')),
    ...volumeOptions(service, reader.all('Volume')),
    ...['--infra-name', `${name}-infra`, '--name', name],
    ...extraOptions(reader),
  ])
  service.command('ExecStart', [...globals, 'pod', 'start', file])
  service.command('ExecStop', [...globals, 'pod', 'stop', file, '--ignore', '--time=10'])
  service.command('ExecStopPost', [...globals, 'pod', 'rm', file, '--ignore', '--force'])
  service.add('Service', 'Environment', 'PODMAN_SYSTEMD_UNIT=%n')
  service.add('Service', 'Type', 'forking')
  service.add('Service', 'PIDFile', '%t/%N.pid')
  service.byDefault('Service', 'Restart', 'on-failure')
  service.byDefault('Service', 'SyslogIdentifier', '%N')
}

export const kubeRows = [
  row('ExitCodePropagation', '--service-exit-code-propagation', 'text'),
  row('LogDriver', '--log-driver', 'text'),
  row('UserNS', '--userns', 'text'),
  row('PublishPort', '--publish', 'all'),
] as const
export const kubeKeys = ['AutoUpdate', 'ConfigMap', 'KubeDownForce', 'Network', 'SetWorkingDirectory', 'Yaml'] as const

/** NAME.kube: a service that plays a Kubernetes file. */
export function convertKube(service: Service): void {
  const { source } = service
  const reader = readerOf(source)
  const yaml = reader.text('Yaml')
  if (yaml === undefined) throw invalid(source, 'Yaml= is missing in [Kube]')
  const file = service.beside(yaml)
  const type = service.value('Service', 'Type') ?? 'notify'
  if (type !== 'notify' && type !== 'oneshot') throw invalid(source, `Type=${type}: notify or oneshot was expected`)
  service.byDefault('Service', 'KillMode', 'mixed')
  service.add('Service', 'Environment', 'PODMAN_SYSTEMD_UNIT=%n')
  service.byDefault('Service', 'Type', 'notify')
  if (type === 'notify') service.byDefault('Service', 'NotifyAccess', 'all')
  service.byDefault('Service', 'SyslogIdentifier', '%N')
  const globals = globalOptions(reader)
  service.command('ExecStart', [
    ...globals,
    ...['kube', 'play', '--replace', ...(type === 'notify' ? ['--service-container=true'] : [])],
    ...optionsOf(reader, kubeRows),
    ...networkOptions(service, reader.all('Network')),
    ...reader.words('AutoUpdate').map(autoUpdateOption),
    ...reader.words('ConfigMap').flatMap((path) => ['--configmap', service.beside(path)]),
    ...extraOptions(reader),
    file,
  ])
  const force = reader.flag('KubeDownForce') === true ? ['--force'] : []
  service.command('ExecStopPost', [...globals, 'kube', 'down', ...force, file])
  setFolder(service, reader.text('SetWorkingDirectory'), file)
}

/** `local`, or `NAME/local`. */
function autoUpdateOption(value: string): string {
  const slash = value.indexOf('/')
  return slash < 0
    ? `--annotation=io.containers.autoupdate=${value}`
    : `--annotation=io.containers.autoupdate/${value.slice(0, slash)}=${value.slice(slash + 1)}`
}

function setFolder(service: Service, chosen: string | undefined, file: string): void {
  if (chosen === undefined) return
  if (chosen !== 'yaml' && chosen !== 'unit')
    throw invalid(service.source, `SetWorkingDirectory=${chosen}: yaml or unit was expected`)
  service.byDefault('Service', 'WorkingDirectory', dirname(chosen === 'yaml' ? file : service.source.path))
}
