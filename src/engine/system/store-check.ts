import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { isId } from '../../base/id.js'
import { digestHex } from '../../base/digest.js'
import { TspodError } from '../../base/errors.js'
import type { Digest } from '../../oci/image-spec.js'
import { namesIn } from '../../state/collection.js'
import { exists, readJson, removeFile } from '../../state/file.js'
import { ImageStore, type IndexEntry } from '../../storage/images.js'
import { saveStateAgain } from '../containers/by-monitor.js'
import { observe } from '../containers/observe.js'
import { removeContainer } from '../containers/remove.js'
import { containerPaths, idOfName, readRecord } from '../containers/store.js'
import { sweepAll } from '../containers/sweep.js'
import type { Context } from '../context.js'
import { collectGarbage } from '../images/collect.js'
import { recordOf } from '../images/record.js'
import { refetchImage } from './refetch.js'
import { volumesOf } from '../volumes.js'

export interface StoreCheckOptions {
  /** Takes away what is damaged of images and names. */
  readonly repair?: boolean
  /** With `repair`: damaged containers too, and their changes with them. */
  readonly force?: boolean
  /** Does not read the contents of blobs. */
  readonly quick?: boolean
}

export interface StoreDamage {
  readonly kind: 'container' | 'image' | 'name' | 'volume'
  readonly name: string
  readonly problem: string
  readonly repaired: boolean
}

/** Looks at every record, name, image and blob of the store. What is damaged is told, and with `repair` taken away. */
export async function checkStore(context: Context, options: StoreCheckOptions = {}): Promise<StoreDamage[]> {
  if (options.repair === true) await sweepAll(context)
  return [
    ...(await checkContainers(context, options)),
    ...checkNames(context, options),
    ...(await checkImages(context, options)),
    ...checkVolumes(context),
  ]
}

async function checkContainers(context: Context, options: StoreCheckOptions): Promise<StoreDamage[]> {
  const damages: StoreDamage[] = []
  for (const id of namesIn(context.paths.containers).filter(isId)) {
    const problem = problemOf(() => {
      const record = readRecord(context, id)
      if (record === undefined) throw new TspodError('store-corrupt', 'it has no record')
      if (record.id !== id) throw new TspodError('store-corrupt', `its record is of container ${record.id}`)
      observe(context, id)
      for (const diffId of record.spec.image.layers)
        if (!exists(join(context.paths.layers, digestHex(diffId as Digest), 'diff')))
          throw new TspodError('store-corrupt', `the layer ${diffId} of its image is missing`)
    })
    if (problem === undefined) continue
    const repaired = options.repair === true && (await repairContainer(context, id, options.force === true))
    damages.push({ kind: 'container', name: id, problem, repaired })
  }
  return damages
}

/** What was observed and what was changed can be done without; the record can't. */
async function repairContainer(context: Context, id: string, force: boolean): Promise<boolean> {
  const paths = containerPaths(context.paths, id)
  if (problemOf(() => observe(context, id)) !== undefined) await saveStateAgain(context, id)
  for (const file of [paths.state, paths.changes, paths.health])
    if (problemOf(() => readJson(file)) !== undefined) removeFile(file)
  const isSound = problemOf(() => {
    if (readRecord(context, id) === undefined) throw new TspodError('store-corrupt', 'no record')
    observe(context, id)
  })
  if (isSound === undefined) return true
  if (!force) return false
  await removeContainer(context, id, { force: true, depend: true, volumes: true })
  return true
}

/** A name is a symbolic link to the ID of a container that is called so. */
function checkNames(context: Context, options: StoreCheckOptions): StoreDamage[] {
  return namesIn(context.paths.names).flatMap((name): StoreDamage[] => {
    const id = idOfName(context, name)
    const problem = id === undefined ? 'it is no link to a container' : wrongName(context, id, name)
    if (problem === undefined) return []
    if (options.repair === true) removeFile(join(context.paths.names, name))
    return [{ kind: 'name', name, problem, repaired: options.repair === true }]
  })
}

function wrongName(context: Context, id: string, name: string): string | undefined {
  if (!exists(containerPaths(context.paths, id).folder)) return `there is no container ${id}`
  try {
    const called = readRecord(context, id)?.name
    return called === undefined || called === name ? undefined : `container ${id} is called ${called}`
  } catch {
    return undefined // told already, of the container
  }
}

async function checkImages(context: Context, options: StoreCheckOptions): Promise<StoreDamage[]> {
  const store = new ImageStore(context.paths)
  const damages: StoreDamage[] = []
  const verified = new Map<Digest, string | undefined>()
  const entries = store.entries()
  const broken: Digest[] = []
  for (const manifest of new Set(entries.map((entry) => entry.manifest))) {
    const problem = await imageProblem(context, store, manifest, { quick: options.quick === true, verified })
    if (problem === undefined) continue
    broken.push(manifest)
    damages.push({ kind: 'image', name: nameOf(entries, manifest), problem, repaired: options.repair === true })
  }
  if (options.repair !== true || broken.length === 0) return damages
  for (const [digest, problem] of verified) if (problem !== undefined) removeFile(store.blobPath(digest))
  await repairImages(context, store, broken)
  return damages
}

/** What a registry still has is fetched from there, and only that; an image that cannot be whole again goes. */
async function repairImages(context: Context, store: ImageStore, broken: readonly Digest[]): Promise<void> {
  const lost = new Set<Digest>()
  for (const manifest of broken) {
    /* One before may have brought what this one shares with it. */
    if (await isWhole(context, store, manifest)) continue
    const own = store.entries().filter((entry) => entry.manifest === manifest)
    if (!(await refetchImage(context, store, own))) lost.add(manifest)
  }
  if (lost.size === 0) return
  await store.update((current) => ({
    entries: current.filter((entry) => !lost.has(entry.manifest)),
    result: undefined,
  }))
  await collectGarbage(context)
}

async function isWhole(context: Context, store: ImageStore, manifest: Digest): Promise<boolean> {
  try {
    const { id, layers } = await recordOf(context, store, manifest)
    return [manifest, id, ...layers.map(({ digest }) => digest)].every((digest) => store.hasBlob(digest))
  } catch {
    return false
  }
}

function nameOf(entries: readonly IndexEntry[], manifest: Digest): string {
  const entry = entries.find((one) => one.manifest === manifest)
  return entry?.name ?? manifest
}

interface Verification {
  readonly quick: boolean
  /** Blobs that were read already: images share them. */
  readonly verified: Map<Digest, string | undefined>
}

/** Its parts must be there and be what their digests say; a layer that is unpacked needs no blob. */
async function imageProblem(
  context: Context,
  store: ImageStore,
  manifest: Digest,
  { quick, verified }: Verification,
): Promise<string | undefined> {
  const verify = async (digest: Digest): Promise<string | undefined> => {
    if (quick) return undefined
    if (!verified.has(digest)) verified.set(digest, await blobProblem(store, digest))
    return verified.get(digest)
  }
  try {
    const problem = await verify(manifest)
    if (problem !== undefined) return problem
    const record = await recordOf(context, store, manifest)
    const config = store.hasBlob(record.id) ? await verify(record.id) : `its configuration ${record.id} is missing`
    if (config !== undefined) return config
    for (const [index, { digest, size }] of record.layers.entries()) {
      const diffId = record.diffIds[index]
      const isUnpacked = diffId !== undefined && exists(join(context.paths.layers, digestHex(diffId), 'diff'))
      if (!store.hasBlob(digest, size) && !isUnpacked) return `its layer ${digest} is missing`
      const layer = store.hasBlob(digest) ? await verify(digest) : undefined
      if (layer !== undefined) return layer
    }
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

async function blobProblem(store: ImageStore, digest: Digest): Promise<string | undefined> {
  try {
    const [algorithm = 'sha256', hex] = digest.split(':')
    const hash = createHash(algorithm)
    for await (const chunk of store.streamBlob(digest)) hash.update(chunk)
    return hash.digest('hex') === hex ? undefined : `its blob ${digest} has other contents than its digest says`
  } catch (error) {
    return messageOf(error)
  }
}

/** Told only: a volume's files are nobody's to throw away. */
function checkVolumes(context: Context): StoreDamage[] {
  const damages: StoreDamage[] = []
  volumesOf(context).list((name, error) => {
    damages.push({ kind: 'volume', name, problem: messageOf(error), repaired: false })
  })
  return damages
}

function problemOf(look: () => unknown): string | undefined {
  try {
    look()
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
