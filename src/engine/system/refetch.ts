import { digestOfEntry } from '../../storage/image-index.js'
import type { ImageStore, IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'
import { splitName } from '../images/lookup.js'

/**
 * Fetches what is missing of an image from the registries that its names say, by its digest: what is there stays, and does not
 * travel again. False if no registry gives it. `entries`: all that the index has of it; they are the same afterwards.
 */
export async function refetchImage(
  context: Context,
  store: ImageStore,
  entries: readonly IndexEntry[],
): Promise<boolean> {
  for (const entry of entries) {
    const { repository } = splitName(entry.name ?? '')
    if (repository === '' || repository.startsWith('localhost/')) continue
    try {
      const { pullImage } = await import('../images/pull.js')
      await pullImage(context, `${repository}@${digestOfEntry(entry)}`, { policy: 'always' })
      await keepEntries(store, entries)
      return true
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      context.log('warn', `${entry.name ?? repository} cannot be fetched again: ${why}`)
    }
  }
  return false
}

/** The pull has added a name with a digest. */
async function keepEntries(store: ImageStore, entries: readonly IndexEntry[]): Promise<void> {
  const manifests = new Set(entries.map(({ manifest }) => manifest))
  await store.update((current) => ({
    entries: [...current.filter(({ manifest }) => !manifests.has(manifest)), ...entries],
    result: undefined,
  }))
}
