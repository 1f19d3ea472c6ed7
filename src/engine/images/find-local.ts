import { TspodError } from '../../base/errors.js'
import type { Platform } from '../../oci/image-spec.js'
import { completePlatform, formatPlatform, platformRank } from '../../image/platform.js'
import { digestOfEntry } from '../../storage/image-index.js'
import { ImageStore, type IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'
import { findImage } from './lookup.js'
import { bareId, recordOfEntry, type ImageRecord } from './record.js'
import type { ResolvedImage } from './types.js'

/** A local image by any of its names; undefined if there is none, or if it is for another platform than was asked for. */
export async function findLocal(
  context: Context,
  name: string,
  platform: Partial<Platform> | undefined,
): Promise<ResolvedImage | undefined> {
  const store = new ImageStore(context.paths)
  const found = await findImage(context, store.entries(), name)
  if (found === undefined) return undefined
  const wanted = platform === undefined || Object.keys(platform).length === 0 ? undefined : completePlatform(platform)
  const record = await recordFor(context, store, found.entry, wanted)
  if (record === undefined) return undefined
  if (wanted !== undefined && platformRank(wanted, record) === undefined) {
    context.log('debug', `${name} is here for ${formatPlatform(record)}, not for what was asked for`)
    return undefined
  }
  return {
    id: bareId(record.id),
    name: found.name ?? bareId(record.id),
    digest: digestOfEntry(found.entry),
    architecture: record.architecture,
    os: record.os,
    config: record.config,
    diffIds: record.diffIds,
    layers: record.layers,
    annotations: record.annotations,
  }
}

/** Of a list the image for the platform; undefined if the list has none for it here. */
async function recordFor(
  context: Context,
  store: ImageStore,
  entry: IndexEntry,
  wanted: Platform | undefined,
): Promise<ImageRecord | undefined> {
  try {
    return await recordOfEntry(context, store, entry, wanted)
  } catch (error) {
    const isOfOthers = error instanceof TspodError && ['image-pull-failed', 'no-such-image'].includes(error.code)
    if (wanted !== undefined && isOfOthers) return undefined
    throw error
  }
}
