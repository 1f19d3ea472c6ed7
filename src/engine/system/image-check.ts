import { join } from 'node:path'
import { digestHex } from '../../base/digest.js'
import type { Digest } from '../../oci/image-spec.js'
import { exists } from '../../state/file.js'
import { ImageStore, type IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'
import { collectGarbage } from '../images/collect.js'
import { recordOf } from '../images/record.js'
import { BlobCheck, messageOf, type StoreCheckOptions, type StoreDamage } from './damage.js'
import { forgetLostSignatures, refetchImage } from './refetch.js'

export async function checkImages(context: Context, options: StoreCheckOptions): Promise<StoreDamage[]> {
  const store = new ImageStore(context.paths)
  const damages: StoreDamage[] = []
  const check = new BlobCheck(store, options.quick === true)
  const entries = store.entries()
  const broken: Digest[] = []
  for (const manifest of new Set(entries.map((entry) => entry.manifest))) {
    const own = entries.filter((entry) => entry.manifest === manifest)
    const problem = (await imageProblem(context, store, manifest, check)) ?? (await signatureProblem(own, check))
    if (problem === undefined) continue
    broken.push(manifest)
    damages.push({ kind: 'image', name: own[0]?.name ?? manifest, problem, repaired: options.repair === true })
  }
  if (options.repair !== true || broken.length === 0) return damages
  check.removeBroken()
  await repairImages(context, store, broken)
  return damages
}

/** What a registry still has is fetched from there, and only that; an image that cannot be whole again goes. */
async function repairImages(context: Context, store: ImageStore, broken: readonly Digest[]): Promise<void> {
  const lost = new Set<Digest>()
  for (const manifest of broken) {
    const own = store.entries().filter((entry) => entry.manifest === manifest)
    /* One before may have brought what this one shares with it. */
    const isWhole = await hasAllParts(context, store, manifest)
    if (isWhole && own.every(({ signatures }) => signatures === undefined || store.hasBlob(signatures))) continue
    if (!(await refetchImage(context, store, own)) && !isWhole) lost.add(manifest)
  }
  await forgetLostSignatures(store)
  if (lost.size === 0) return
  await store.update((current) => ({
    entries: current.filter((entry) => !lost.has(entry.manifest)),
    result: undefined,
  }))
  await collectGarbage(context)
}

async function hasAllParts(context: Context, store: ImageStore, manifest: Digest): Promise<boolean> {
  try {
    const { id, layers } = await recordOf(context, store, manifest)
    return [manifest, id, ...layers.map(({ digest }) => digest)].every((digest) => store.hasBlob(digest))
  } catch {
    return false
  }
}

/** Its parts must be there and be what their digests say; a layer that is unpacked needs no blob. */
async function imageProblem(
  context: Context,
  store: ImageStore,
  manifest: Digest,
  check: BlobCheck,
): Promise<string | undefined> {
  try {
    const problem = await check.problem(manifest)
    if (problem !== undefined) return problem
    const record = await recordOf(context, store, manifest)
    const config = await check.partProblem('configuration', record.id)
    if (config !== undefined) return config
    for (const [index, { digest, size }] of record.layers.entries()) {
      const diffId = record.diffIds[index]
      const isUnpacked = diffId !== undefined && exists(join(context.paths.layers, digestHex(diffId), 'diff'))
      if (!store.hasBlob(digest, size) && !isUnpacked) return `its layer ${digest} is missing`
      const layer = store.hasBlob(digest) ? await check.problem(digest) : undefined
      if (layer !== undefined) return layer
    }
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

async function signatureProblem(own: readonly IndexEntry[], check: BlobCheck): Promise<string | undefined> {
  for (const { signatures } of own) {
    const problem = signatures === undefined ? undefined : await check.partProblem('set of signatures', signatures)
    if (problem !== undefined) return problem
  }
  return undefined
}
