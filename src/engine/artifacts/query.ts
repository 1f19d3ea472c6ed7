import { TspodError } from '../../base/errors.js'
import type { Digest } from '../../oci/image-spec.js'
import type { Context } from '../context.js'
import { artifactStore, collectArtifacts, findArtifact, manifestOf } from './store.js'
import type { ArtifactInspection, ArtifactSummary } from './types.js'

/** Every artifact; one that cannot be read is told and left out. */
export function listArtifacts(context: Context): ArtifactSummary[] {
  const store = artifactStore(context)
  return store.entries().flatMap((entry) => {
    try {
      const { layers } = manifestOf(store, entry)
      const size = layers.reduce((sum, layer) => sum + layer.size, 0)
      return [{ name: entry.name ?? '', digest: entry.manifest, size }]
    } catch (error) {
      context.log('warn', `artifact ${entry.name ?? entry.manifest} cannot be read: ${(error as Error).message}`)
      return []
    }
  })
}

export function inspectArtifact(context: Context, name: string): ArtifactInspection {
  const store = artifactStore(context)
  const { entry } = findArtifact(store, name)
  const Manifest = JSON.parse(store.readBlob(entry.manifest).toString('utf8')) as object
  return { Manifest, Name: entry.name ?? '', Digest: entry.manifest }
}

/** Takes an artifact's name away, and its files with it unless another has them; answers its digest. */
export async function removeArtifact(context: Context, name: string): Promise<Digest> {
  const store = artifactStore(context)
  const { entry } = findArtifact(store, name)
  const isGone = await store.update((entries) => {
    const left = entries.filter((one) => one.name !== entry.name || one.manifest !== entry.manifest)
    return { entries: left, result: left.length === entries.length }
  })
  if (isGone) throw new TspodError('no-such-image', `no artifact found with name or digest of ${name}`)
  await collectArtifacts(store)
  return entry.manifest
}

/** All of them; answers their digests. */
export async function removeAllArtifacts(context: Context): Promise<Digest[]> {
  const store = artifactStore(context)
  const digests = await store.update((entries) => ({ entries: [], result: entries.map(({ manifest }) => manifest) }))
  await collectArtifacts(store)
  return [...new Set(digests)]
}
