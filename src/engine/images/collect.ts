import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { digestHex } from '../../base/digest.js'
import { parseManifest } from '../../image/manifest.js'
import { mediaTypes, type Descriptor, type Digest } from '../../oci/image-spec.js'
import { exists, removeFile } from '../../state/file.js'
import { ImageStore, type IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'
import { StepStore } from '../builds/step-store.js'
import { listRecords } from '../containers/store.js'
import { removeLayersExcept } from './layers.js'
import { recordOf } from './record.js'

/**
 * Runs an operation that brings blobs into the store. If it fails, what it brought goes again. What a killed one has left
 * whole is there for this one to take up; what is nobody's after it goes.
 */
export async function withLease<T>(context: Context, run: () => Promise<T>): Promise<T> {
  const store = new ImageStore(context.paths)
  const wasInterrupted = store.sweep()
  const lease = await store.lease()
  let failed = true
  try {
    const result = await run()
    failed = false
    return result
  } finally {
    lease[Symbol.dispose]()
    /* What the operation says is what counts; the rests go with the next collection if not with this one. */
    if (failed || wasInterrupted) {
      await collectEverything(context).catch((why: unknown) =>
        context.log('debug', `collecting garbage: ${String(why)}`),
      )
    }
  }
}

/** Whose the half-made blobs and leases in tmp/ were is not to be seen: an artifact's, too. */
async function collectEverything(context: Context): Promise<void> {
  await collectGarbage(context)
  const { artifactStore, collectArtifacts } = await import('../artifacts/store.js')
  await collectArtifacts(artifactStore(context))
}

/** Removes blobs, records and unpacked layers that nothing reaches. Does nothing while somebody is pulling. */
export async function collectGarbage(context: Context): Promise<void> {
  const store = new ImageStore(context.paths)
  await store.collect(
    async (entries) => withBuildCache(context, await reach(context, store, entries)),
    async ({ manifests, diffIds }) => {
      removeRecords(context, manifests)
      await removeLayersExcept(context, new Set([...diffIds, ...layersOfContainers(context)]))
    },
  )
}

/** The DiffIDs of every image, every container and the build cache: what may not be removed. */
export async function liveDiffIds(context: Context): Promise<ReadonlySet<Digest>> {
  const store = new ImageStore(context.paths)
  const { diffIds } = withBuildCache(context, await reach(context, store, store.entries()))
  return new Set([...diffIds, ...layersOfContainers(context)])
}

/** The DiffIDs of every image and every container. */
export async function imageDiffIds(context: Context): Promise<ReadonlySet<Digest>> {
  const store = new ImageStore(context.paths)
  const { diffIds } = await reach(context, store, store.entries())
  return new Set([...diffIds, ...layersOfContainers(context)])
}

/** What steps of builds have made stays for builds to come, until `build prune`. */
function withBuildCache(context: Context, { blobs, diffIds, manifests }: Reached): Reached {
  const layers = new StepStore(context.paths).list().flatMap(({ layer }) => layer ?? [])
  return {
    blobs: new Set([...blobs, ...layers.map(({ blob }) => blob.digest)]),
    diffIds: new Set([...diffIds, ...layers.map(({ diffId }) => diffId)]),
    manifests,
  }
}

interface Reached {
  readonly blobs: ReadonlySet<string>
  readonly diffIds: ReadonlySet<Digest>
  readonly manifests: ReadonlySet<Digest>
}

async function reach(context: Context, store: ImageStore, entries: readonly IndexEntry[]): Promise<Reached> {
  const blobs = new Set<string>()
  const diffIds = new Set<Digest>()
  const manifests = new Set(entries.flatMap((entry) => [entry.manifest, ...imagesOfList(store, entry)]))
  for (const manifest of manifests) {
    /* An image that cannot be read stops the collection: its parts are unknown. */
    const record = await recordOf(context, store, manifest)
    for (const digest of [manifest, record.id, ...record.layers.map((layer) => layer.digest)]) blobs.add(digest)
    for (const digest of indexMembers(store, manifest, record.mediaType)) blobs.add(digest)
    for (const diffId of record.diffIds) diffIds.add(diffId)
  }
  for (const { original, signatures } of entries)
    for (const digest of [original, signatures]) if (digest !== undefined) blobs.add(digest)
  return { blobs, diffIds, manifests }
}

/** The images of a list that are here. */
function imagesOfList(store: ImageStore, { manifest, mediaType }: IndexEntry): readonly Digest[] {
  if (!/index|list/.test(mediaType)) return []
  const parsed = parseManifest(store.readBlob(manifest), mediaType)
  if (parsed.kind !== 'index') return []
  return parsed.index.manifests.filter((one) => isImage(one) && store.hasBlob(one.digest)).map((one) => one.digest)
}

function isImage({ mediaType, artifactType, annotations }: Descriptor): boolean {
  /* BuildKit's and our own statements about an image look like one, but for their layers. */
  if (artifactType !== undefined || annotations?.['vnd.docker.reference.type'] !== undefined) return false
  return mediaType === mediaTypes.ociManifest || mediaType === mediaTypes.dockerManifest
}

/** What a list reaches besides, such as what is no image. */
function indexMembers(store: ImageStore, digest: Digest, mediaType: string): readonly Digest[] {
  if (!/index|list/.test(mediaType)) return []
  const text = store.readBlob(digest).toString('utf8')
  return [...text.matchAll(/"(sha256:[0-9a-f]{64})"/g)].flatMap((match) => {
    const member = match[1] as Digest
    if (!store.hasBlob(member)) return []
    const inner = store.readBlob(member).toString('utf8')
    return [member, ...[...inner.matchAll(/"(sha256:[0-9a-f]{64})"/g)].map((one) => one[1] as Digest)]
  })
}

function layersOfContainers(context: Context): readonly Digest[] {
  return listRecords(context).flatMap((record) => record.spec.image.layers as readonly Digest[])
}

function removeRecords(context: Context, manifests: ReadonlySet<Digest>): void {
  const folder = join(context.paths.cache, 'images')
  if (!exists(folder)) return
  const kept = new Set([...manifests].map((manifest) => `${digestHex(manifest)}.json`))
  for (const name of readdirSync(folder)) if (!kept.has(name)) removeFile(join(folder, name))
}
