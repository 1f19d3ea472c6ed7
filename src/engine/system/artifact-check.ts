import { join } from 'node:path'
import type { Digest } from '../../oci/image-spec.js'
import { exists } from '../../state/file.js'
import type { ImageStore, IndexEntry } from '../../storage/images.js'
import { artifactStore, collectArtifacts, manifestOf } from '../artifacts/store.js'
import type { Context } from '../context.js'
import { splitName } from '../images/lookup.js'
import { BlobCheck, messageOf, type StoreCheckOptions, type StoreDamage } from './damage.js'

/** Artifacts have no layers that are unpacked: every blob has to be there. */
export async function checkArtifacts(context: Context, options: StoreCheckOptions): Promise<StoreDamage[]> {
  if (!exists(join(context.paths.graphroot, 'artifacts'))) return []
  const store = artifactStore(context)
  const check = new BlobCheck(store, options.quick === true)
  const damages: StoreDamage[] = []
  const broken: Digest[] = []
  for (const entry of distinct(store.entries())) {
    const problem = await artifactProblem(store, entry, check)
    if (problem === undefined) continue
    broken.push(entry.manifest)
    damages.push({
      kind: 'artifact',
      name: entry.name ?? entry.manifest,
      problem,
      repaired: options.repair === true,
    })
  }
  if (options.repair !== true) return damages
  check.removeBroken()
  await repairArtifacts(context, store, broken)
  await collectArtifacts(store)
  return damages
}

/** What a registry still has is fetched from there, by its digest; what cannot be whole again goes. */
async function repairArtifacts(context: Context, store: ImageStore, broken: readonly Digest[]): Promise<void> {
  for (const manifest of broken) {
    const own = store.entries().filter((entry) => entry.manifest === manifest)
    const fetched = await refetch(context, own)
    /* The pull has named it by its digest. */
    await store.update((entries) => {
      const others = entries.filter((entry) => entry.manifest !== manifest)
      return { entries: fetched ? [...others, ...own] : others, result: undefined }
    })
  }
}

async function refetch(context: Context, own: readonly IndexEntry[]): Promise<boolean> {
  for (const { name = '', manifest } of own) {
    const { repository } = splitName(name)
    if (repository === '' || repository.startsWith('localhost/')) continue
    try {
      const { pullArtifact } = await import('../artifacts/transfer.js')
      await pullArtifact(context, `${repository}@${manifest}`)
      return true
    } catch (error) {
      context.log('warn', `${name} cannot be fetched again: ${messageOf(error)}`)
    }
  }
  return false
}

async function artifactProblem(store: ImageStore, entry: IndexEntry, check: BlobCheck): Promise<string | undefined> {
  try {
    const manifest = await check.partProblem('manifest', entry.manifest, entry.size)
    if (manifest !== undefined) return manifest
    const { config, layers } = manifestOf(store, entry)
    for (const { digest, size } of [config, ...layers]) {
      const problem = await check.partProblem('blob', digest, size)
      if (problem !== undefined) return problem
    }
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

function distinct(entries: readonly IndexEntry[]): readonly IndexEntry[] {
  return [...new Map(entries.map((entry) => [entry.manifest, entry])).values()]
}
