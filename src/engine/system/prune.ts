import { pruneContainers } from '../containers/prune.js'
import { pruneCache } from '../builds/prune.js'
import type { Context } from '../context.js'
import { pruneImages } from '../images/remove.js'
import { pruneVolumes } from '../volumes/remove.js'
import { measure } from './df.js'

export interface SystemPruneOptions {
  /** All images that no container uses, whatever their names. */
  readonly all?: boolean
  readonly volumes?: boolean
  readonly filters?: readonly string[]
}

export interface SystemPruned {
  readonly containers: readonly string[]
  readonly images: readonly string[]
  readonly volumes: readonly string[]
  /** IDs in the build cache. */
  readonly builds: readonly string[]
  readonly reclaimedBytes: number
}

/** Removes what nobody uses: containers first, since they hold the rest. */
export async function pruneSystem(context: Context, options: SystemPruneOptions = {}): Promise<SystemPruned> {
  const filters = options.filters ?? []
  const { graphroot } = context.paths
  const before = await measure([graphroot])
  const containers = await pruneContainers(context, filters)
  const images = await pruneImages(context, { all: options.all === true, filters })
  /* After the images, since it is they that share its layers. */
  const builds = filters.length === 0 ? (await pruneCache(context, { all: options.all === true })).removed : []
  const volumes = options.volumes === true ? await pruneVolumes(context, labelFilters(filters)) : []
  const after = await measure([graphroot])
  return { containers, images, volumes, builds, reclaimedBytes: Math.max(0, before - after) }
}

/** `until` is no filter of volumes. */
function labelFilters(filters: readonly string[]): string[] {
  return filters.filter((filter) => filter.startsWith('label'))
}
