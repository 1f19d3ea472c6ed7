import { statSync } from 'node:fs'
import { join } from 'node:path'
import { hostMapping } from '../../../rootless/ladder.js'
import { measureTrees } from '../../storage/measure.js'
import type { BuildCacheEntry } from '../builds/options.js'
import { cacheUsage } from '../builds/usage.js'
import { listContainers } from '../containers/query.js'
import { listRecords } from '../containers/store.js'
import { volumeNames } from '../containers/remove.js'
import type { ContainerSummary } from '../containers/types.js'
import type { Context } from '../context.js'
import { listImages } from '../images/query.js'
import type { ImageSummary } from '../images/types.js'
import { volumesOf } from '../volumes.js'

/** What takes how much of the disk, and how much of that nobody uses. Sizes are bytes. */
export interface DiskUsage {
  readonly images: DiskUsageOf<ImageSummary>
  readonly containers: DiskUsageOf<ContainerSummary>
  readonly volumes: DiskUsageOf<{ readonly name: string; readonly links: number; readonly size: number }>
  /** What steps have made that no image has, and cache mounts. */
  readonly builds: DiskUsageOf<BuildCacheEntry>
}

export interface DiskUsageOf<T> {
  readonly items: readonly T[]
  readonly active: number
  readonly size: number
  readonly reclaimable: number
}

export async function diskUsage(context: Context): Promise<DiskUsage> {
  const [images, containers, volumes, builds] = await Promise.all([
    imageUsage(context),
    containerUsage(context),
    volumeUsage(context),
    buildUsage(context),
  ])
  return { images, containers, volumes, builds }
}

async function buildUsage(context: Context): Promise<DiskUsage['builds']> {
  const items = await cacheUsage(context)
  const sum = (some: readonly BuildCacheEntry[]): number => some.reduce((total, { size }) => total + size, 0)
  const active = items.filter(({ inUse }) => inUse)
  return { items, active: active.length, size: sum(items), reclaimable: sum(items) - sum(active) }
}

/** Blobs and layers as they lie on the disk: what images share is there once. */
async function imageUsage(context: Context): Promise<DiskUsage['images']> {
  const items = await listImages(context)
  const { images, layers } = context.paths
  const size = await measure([images, layers])
  const unused = items.filter(({ containers }) => containers === 0)
  const reclaimable =
    unused.length === items.length ? size : unused.reduce((sum, image) => sum + image.size - image.sharedSize, 0)
  return { items, active: items.length - unused.length, size, reclaimable: Math.min(size, reclaimable) }
}

async function containerUsage(context: Context): Promise<DiskUsage['containers']> {
  const items = await listContainers(context, { all: true, size: true })
  const isActive = ({ status }: ContainerSummary): boolean => status === 'running' || status === 'paused'
  const sum = (some: readonly ContainerSummary[]): number =>
    some.reduce((total, { size }) => total + (size?.writable ?? 0), 0)
  return {
    items,
    active: items.filter(isActive).length,
    size: sum(items),
    reclaimable: sum(items.filter((container) => !isActive(container))),
  }
}

async function volumeUsage(context: Context): Promise<DiskUsage['volumes']> {
  const volumes = volumesOf(context)
  const used = listRecords(context).flatMap(volumeNames)
  const items: { name: string; links: number; size: number }[] = []
  for (const { name } of volumes.list((broken) => context.log('warn', `volume ${broken} is left out`))) {
    const links = used.filter((other) => other === name).length
    items.push({ name, links, size: await measure([join(volumes.folder(name), '_data')]) })
  }
  const sum = (some: typeof items): number => some.reduce((total, { size }) => total + size, 0)
  const unused = items.filter(({ links }) => links === 0)
  return { items, active: items.length - unused.length, size: sum(items), reclaimable: sum(unused) }
}

/** By the user namespace's root: containers' files are other ids'. */
export async function measure(paths: readonly string[]): Promise<number> {
  const present = paths.filter((path) => statSync(path, { throwIfNoEntry: false }) !== undefined)
  if (present.length === 0) return 0
  return (await measureTrees(present, (await hostMapping()).plan)).bytes
}
