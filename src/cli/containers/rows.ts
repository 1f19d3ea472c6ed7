import type { ContainerSummary } from '../../index.js'
import type { Column } from '../output/table.js'
import { ago, goTime, humanDuration } from '../output/time.js'
import { humanSize } from '../output/units.js'

const shortId = 12
const shortCommand = 17

export interface RowOptions {
  readonly noTrunc: boolean
  readonly size: boolean
  readonly now: Date
}

/** The columns of `ps`, Podman's. */
export function containerColumns(options: RowOptions): Column<ContainerSummary>[] {
  return [
    { heading: 'CONTAINER ID', cell: (row) => idText(row.id, options) },
    { heading: 'IMAGE', cell: (row) => row.image },
    { heading: 'COMMAND', cell: (row) => commandText(row.command, options) },
    { heading: 'CREATED', cell: (row) => ago(row.created, options.now) },
    { heading: 'STATUS', cell: (row) => statusText(row, options.now) },
    { heading: 'PORTS', cell: portsText },
    { heading: 'NAMES', cell: (row) => row.name },
    ...(options.size ? [{ heading: 'SIZE', cell: sizeText }] : []),
  ]
}

/** What templates see of a container. */
export function containerFields(row: ContainerSummary, options: RowOptions): object {
  return {
    ID: idText(row.id, options),
    Id: row.id,
    Image: row.image,
    ImageID: options.noTrunc ? row.imageId : row.imageId.slice(0, shortId),
    Command: commandText(row.command, options),
    Created: ago(row.created, options.now),
    CreatedAt: goTime(row.created),
    CreatedHuman: ago(row.created, options.now),
    RunningFor: ago(row.created, options.now),
    Status: statusText(row, options.now),
    State: row.status,
    Ports: portsText(row),
    ExposedPorts: row.exposed.map(({ port, protocol }) => `${port}/${protocol}`).join(', '),
    Names: row.name,
    Labels: Object.entries(row.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Mounts: row.mounts.join(','),
    Networks: row.networks.join(','),
    Pid: row.pid,
    ExitCode: row.exitCode ?? 0,
    Exited: row.status === 'exited',
    Restarts: row.restarts,
    Size: row.size === undefined ? '' : sizeText(row),
    Pod: '',
    PodName: '',
    IsInfra: false,
    AutoRemove: row.autoRemove,
  }
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
  const seconds = (date: Date | undefined): number => (date === undefined ? 0 : Math.floor(date.getTime() / 1000))
  return {
    AutoRemove: row.autoRemove,
    Command: row.command,
    CreatedAt: ago(row.created, options.now),
    Created: seconds(row.created),
    Exited: row.status === 'exited',
    ExitedAt: row.finishedAt === undefined ? -62135596800 : seconds(row.finishedAt),
    ExitCode: row.exitCode ?? 0,
    ExposedPorts: null,
    Id: row.id,
    Image: row.image,
    ImageID: row.imageId,
    IsInfra: false,
    Labels: Object.keys(row.labels).length === 0 ? null : row.labels,
    Mounts: row.mounts,
    Names: [row.name],
    Namespaces: {},
    Networks: row.networks,
    Pid: row.pid,
    Pod: '',
    PodName: '',
    Ports: row.ports.length === 0 ? null : row.ports.map(portJson),
    Restarts: row.restarts,
    Size: row.size === undefined ? null : { rwSize: row.size.writable, rootFsSize: row.size.virtual },
    StartedAt: seconds(row.startedAt),
    State: row.status,
    Status: statusText(row, options.now),
  }
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
  created: (one, other) => other.created.getTime() - one.created.getTime(),
  id: byText(({ id }) => id),
  image: byText(({ image }) => image),
  names: byText(({ name }) => name),
  runningfor: (one, other) => (other.startedAt?.getTime() ?? 0) - (one.startedAt?.getTime() ?? 0),
  size: (one, other) => (one.size?.writable ?? 0) - (other.size?.writable ?? 0),
  status: byText(({ status }) => status),
}
