import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { hostMapping } from '../../../rootless/ladder.js'
import { TspodError } from '../../base/errors.js'
import type { CompleteSpec } from '../../container/complete-spec.js'
import type { ContainerRecord } from '../../container/record.js'
import { launchesAgain } from '../../container/relaunch.js'
import type { Digest } from '../../oci/image-spec.js'
import type { RootfsPlan, UsernsPlan } from '../../runtime/protocol.js'
import { chooseDriver, type StorageDriver, type StorageDriverName } from '../../storage/driver.js'
import { fillRootfs, fitsOverlay, layerChain, planRootfs } from '../../storage/overlay.js'
import type { Context } from '../context.js'
import { hasOwnIds, makerOfIds } from './own-ids.js'
import { containerPaths, lockContainer, noSuchContainer, readRecord } from './store.js'
import { removeTree } from './trees.js'

/** The driver that new containers get. */
export async function storageDriver(context: Context, forced?: StorageDriverName): Promise<StorageDriver> {
  const { plan } = await hostMapping()
  return chooseDriver(context.paths, {
    plan,
    forced: forced ?? context.options.storageDriver,
    searchPath: context.env['PATH'],
  })
}

/**
 * The driver of one container. With ids of its own (`--userns keep-id`, `auto` …) the layers' owners have to be shown
 * as others, which of the drivers fuse-overlayfs can. Without it they stay what they are, as far as that goes.
 */
export async function driverForContainer(context: Context, spec: CompleteSpec): Promise<StorageDriver> {
  const { user } = spec.namespaces
  const maker = user.mode === 'container' ? makerOfIds(context, user.container)?.spec : spec
  if (maker === undefined || !hasOwnIds(maker) || spec.rootfs?.overlay === false) return storageDriver(context)
  try {
    return await storageDriver(context, 'fuse-overlayfs')
  } catch (error) {
    if (!(error instanceof TspodError) || error.code !== 'host-requirement') throw error
    const withoutRoot = user.mode === 'nomap' || user.mode === 'auto'
    if (withoutRoot)
      throw new TspodError('host-requirement', `--userns ${user.mode} needs fuse-overlayfs: ${error.message}`, {
        cause: error,
      })
    context.log('warn', `files of the image keep the ids of the default mapping: ${error.message}`)
    return storageDriver(context)
  }
}

/** How the root file system of a start comes about; `nested` are the container's own ids, if it has such. */
export async function rootfsPlan(
  context: Context,
  record: ContainerRecord,
  mountpoint: string,
  nested: UsernsPlan['nested'],
): Promise<RootfsPlan> {
  const { spec, id } = record
  const { folder } = containerPaths(context.paths, id)
  const lower = lowerFolders(context, spec)
  if (spec.rootfs && !spec.rootfs.overlay) return { driver: 'dir', path: requireFolder(spec.rootfs.path), mountpoint }
  const driver = await driverOf(context, record)
  if (driver.name === 'copy') await fill(context, lower, join(folder, 'rootfs'))
  else if (!fitsOverlay(lower)) {
    throw new TspodError('limit-exceeded', `an image of ${lower.length} layers is more than an overlay takes`)
  }
  /* The kernel refuses to mount a volatile upper folder a second time. */
  const volatile = spec.remove && !launchesAgain(spec)
  return planRootfs({ driver, lower, folder, mountpoint, volatile, ...(nested ? { shift: nested } : {}) })
}

/** The one that the container was made with: its changes are in that form. */
async function driverOf(context: Context, { storageDriver: name }: ContainerRecord): Promise<StorageDriver> {
  if (name === 'overlay' || name === 'copy') return { name, reason: 'the container was made with it' }
  return storageDriver(context, name)
}

/** The root of a container whose driver is `copy`; made now if it has never been started. */
export async function copiedRoot(context: Context, record: ContainerRecord): Promise<string> {
  const target = join(containerPaths(context.paths, record.id).folder, 'rootfs')
  if (existsSync(target)) return target
  const lock = await lockContainer(context, record.id)
  try {
    if (readRecord(context, record.id) === undefined) throw noSuchContainer(record.name)
    await fill(context, lowerFolders(context, record.spec), target)
  } finally {
    lock.release({ unlink: true })
  }
  return target
}

/** What lies below a container's own changes, the topmost first. */
function lowerFolders(context: Context, { rootfs, image }: CompleteSpec): string[] {
  return rootfs ? [requireFolder(rootfs.path)] : layerFolders(context, image.layers)
}

/** The folders of an image's layers, the topmost first. */
export function layerFolders(context: Context, layers: readonly string[]): string[] {
  return layerChain(context.paths, layers as Digest[])
}

/** Copies the layers once, whole or not at all. */
async function fill(context: Context, lower: readonly string[], target: string): Promise<void> {
  if (existsSync(target)) return
  const half = `${target}.half`
  await removeTree(context, half)
  mkdirSync(half, { mode: 0o755 })
  await fillRootfs(lower, half, (await hostMapping()).plan)
  renameSync(half, target)
}

function requireFolder(path: string): string {
  const absolute = resolve(path)
  if (statSync(absolute, { throwIfNoEntry: false })?.isDirectory()) return absolute
  throw new TspodError('invalid-argument', `rootfs ${path} is not a folder`)
}
