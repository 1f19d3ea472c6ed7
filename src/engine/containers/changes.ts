import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { hostMapping } from '../../../rootless/ladder.js'
import { TspodError } from '../../base/errors.js'
import type { ContainerRecord } from '../../container/record.js'
import type { StorageDriver } from '../../storage/driver.js'
import { changesIn, type Change, type RootSource } from '../../storage/root-archive.js'
import { fillRootfs } from '../../storage/overlay.js'
import type { Context } from '../context.js'
import { resolveImage } from '../images/resolve.js'
import { rootMountpoint } from './launch.js'
import { mountStubs } from './mount-stubs.js'
import { copiedRoot, layerFolders, storageDriver } from './rootfs.js'
import { containerPaths, findContainer } from './store.js'
import { clearTree } from './trees.js'

export type { Change }

/** What a container, or else an image's topmost layer, has changed. */
export async function changesOf(
  context: Context,
  nameOrId: string,
  kind: 'container' | 'image' | 'any' = 'any',
): Promise<Change[]> {
  if (kind === 'image') return imageChanges(context, nameOrId)
  try {
    return await containerChanges(context, nameOrId)
  } catch (error) {
    if (kind === 'container' || !(error instanceof TspodError) || error.code !== 'no-such-container') throw error
  }
  try {
    return await imageChanges(context, nameOrId)
  } catch (error) {
    if (!(error instanceof TspodError) || error.code !== 'no-such-image') throw error
    throw new TspodError('no-such-image', `${nameOrId}: no such container or image`, { cause: error })
  }
}

async function containerChanges(context: Context, nameOrId: string): Promise<Change[]> {
  const record = findContainer(context, nameOrId)
  const { spec, storageDriver: name } = record
  if (spec.rootfs && !spec.rootfs.overlay) {
    throw new TspodError('not-supported', `container ${record.name} writes into its root file system itself`)
  }
  const lower = spec.rootfs ? [spec.rootfs.path] : layerFolders(context, spec.image.layers)
  const { folder } = containerPaths(context.paths, record.id)
  if (name === 'copy') return wholeChanges(context, await copiedRoot(context, record), lower)
  const driver = name === 'overlay' ? undefined : await storageDriver(context, name)
  return overlayChanges(context, join(folder, 'upper'), lower, driver)
}

async function imageChanges(context: Context, name: string): Promise<Change[]> {
  const image = await resolveImage(context, name, { pull: 'never' })
  const [top, ...below] = layerFolders(context, image.diffIds)
  if (top === undefined) return []
  const driver = await storageDriver(context)
  if (driver.name !== 'copy') return overlayChanges(context, top, below, driver)
  return withCopies(context, [top, ...below], (folder) => wholeChanges(context, folder, below))
}

/** What a container or an image has that another has not, or has otherwise. */
export async function changesBetween(
  context: Context,
  name: string,
  other: string,
  kind: 'container' | 'image' | 'any' = 'any',
): Promise<Change[]> {
  const isContainer = kind !== 'image'
  const one = isContainer ? await foldersOfContainer(context, name) : undefined
  const base = isContainer ? await foldersOfContainer(context, other) : undefined
  if (one === undefined && base === undefined && kind !== 'container') return changesOfImages(context, name, other)
  const folders = one ?? (await foldersOfImage(context, name, kind))
  const below = base ?? (await foldersOfImage(context, other, kind))
  return withCopies(context, folders, (folder) => wholeChanges(context, folder, below))
}

/** The topmost first; undefined if there is no such container. */
async function foldersOfContainer(context: Context, nameOrId: string): Promise<readonly string[] | undefined> {
  const record = tryFind(context, nameOrId)
  if (record === undefined) return undefined
  const { spec, storageDriver: name } = record
  if (spec.rootfs) throw new TspodError('not-supported', `container ${record.name} has a root file system of its own`)
  const { folder } = containerPaths(context.paths, record.id)
  if (name === 'copy') return [await copiedRoot(context, record)]
  const upper = join(folder, 'upper')
  return [...(existsSync(upper) ? [upper] : []), ...layerFolders(context, spec.image.layers)]
}

function tryFind(context: Context, nameOrId: string): ContainerRecord | undefined {
  try {
    return findContainer(context, nameOrId)
  } catch (error) {
    if (error instanceof TspodError && error.code === 'no-such-container') return undefined
    throw error
  }
}

async function foldersOfImage(context: Context, name: string, kind: string): Promise<readonly string[]> {
  if (kind === 'container') findContainer(context, name)
  const { diffIds } = await resolveImage(context, name, { pull: 'never' })
  return layerFolders(context, diffIds)
}

async function changesOfImages(context: Context, name: string, other: string): Promise<Change[]> {
  const image = await resolveImage(context, name, { pull: 'never' })
  const base = await resolveImage(context, other, { pull: 'never' })
  const isAbove = base.diffIds.every((diffId, number) => diffId === image.diffIds[number])
  if (isAbove && image.diffIds.length === base.diffIds.length) return []
  /* One layer more is the usual case: an overlay's upper folder says it without a look at the rest. */
  if (isAbove && image.diffIds.length === base.diffIds.length + 1) return imageChanges(context, name)
  const lower = layerFolders(context, image.diffIds)
  return withCopies(context, lower, (folder) => wholeChanges(context, folder, layerFolders(context, base.diffIds)))
}

/** What an overlay's upper folder says. */
async function overlayChanges(
  context: Context,
  upper: string,
  lower: readonly string[],
  driver: StorageDriver | undefined,
): Promise<Change[]> {
  const { plan } = await hostMapping()
  const base = baseOf(context, lower, driver)
  return changesIn(upper, { plan, exclude: mountStubs, ...(base === undefined ? {} : { base }) })
}

/** An overlay without an upper folder needs two below. */
function baseOf(context: Context, lower: readonly string[], driver: StorageDriver | undefined): RootSource | undefined {
  const mountpoint = rootMountpoint(context)
  const [only] = lower
  if (only === undefined) return undefined
  if (lower.length === 1) return { rootfs: { driver: 'dir', path: only, mountpoint } }
  const program = driver?.program
  return {
    rootfs: {
      driver: driver?.name === 'fuse-overlayfs' ? 'fuse-overlayfs' : 'overlay',
      lower,
      volatile: false,
      mountpoint,
      ...(program === undefined ? {} : { program }),
    },
  }
}

/** Where roots are copies, the image's own is copied together once more. */
function wholeChanges(context: Context, folder: string, lower: readonly string[]): Promise<Change[]> {
  return withCopies(context, lower, async (path) => {
    const { plan } = await hostMapping()
    const base: RootSource = { rootfs: { driver: 'dir', path, mountpoint: rootMountpoint(context) } }
    return changesIn(folder, { plan, base, whole: true, exclude: mountStubs })
  })
}

/** Copies layers together in a folder for as long as `use` works with it. */
export async function withCopies<T>(
  context: Context,
  lower: readonly string[],
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = join(context.paths.tmp, `copies-${context.newId()}`)
  mkdirSync(folder, { mode: 0o755 })
  try {
    if (lower.length > 0) await fillRootfs(lower, folder, (await hostMapping()).plan)
    return await use(folder)
  } finally {
    await clearTree(folder)
  }
}
