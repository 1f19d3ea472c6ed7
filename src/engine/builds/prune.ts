import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { momentOf, parseMoment } from '../../base/moment.js'
import { exists } from '../../state/file.js'
import { removeTree } from '../containers/trees.js'
import { collectGarbage } from '../images/collect.js'
import type { Context } from '../context.js'
import { cacheMountsFolder } from './cache-mount.js'
import type { BuildCacheEntry, BuildPruned, BuildPruneOptions } from './options.js'
import { StepStore } from './step-store.js'
import { cacheUsage } from './usage.js'
import { sweepBuilds } from './workspace.js'

/**
 * Removes what is in the build cache: steps whose layers no image has, with `all` every step and every cache mount. What a
 * step is using stays.
 */
export async function pruneCache(context: Context, options: BuildPruneOptions = {}): Promise<BuildPruned> {
  await sweepBuilds(context)
  const test = filterOf(options.filters ?? [], context.clock())
  const candidates = (await cacheUsage(context)).filter(
    (entry) => !entry.inUse && (options.all === true || (entry.type === 'step' && !entry.shared)) && test(entry),
  )
  const chosen = options.keepStorage === undefined ? candidates : beyond(candidates, options.keepStorage)
  const steps = new StepStore(context.paths)
  const keys = new Map(steps.list().map(({ key }) => [key.slice(0, 25), key]))
  for (const { id, type } of chosen) {
    const key = keys.get(id)
    if (type === 'mount') await removeMount(context, id)
    else if (key !== undefined) steps.remove(key)
  }
  await collectGarbage(context)
  return { removed: chosen.map(({ id }) => id), reclaimed: chosen.reduce((sum, { size }) => sum + size, 0) }
}

/** All but what was used last, up to so many bytes. */
function beyond(entries: readonly BuildCacheEntry[], keep: number): readonly BuildCacheEntry[] {
  let kept = 0
  return entries.filter(({ size }) => {
    kept += size
    return kept > keep
  })
}

async function removeMount(context: Context, id: string): Promise<void> {
  const folder = join(cacheMountsFolder(context.paths), id)
  if (exists(folder)) await removeTree(context, folder)
}

type Test = (entry: BuildCacheEntry) => boolean

function filterOf(filters: readonly string[], now: Date): Test {
  const tests = filters.map((text): Test => {
    const equals = text.indexOf('=')
    const [key, value] = equals === -1 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)]
    switch (key) {
      case 'until':
      case 'unused-for': {
        const before = parseMoment(value, now)
        return ({ lastUsed }) => momentOf(lastUsed) < before
      }
      case 'id':
        return ({ id }) => id.startsWith(value)
      case 'type':
        return ({ type }) => type === value || (type === 'mount' && value === 'exec.cachemount')
      default:
        throw new TspodError('invalid-argument', `"${key}" is not a filter of the build cache: until, id, type`)
    }
  })
  return (entry) => tests.every((test) => test(entry))
}
