import type { Digest } from '../../oci/image-spec.js'
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

/** The pull has added a name with a digest, and brought the signatures that there are. */
async function keepEntries(store: ImageStore, entries: readonly IndexEntry[]): Promise<void> {
  const manifests = new Set(entries.map(({ manifest }) => manifest))
  await store.update((current) => {
    const pulled = current.find(({ manifest, signatures }) => manifests.has(manifest) && isHere(store, signatures))
    return {
      entries: [
        ...current.filter(({ manifest }) => !manifests.has(manifest)),
        ...entries.map((entry) => withSignatures(entry, isHere(store, entry.signatures) ? entry : pulled)),
      ],
      result: undefined,
    }
  })
}

/** Takes away what the index says of signatures that are lost: without them the image is whole. */
export async function forgetLostSignatures(store: ImageStore): Promise<void> {
  await store.update((entries) => ({
    entries: entries.map((entry) => (isHere(store, entry.signatures) ? entry : withSignatures(entry, undefined))),
    result: undefined,
  }))
}

function isHere(store: ImageStore, signatures: Digest | undefined): boolean {
  return signatures !== undefined && store.hasBlob(signatures)
}

function withSignatures(entry: IndexEntry, from: IndexEntry | undefined): IndexEntry {
  const { signatures: _, ...rest } = entry
  return from?.signatures === undefined ? rest : { ...rest, signatures: from.signatures }
}
