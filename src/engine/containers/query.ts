import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { ContainerRecord } from '../../container/record.js'
import type { Context } from '../context.js'
import { compileFilters } from './filters.js'
import { healthStatus } from './health.js'
import { exitCodeOf, observe, type Observed } from './observe.js'
import { containerPaths, idOf, listRecords, readRecord } from './store.js'
import type { ContainerSummary, ListOptions, PublishedPort } from './types.js'

/** The containers, the newest first: those that run, or all. */
export async function listContainers(context: Context, options: ListOptions = {}): Promise<ContainerSummary[]> {
  const { sweep } = await import('./sweep.js')
  await sweep(context)
  const filters = compileFilters(options.filters ?? [], { context, now: context.clock() })
  const everything = options.all === true || options.last !== undefined || filters.namesStatus
  const records = listRecords(context).reverse()
  const chosen = options.last === undefined || options.last < 0 ? records : records.slice(0, options.last)
  const result: ContainerSummary[] = []
  for (const record of chosen) {
    const summary = trySummary(context, record)
    if (!summary) continue
    if (!everything && summary.status !== 'running' && summary.status !== 'paused') continue
    if (!filters.matches(summary, record)) continue
    result.push(options.size === true ? { ...summary, size: sizeOf(context, record) } : summary)
  }
  return result
}

/** One that is being removed while we look is not there. */
function trySummary(context: Context, record: ContainerRecord): ContainerSummary | undefined {
  try {
    const seen = observe(context, record.id)
    const health = healthStatus(context, record, seen)
    return { ...summaryOf(record, seen), ...(health === undefined ? {} : { health }) }
  } catch (error) {
    context.log(
      'warn',
      `container ${record.name} is left out: ${error instanceof Error ? error.message : String(error)}`,
    )
    return undefined
  }
}

/** Whether a container has this name or ID. */
export function containerExists(context: Context, nameOrId: string): boolean {
  const id = idOf(context, nameOrId)
  return id !== undefined && readRecord(context, id) !== undefined
}

export function summaryOf(record: ContainerRecord, seen: Observed): ContainerSummary {
  const { spec } = record
  const { state } = seen
  const exitCode = exitCodeOf(seen)
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
    autoRemove: spec.remove,
  }
}

export function publishedPorts({ spec }: ContainerRecord): PublishedPort[] {
  return spec.publish.map((port) => ({
    hostIp: port.hostIp ?? '0.0.0.0',
    hostPort: port.hostPort ?? 0,
    containerPort: port.containerPort,
    range: port.range,
    protocol: port.protocol,
  }))
}

/** Bytes of a container's own layer, and with its image's. What may not be read is not counted. */
export function sizeOf(context: Context, record: ContainerRecord): { writable: number; virtual: number } {
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
