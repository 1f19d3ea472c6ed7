import type { ContainerSummary } from '../../index.js'
import type { Column } from '../output/table.js'
import { WrittenMap } from '../output/template/functions.js'
import { ago, goTime, humanDuration } from '../output/time.js'
import { humanSize } from '../output/units.js'

const shortId = 12
const shortCommand = 17

export interface RowOptions {
  readonly noTrunc: boolean
  readonly size: boolean
  readonly pod: boolean
  readonly namespaces: boolean
  readonly now: Date
}

/** The columns of `ps`, Podman's. */
export function containerColumns(options: RowOptions): Column<ContainerSummary>[] {
  if (options.namespaces) return namespaceColumns(options)
  return [
    { heading: 'CONTAINER ID', cell: (row) => idText(row.id, options) },
    { heading: 'IMAGE', cell: (row) => row.image },
    { heading: 'COMMAND', cell: (row) => commandText(row.command, options) },
    { heading: 'CREATED', cell: (row) => ago(row.created, options.now) },
    { heading: 'STATUS', cell: (row) => statusText(row, options.now) },
    { heading: 'PORTS', cell: portsText },
    { heading: 'NAMES', cell: (row) => row.name },
    ...(options.pod ? podColumns(options) : []),
    ...(options.size ? [{ heading: 'SIZE', cell: sizeText }] : []),
  ]
}

function podColumns({ noTrunc }: RowOptions): Column<ContainerSummary>[] {
  return [
    { heading: 'POD ID', cell: ({ pod }) => (noTrunc ? (pod?.id ?? '') : (pod?.id.slice(0, shortId) ?? '')) },
    { heading: 'PODNAME', cell: ({ pod }) => pod?.name ?? '' },
  ]
}

/** `ps --ns` */
function namespaceColumns(options: RowOptions): Column<ContainerSummary>[] {
  return [
    { heading: 'CONTAINER ID', cell: (row) => idText(row.id, options) },
    { heading: 'NAMES', cell: (row) => row.name },
    { heading: 'PID', cell: (row) => String(row.pid) },
    ...(options.pod ? podColumns(options) : []),
    ...namespaceNames.map(([heading, name]) => ({
      heading,
      cell: ({ namespaces }: ContainerSummary) => namespaces?.[name] ?? '',
    })),
  ]
}

const namespaceNames = [
  ['CGROUPNS', 'cgroup'],
  ['IPC', 'ipc'],
  ['MNT', 'mnt'],
  ['NET', 'net'],
  ['PIDNS', 'pid'],
  ['USERNS', 'user'],
  ['UTS', 'uts'],
] as const

/** What templates see of a container. */
export function containerFields(row: ContainerSummary, options: RowOptions): object {
  return {
    ID: idText(row.id, options),
    Id: row.id,
    Image: row.image,
    ImageID: options.noTrunc ? row.imageId : row.imageId.slice(0, shortId),
    Command: commandText(row.command, options),
    Created: goTime(row.created),
    CreatedAt: goTime(row.created),
    CreatedHuman: ago(row.created, options.now),
    RunningFor: ago(row.created, options.now),
    Status: statusText(row, options.now),
    State: row.status,
    Ports: portsText(row),
    ExposedPorts: row.exposed.map(({ port, protocol }) => `${port}/${protocol}`).join(', '),
    Names: row.name,
    Label: (key: unknown) => row.labels[String(key)] ?? '',
    Labels: labelsOf(row),
    Mounts: row.mounts.join(','),
    Networks: row.networks.join(','),
    Pid: row.pid,
    ExitCode: row.exitCode ?? 0,
    Exited: row.status === 'exited',
    ExitedAt: exitedAt(row),
    StartedAt: seconds(row.startedAt),
    Restarts: row.restarts,
    Size: row.size === undefined ? '' : sizeText(row),
    Pod: row.pod === undefined ? '' : options.noTrunc ? row.pod.id : row.pod.id.slice(0, shortId),
    PodName: row.pod?.name ?? '',
    IsInfra: false,
    AutoRemove: row.autoRemove,
    CIDFile: '',
    Namespaces: namespacesJson(row),
    ...Object.fromEntries(namespaceNames.map(([heading, name]) => [heading, row.namespaces?.[name] ?? ''])),
  }
}

function labelsOf({ labels }: ContainerSummary): WrittenMap {
  const texts = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return new WrittenMap(labels, texts.join(','))
}

/** Headings of `table {{.Field}}` that are not just the field's name. */
export const containerHeadings: Readonly<Record<string, string>> = {
  ID: 'CONTAINER ID',
  Id: 'CONTAINER ID',
  ImageID: 'IMAGE ID',
  CreatedAt: 'CREATED AT',
  CreatedHuman: 'CREATED',
  RunningFor: 'CREATED',
  ExitCode: 'EXIT CODE',
  PodName: 'POD NAME',
}

/** What JSON shows of a container: Podman's names. */
export function containerJson(row: ContainerSummary, options: RowOptions): object {
  return {
    AutoRemove: row.autoRemove,
    Command: row.command,
    CreatedAt: ago(row.created, options.now),
    Created: seconds(row.created),
    CIDFile: '',
    Exited: row.status === 'exited',
    ExitedAt: exitedAt(row),
    ExitCode: row.exitCode ?? 0,
    ExposedPorts: null,
    Id: row.id,
    Image: row.image,
    ImageID: row.imageId,
    IsInfra: false,
    Labels: Object.keys(row.labels).length === 0 ? null : row.labels,
    Mounts: row.mounts,
    Names: [row.name],
    Namespaces: namespacesJson(row),
    Networks: row.networks,
    Pid: row.pid,
    Pod: row.pod?.id ?? '',
    PodName: row.pod?.name ?? '',
    Ports: row.ports.length === 0 ? null : row.ports.map(portJson),
    Restarts: row.restarts,
    Size: row.size === undefined ? null : { rwSize: row.size.writable, rootFsSize: row.size.virtual },
    StartedAt: seconds(row.startedAt),
    State: row.status,
    Status: statusText(row, options.now),
  }
}

/** Seconds since 1970; Go's zero time where there is none. */
function seconds(date: Date | undefined): number {
  return date === undefined ? -62135596800 : Math.floor(date.getTime() / 1000)
}

/** Of one that has been started again there is an end, but it is the last run's. */
function exitedAt(row: ContainerSummary): number {
  return seconds(row.status === 'exited' ? row.finishedAt : undefined)
}

function namespacesJson({ namespaces }: ContainerSummary): object {
  if (namespaces === undefined) return {}
  const { mnt, cgroup, ipc, net, pid, uts, user } = namespaces
  return { Mnt: mnt, Cgroup: cgroup, Ipc: ipc, Net: net, Pidns: pid, Uts: uts, User: user }
}

function portJson({ hostIp, containerPort, hostPort, range, protocol }: ContainerSummary['ports'][number]): object {
  return {
    host_ip: hostIp === '0.0.0.0' ? '' : hostIp,
    container_port: containerPort,
    host_port: hostPort,
    range,
    protocol,
  }
}

function idText(id: string, { noTrunc }: RowOptions): string {
  return noTrunc ? id : id.slice(0, shortId)
}

function commandText(command: readonly string[], { noTrunc }: RowOptions): string {
  const text = command.join(' ').replace(/[\u0000-\u001f\u007f]/g, ' ')
  return noTrunc || text.length <= shortCommand ? text : `${text.slice(0, shortCommand)}...`
}

/** `Up 5 minutes`, `Exited (0) 3 hours ago`, `Created`. */
export function statusText(row: ContainerSummary, now: Date): string {
  switch (row.status) {
    case 'running':
      return `${upText(row, now)}${row.health === undefined ? '' : ` (${row.health})`}`
    case 'exited':
      return `Exited (${row.exitCode ?? 0}) ${row.finishedAt === undefined ? '' : ago(row.finishedAt, now)}`.trimEnd()
    case 'created':
      return 'Created'
    case 'initialized':
      return 'Initialized'
    case 'paused':
      return `${upText(row, now)} (Paused)`
    case 'removing':
      return 'Removing'
  }
}

function upText({ startedAt }: ContainerSummary, now: Date): string {
  return startedAt === undefined ? 'Up' : `Up ${humanDuration(now.getTime() - startedAt.getTime())}`
}

/** `0.0.0.0:8080->80/tcp`; a range is `0.0.0.0:8080-8082->80-82/tcp`. */
export function portsText({ ports }: ContainerSummary): string {
  return ports
    .map(({ hostIp, hostPort, containerPort, range, protocol }) => {
      const span = (first: number): string => (range > 1 ? `${first}-${first + range - 1}` : String(first))
      const host = hostIp.includes(':') ? `[${hostIp}]` : hostIp
      return `${host}:${span(hostPort)}->${span(containerPort)}/${protocol}`
    })
    .join(', ')
}

function sizeText({ size }: ContainerSummary): string {
  return size === undefined ? '' : `${humanSize(size.writable)} (virtual ${humanSize(size.virtual)})`
}

type SortKey = (one: ContainerSummary, other: ContainerSummary) => number

const byText =
  (key: (row: ContainerSummary) => string): SortKey =>
  (one, other) =>
    key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0

/** `ps --sort` */
export const sortOrders: Readonly<Record<string, SortKey>> = {
  command: byText(({ command }) => command.join(' ')),
  created: (one, other) => one.created.getTime() - other.created.getTime(),
  id: byText(({ id }) => id),
  image: byText(({ image }) => image),
  names: byText(({ name }) => name),
  runningfor: (one, other) => (one.startedAt?.getTime() ?? 0) - (other.startedAt?.getTime() ?? 0),
  size: (one, other) => (one.size?.writable ?? 0) - (other.size?.writable ?? 0),
  status: byText(({ status }) => status),
}
