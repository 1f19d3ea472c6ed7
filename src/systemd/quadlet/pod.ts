import { mappingKeys, mappingOptions } from './mappings.js'
import { extraOptions, globalOptions, optionsOf, row } from './options.js'
import { networkOptions, podName, volumeOptions } from './references.js'
import type { Service } from './service.js'
import { readerOf } from './source.js'

export const podRows = [
  row('PublishPort', '--publish', 'all'),
  row('IP', '--ip', 'text'),
  row('IP6', '--ip6', 'text'),
  row('ShmSize', '--shm-size', 'text'),
  row('HostName', '--hostname', 'text'),
  row('NetworkAlias', '--network-alias', 'all'),
  row('DNS', '--dns', 'all'),
  row('DNSOption', '--dns-option', 'all'),
  row('DNSSearch', '--dns-search', 'all'),
  row('AddHost', '--add-host', 'all'),
  row('Label', '--label', 'pairs'),
] as const
export const podKeys = [...mappingKeys, 'ExitPolicy', 'Network', 'PodName', 'StopTimeout', 'Volume']

/** NAME.pod: a service that is the pod's infra container. `members` are the services that start with it. */
export function convertPod(service: Service): void {
  const reader = readerOf(service.source)
  const name = podName(service.source)
  for (const member of service.world.members(service.source)) {
    service.add('Unit', 'Wants', `${member}.service`)
    service.add('Unit', 'Before', `${member}.service`)
  }
  const globals = globalOptions(reader)
  const file = '--pod-id-file=%t/%N.pod-id'
  service.command('ExecStartPre', [
    ...globals,
    ...['pod', 'create', '--infra-conmon-pidfile=%t/%N.pid', file],
    ...[`--exit-policy=${reader.text('ExitPolicy') ?? 'stop'}`, '--replace'],
    ...mappingOptions(reader),
    ...optionsOf(reader, podRows),
    ...networkOptions(service, reader.all('Network')),
    ...volumeOptions(service, reader.all('Volume')),
    ...['--infra-name', `${name}-infra`, '--name', name],
    ...extraOptions(reader),
  ])
  service.command('ExecStart', [...globals, 'pod', 'start', file])
  service.command('ExecStop', [
    ...[...globals, 'pod', 'stop', file, '--ignore'],
    `--time=${reader.text('StopTimeout') ?? '10'}`,
  ])
  service.command('ExecStopPost', [...globals, 'pod', 'rm', file, '--ignore', '--force'])
  service.add('Service', 'Environment', 'PODMAN_SYSTEMD_UNIT=%n')
  service.set('Service', 'Type', 'forking')
  service.set('Service', 'PIDFile', '%t/%N.pid')
  service.byDefault('Service', 'Restart', 'on-failure')
  service.byDefault('Service', 'SyslogIdentifier', '%N')
}
