import { splitWords } from '../words.js'
import { mappingKeys, mappingOptions } from './mappings.js'
import { extraOptions, globalOptions, optionsOf, row } from './options.js'
import { containerName, imageReference, mountOptions, networkOptions, volumeOptions } from './references.js'
import { type Service, serviceName } from './service.js'
import { invalid, readable, type Reader, readerOf } from './source.js'

/** Keys that are an option of `tspod run`, with nothing else to it. */
export const containerRows = [
  row('LogDriver', '--log-driver', 'text'),
  row('LogOpt', '--log-opt', 'list'),
  row('Entrypoint', '--entrypoint', 'text'),
  row('Pull', '--pull', 'text'),
  row('Retry', '--retry', 'text'),
  row('RetryDelay', '--retry-delay', 'text'),
  row('Timezone', '--tz', 'text'),
  row('RunInit', '--init', 'flag'),
  row('DNS', '--dns', 'all'),
  row('DNSOption', '--dns-option', 'all'),
  row('DNSSearch', '--dns-search', 'all'),
  row('NetworkAlias', '--network-alias', 'all'),
  row('IP', '--ip', 'text'),
  row('IP6', '--ip6', 'text'),
  row('HostName', '--hostname', 'text'),
  row('AddHost', '--add-host', 'all'),
  row('PublishPort', '--publish', 'all'),
  row('NoNewPrivileges', '--security-opt=no-new-privileges', 'switch'),
  row('SecurityLabelDisable', '--security-opt=label=disable', 'switch'),
  row('SecurityLabelNested', '--security-opt=label=nested', 'switch'),
  row('SecurityLabelType', '--security-opt', 'text', 'label=type:'),
  row('SecurityLabelFileType', '--security-opt', 'text', 'label=filetype:'),
  row('SecurityLabelLevel', '--security-opt', 'text', 'label=level:'),
  row('SeccompProfile', '--security-opt', 'text', 'seccomp='),
  row('AppArmor', '--security-opt', 'text', 'apparmor='),
  row('Mask', '--security-opt', 'words', 'mask='),
  row('Unmask', '--security-opt', 'words', 'unmask='),
  row('Sysctl', '--sysctl', 'list'),
  row('Ulimit', '--ulimit', 'all'),
  row('PidsLimit', '--pids-limit', 'text'),
  row('ShmSize', '--shm-size', 'text'),
  row('Memory', '--memory', 'text'),
  row('ReadOnly', '--read-only', 'flag'),
  row('ReadOnlyTmpfs', '--read-only-tmpfs', 'flag'),
  row('Tmpfs', '--tmpfs', 'all'),
  row('GroupAdd', '--group-add', 'all'),
  row('WorkingDir', '--workdir', 'text'),
  row('StopSignal', '--stop-signal', 'text'),
  row('StopTimeout', '--stop-timeout', 'text'),
  row('EnvironmentHost', '--env-host', 'flag'),
  row('HttpProxy', '--http-proxy', 'flag'),
  row('Environment', '--env', 'pairs'),
  row('Label', '--label', 'pairs'),
  row('Annotation', '--annotation', 'pairs'),
  row('AutoUpdate', '--label', 'text', 'io.containers.autoupdate='),
  row('Secret', '--secret', 'words'),
  row('HealthCmd', '--health-cmd', 'text'),
  row('HealthInterval', '--health-interval', 'text'),
  row('HealthLogDestination', '--health-log-destination', 'text'),
  row('HealthMaxLogCount', '--health-max-log-count', 'text'),
  row('HealthMaxLogSize', '--health-max-log-size', 'text'),
  row('HealthOnFailure', '--health-on-failure', 'text'),
  row('HealthRetries', '--health-retries', 'text'),
  row('HealthStartPeriod', '--health-start-period', 'text'),
  row('HealthStartupCmd', '--health-startup-cmd', 'text'),
  row('HealthStartupInterval', '--health-startup-interval', 'text'),
  row('HealthStartupRetries', '--health-startup-retries', 'text'),
  row('HealthStartupSuccess', '--health-startup-success', 'text'),
  row('HealthStartupTimeout', '--health-startup-timeout', 'text'),
  row('HealthTimeout', '--health-timeout', 'text'),
] as const

/** Those that are more than an option. */
export const containerKeys = [
  ...mappingKeys,
  ...['AddCapability', 'AddDevice', 'CgroupsMode', 'ContainerName', 'DropCapability', 'EnvironmentFile', 'Exec'],
  ...['ExposeHostPort', 'Group', 'Image', 'Mount', 'Network', 'Notify', 'Pod', 'ReloadCmd', 'ReloadSignal'],
  ...['Rootfs', 'StartWithPod', 'User', 'VolatileTmp', 'Volume'],
]

/** NAME.container: a service that runs a container, and is it: its cgroup, its readiness, its end. */
export function convertContainer(service: Service): void {
  const { source } = service
  const reader = readerOf(source)
  const image = reader.text('Image')
  const rootfs = reader.text('Rootfs')
  if (image === undefined && rootfs === undefined) throw invalid(source, 'Image= or Rootfs= is missing in [Container]')
  if (image !== undefined && rootfs !== undefined) throw invalid(source, 'Image= and Rootfs= exclude each other')
  service.add('Service', 'Environment', 'PODMAN_SYSTEMD_UNIT=%n')
  const globals = globalOptions(reader)
  lifeOf(service, globals)
  reloading(service, reader, globals)
  const from = image === undefined ? ['--rootfs', rootfs ?? ''] : [imageReference(service, image)]
  service.command('ExecStart', [
    ...globals,
    ...['run', '--name', containerName(source), '--cidfile=%t/%N.cid', '--replace', '--rm'],
    `--cgroups=${reader.text('CgroupsMode') ?? 'split'}`,
    ...readiness(service, reader),
    ...optionsOf(reader, containerRows),
    ...portOptions(reader),
    ...oldTmpOptions(reader),
    ...userOptions(reader),
    ...mappingOptions(reader),
    ...capabilityOptions(reader),
    ...deviceOptions(service, reader),
    ...reader.words('EnvironmentFile').flatMap((path) => ['--env-file', service.beside(path)]),
    ...networkOptions(service, reader.all('Network')),
    ...volumeOptions(service, reader.all('Volume')),
    ...mountOptions(service, reader.words('Mount')),
    ...podOptions(service, reader),
    ...extraOptions(reader),
    ...from,
    ...lastWords(reader, 'Exec'),
  ])
}

/** `mixed`: the monitor gets the signal and stops the container in order; what is left gets SIGKILL. */
function lifeOf(service: Service, globals: readonly string[]): void {
  service.requireKillMode()
  service.byDefault('Service', 'KillMode', 'mixed')
  const file = '--cidfile=%t/%N.cid'
  // In order, with the container's own signal and time; --rm does the rest, unless somebody killed the monitor.
  service.command('ExecStop', [...globals, 'stop', '-i', file])
  service.command('ExecStopPost', [...globals, 'rm', '-v', '-f', '-i', file], '-')
  service.byDefault('Service', 'Delegate', 'yes')
  service.byDefault('Service', 'SyslogIdentifier', '%N')
}

function reloading(service: Service, reader: Reader, globals: readonly string[]): void {
  const command = lastWords(reader, 'ReloadCmd')
  const signal = reader.text('ReloadSignal')
  if (command.length > 0 && signal !== undefined)
    throw invalid(reader.source, 'ReloadCmd= and ReloadSignal= exclude each other')
  const name = containerName(reader.source)
  if (command.length > 0) service.command('ExecReload', [...globals, 'exec', name, ...command])
  else if (signal !== undefined) service.command('ExecReload', [...globals, 'kill', '--signal', signal, name])
}

/** The words of the last value. */
function lastWords(reader: Reader, key: string): readonly string[] {
  return readable(reader.source, key, reader.all(key).at(-1) ?? '', splitWords)
}

function readiness(service: Service, reader: Reader): string[] {
  if (service.requireType() === 'oneshot') return []
  service.byDefault('Service', 'Type', 'notify')
  service.byDefault('Service', 'NotifyAccess', 'all')
  const healthy = reader.text('Notify')?.toLowerCase() === 'healthy'
  const who = healthy ? 'healthy' : reader.flag('Notify') === true ? 'container' : 'conmon'
  return [`--sdnotify=${who}`, '-d', ...logOptions(service, reader)]
}

/** What a service says is looked for in the journal, under the service. */
function logOptions({ world }: Service, reader: Reader): string[] {
  const own = reader.text('LogDriver') !== undefined
  return own || world.logDriver === undefined ? [] : ['--log-driver', world.logDriver]
}

function portOptions(reader: Reader): string[] {
  return reader.all('ExposeHostPort').flatMap((port) => {
    if (!/^\d+(?:-\d+)?(?:\/(?:tcp|udp|sctp))?$/.test(port))
      throw invalid(reader.source, `ExposeHostPort=${port} is neither a port nor a range of them`)
    return ['--expose', port]
  })
}

/** From before there was `ReadOnlyTmpfs=`. */
function oldTmpOptions(reader: Reader): string[] {
  const wanted = reader.flag('VolatileTmp') === true && reader.flag('ReadOnly') !== true
  return wanted ? ['--tmpfs', '/tmp:rw,size=512M,mode=1777'] : []
}

function userOptions(reader: Reader): string[] {
  const user = reader.text('User')
  const group = reader.text('Group')
  if (user === undefined && group !== undefined) throw invalid(reader.source, 'Group= needs User= in [Container]')
  return user === undefined ? [] : ['--user', group === undefined ? user : `${user}:${group}`]
}

function capabilityOptions(reader: Reader): string[] {
  return [
    ...reader.list('DropCapability').flatMap((name) => ['--cap-drop', name.toLowerCase()]),
    ...reader.list('AddCapability').flatMap((name) => ['--cap-add', name.toLowerCase()]),
  ]
}

/** `-/dev/x`: only if it is there. */
function deviceOptions(service: Service, reader: Reader): string[] {
  return reader.list('AddDevice').flatMap((value) => {
    const device = value.replace(/^-/, '')
    const path = device.split(':')[0] ?? device
    return value.startsWith('-') && !service.world.exists(path) ? [] : ['--device', device]
  })
}

function podOptions(service: Service, reader: Reader): string[] {
  const name = reader.text('Pod')
  if (name === undefined) return []
  if (!name.endsWith('.pod')) throw invalid(service.source, `Pod=${name} is not the name of a .pod file`)
  const other = service.other(name)
  const pod = serviceName(other)
  service.needs.add(other.name)
  // Read by the pod; wrong words are this one's error.
  reader.flag('StartWithPod')
  service.add('Unit', 'BindsTo', `${pod}.service`)
  service.add('Unit', 'After', `${pod}.service`)
  return ['--pod-id-file', `%t/${pod}.pod-id`]
}
