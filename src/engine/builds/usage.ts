import { basename, join } from 'node:path'
import { hostMapping } from '../../../rootless/ladder.js'
import type { StepRecord } from '../../build/cache-record.js'
import { namesIn } from '../../state/collection.js'
import { measureTrees } from '../../storage/measure.js'
import { imageDiffIds } from '../images/collect.js'
import type { Context } from '../context.js'
import { cacheMountData, cacheMountsFolder, isCacheMountUsed, readCacheMount } from './cache-mount.js'
import type { BuildCacheEntry } from './options.js'
import { StepStore } from './step-store.js'

/** What the build cache holds, what was used last first. */
export async function cacheUsage(context: Context): Promise<BuildCacheEntry[]> {
  const shared = await imageDiffIds(context)
  const steps = new StepStore(context.paths).list()
  const counted = new Set<string>()
  const entries = steps.map((record) => stepEntry(record, shared, counted))
  for (const name of namesIn(cacheMountsFolder(context.paths))) {
    const entry = await mountEntry(join(cacheMountsFolder(context.paths), name))
    if (entry !== undefined) entries.push(entry)
  }
  return entries.sort((one, other) => other.lastUsed.getTime() - one.lastUsed.getTime())
}

/** A layer that several steps have made counts once. */
function stepEntry(record: StepRecord, shared: ReadonlySet<string>, counted: Set<string>): BuildCacheEntry {
  const { key, layer, description, created, lastUsed, uses } = record
  const isShared = layer !== undefined && shared.has(layer.diffId)
  const isCounted = layer === undefined || counted.has(layer.diffId)
  if (layer !== undefined) counted.add(layer.diffId)
  return {
    id: key.slice(0, 25),
    type: 'step',
    description,
    created: new Date(created),
    lastUsed: new Date(lastUsed),
    uses,
    size: isShared || isCounted ? 0 : layer.uncompressedSize,
    inUse: false,
    shared: isShared,
  }
}

async function mountEntry(folder: string): Promise<BuildCacheEntry | undefined> {
  const record = readCacheMount(folder)
  if (record === undefined) return undefined
  const { plan } = await hostMapping()
  const { bytes } = await measureTrees(cacheMountData(folder), plan)
  return {
    id: basename(folder),
    type: 'mount',
    description: `cache mount ${record.id}`,
    created: new Date(record.created),
    lastUsed: new Date(record.lastUsed),
    uses: record.uses,
    size: bytes,
    inUse: isCacheMountUsed(folder),
    shared: false,
  }
}
