import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { ContainerRecord, ListedRecord } from '../../container/record.js'
import type { Context } from '../context.js'
import { compileFilters } from './filters.js'
import { healthStatusOf } from './health.js'
import { exitCodeOf, isUp, observeText, type Observed } from './observe.js'
import {
  containerPaths,
  idOf,
  type ListedContainer,
  listContainersRead,
  listRecords,
  readRecord,
  tellLeftOut,
} from './store.js'
import type { ContainerSummary, ListOptions, NamespaceIds, PublishedPort } from './types.js'

/** The containers, the oldest first: those that run, or all. */
export async function listContainers(context: Context, options: ListOptions = {}): Promise<ContainerSummary[]> {
  const { sweep } = await import('./sweep.js')
  await sweep(context)
  const filters = compileFilters(options.filters ?? [], { context, now: context.clock() })
  const last = options.last === undefined || options.last <= 0 ? undefined : options.last
  const everything = options.all === true || last !== undefined || filters.namesStatus
  const ofInterest = everything ? undefined : isOfRunning(context)
  const all = listContainersRead(context, ofInterest)
  const result: ContainerSummary[] = []
  for (const listed of last === undefined ? all : lastOf(all, last)) {
    const summary = trySummary(context, listed)
    if (!summary) continue
    if (!everything && !isUp(summary)) continue
    if (!filters.matches(summary, listed.record)) continue
    result.push(withMore(context, summary, listed.record, options))
  }
  return result
}

function withMore(
  context: Context,
  summary: ContainerSummary,
  record: ListedRecord,
  options: ListOptions,
): ContainerSummary {
  if (options.size !== true && options.namespaces !== true) return summary
  return {
    ...summary,
    ...(options.size === true ? { size: sizeOf(context, record) } : {}),
    ...(options.namespaces === true && summary.pid > 0 ? { namespaces: namespacesOf(summary.pid) } : {}),
  }
}

function namespacesOf(pid: number): NamespaceIds {
  const number = (file: string): string => {
    try {
      return /\d+/.exec(readlinkSync(`/proc/${String(pid)}/ns/${file}`))?.[0] ?? ''
    } catch {
      /* It has just ended, or has become somebody else. */
      return ''
    }
  }
  return {
    cgroup: number('cgroup'),
    ipc: number('ipc'),
    mnt: number('mnt'),
    net: number('net'),
    pid: number('pid'),
    user: number('user'),
    uts: number('uts'),
  }
}

function lastOf<T>(all: readonly T[], count: number): readonly T[] {
  return count === 0 ? [] : all.slice(-count)
}

/** Most containers of a long list have ended, which their state alone says. */
function isOfRunning(context: Context): (id: string, state: string | undefined) => boolean {
  return (id, state) => state !== undefined && isUp(observeText(context, id, state))
}

/** What can't be read must not hide the others. */
function trySummary(context: Context, { record, state, health }: ListedContainer): ContainerSummary | undefined {
  try {
    return summaryOf(record, observeText(context, record.id, state), health)
  } catch (error) {
    tellLeftOut(context, record.id, error)
    return undefined
  }
}

/** Whether a container has this name or ID. */
export function containerExists(context: Context, nameOrId: string): boolean {
  const id = idOf(context, nameOrId)
  return id !== undefined && readRecord(context, id) !== undefined
}

function summaryOf(record: ListedRecord, seen: Observed, healthText: string | undefined): ContainerSummary {
  const { spec } = record
  const { state } = seen
  const exitCode = exitCodeOf(seen)
  const health = healthStatusOf(record, seen, () => healthText)
  return {
    id: record.id,
    name: record.name,
    image: spec.image.name === '' ? (spec.rootfs?.path ?? '') : spec.image.name,
    imageId: spec.image.id,
    command: [...spec.entrypoint, ...spec.command],
    created: new Date(record.created),
    status: seen.status,
    ...(state?.startedAt === undefined || state.startedAt === '' ? {} : { startedAt: new Date(state.startedAt) }),
    ...(state?.finishedAt === undefined || state.finishedAt === '' ? {} : { finishedAt: new Date(state.finishedAt) }),
    ...(exitCode === undefined ? {} : { exitCode }),
    pid: seen.pid,
    ports: publishedPorts(record),
    exposed: spec.expose,
    labels: spec.labels,
    mounts: spec.mounts.map((mount) => mount.target),
    networks: spec.network.mode === 'bridge' ? spec.network.networks : [],
    restarts: state?.restartCount ?? 0,
    ...(health === undefined ? {} : { health }),
    autoRemove: spec.remove,
  }
}

export function publishedPorts({ spec }: ListedRecord): PublishedPort[] {
  return spec.publish.map((port) => ({
    hostIp: port.hostIp ?? '0.0.0.0',
    hostPort: port.hostPort ?? 0,
    containerPort: port.containerPort,
    range: port.range,
    protocol: port.protocol,
  }))
}

/** Bytes of a container's own layer, and with its image's. What may not be read is not counted. */
export function sizeOf(context: Context, record: ListedRecord): { writable: number; virtual: number } {
  const writable = treeSize(join(containerPaths(context.paths, record.id).folder, 'upper'))
  const layers = record.spec.image.layers.map((diffId) =>
    treeSize(join(context.paths.layers, diffId.slice(diffId.indexOf(':') + 1), 'diff')),
  )
  return { writable, virtual: layers.reduce((sum, size) => sum + size, writable) }
}

function treeSize(path: string): number {
  let size = 0
  for (const entry of entriesOf(path)) {
    const below = join(path, entry)
    const stat = lstatSync(below, { throwIfNoEntry: false })
    if (stat) size += stat.isDirectory() ? treeSize(below) : stat.size
  }
  return size
}

function entriesOf(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    /* Another id's folder, or none. */
    return []
  }
}

/** The container made last. */
export function latestContainer(context: Context): ContainerRecord {
  const latest = listRecords(context).at(-1)
  if (latest) return latest
  throw new TspodError('no-such-container', 'no containers to act on')
}
