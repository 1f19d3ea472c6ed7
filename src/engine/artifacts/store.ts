import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { parseManifest } from '../../image/manifest.js'
import { formatReference, parseFamiliar, parseReference, withDefaultTag } from '../../image/reference.js'
import { mediaTypes, type Digest, type ImageManifest } from '../../oci/image-spec.js'
import { ImageStore, type IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'

/** An artifact of the store. */
export interface StoredArtifact {
  readonly entry: IndexEntry
  readonly manifest: ImageManifest
}

/** The name that an artifact gets: `localhost/` where it names no registry, and a tag. */
export function artifactName(text: string): string {
  const reference = withDefaultTag(parseFamiliar(text))
  return formatReference(reference.domain === '' ? { ...reference, domain: 'localhost' } : reference)
}

/** Artifacts have an OCI image layout of their own: they are no images, and what collects images need not know them. */
export function artifactStore(context: Context): ImageStore {
  return new ImageStore({ images: join(context.paths.graphroot, 'artifacts'), tmp: context.paths.tmp })
}

export function manifestOf(store: ImageStore, entry: Pick<IndexEntry, 'manifest' | 'mediaType'>): ImageManifest {
  const parsed = parseManifest(store.readBlob(entry.manifest), entry.mediaType)
  if (parsed.kind === 'image') return parsed.image
  throw new TspodError('store-corrupt', `${entry.manifest} in the artifact store is an index`)
}

/** By its name, as it was given or as a registry's, or by the beginning of its digest. */
export function findArtifact(store: ImageStore, text: string): StoredArtifact {
  const entries = store.entries()
  const names = namesOf(text)
  const named = entries.find(({ name }) => name !== undefined && names.includes(name))
  const entry = named ?? byDigest(entries, text)
  if (entry === undefined) throw new TspodError('no-such-image', `no artifact found with name or digest of ${text}`)
  return { entry, manifest: manifestOf(store, entry) }
}

/** Gives an artifact its name, which whatever had it loses. */
export async function nameArtifact(store: ImageStore, name: string, digest: Digest, size: number): Promise<void> {
  const entry: IndexEntry = {
    manifest: digest,
    mediaType: mediaTypes.ociManifest,
    size,
    name,
    digests: [],
    history: [],
    annotations: {},
  }
  await store.update((entries) => ({
    entries: [...entries.filter((one) => one.name !== name), entry],
    result: undefined,
  }))
}

/** Runs what brings in blobs; afterwards those that no artifact names go, whether it succeeded or not. */
export async function withArtifactLease<T>(store: ImageStore, run: () => Promise<T>): Promise<T> {
  store.sweep()
  const lease = await store.lease()
  try {
    return await run()
  } finally {
    lease[Symbol.dispose]()
    /* What the operation says is what counts; the rests go with the next collection if not with this one. */
    await collectArtifacts(store).catch(() => undefined)
  }
}

/** Removes the blobs that no artifact names, unless somebody is at work. */
export async function collectArtifacts(store: ImageStore): Promise<void> {
  await store.collect(
    (entries) => {
      const blobs = entries.flatMap((entry) => {
        const { config, layers } = manifestOf(store, entry)
        return [entry.manifest, config.digest, ...layers.map(({ digest }) => digest)]
      })
      return Promise.resolve({ blobs: new Set<string>(blobs) })
    },
    () => Promise.resolve(),
  )
}

function namesOf(text: string): readonly string[] {
  try {
    return [artifactName(text), formatReference(withDefaultTag(parseReference(text)))]
  } catch {
    return [] /* It may still be a digest. */
  }
}

function byDigest(entries: readonly IndexEntry[], text: string): IndexEntry | undefined {
  const prefix = text.replace(/^sha256:/, '')
  if (!/^[0-9a-f]{2,64}$/.test(prefix)) return undefined
  const found = entries.filter(({ manifest }) => manifest.startsWith(`sha256:${prefix}`))
  if (new Set(found.map(({ manifest }) => manifest)).size > 1)
    throw new TspodError('ambiguous-name', `the digest ${text} is the beginning of more than one artifact's`)
  return found[0]
}
