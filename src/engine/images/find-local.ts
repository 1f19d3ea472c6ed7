import type { Platform } from '../../oci/image-spec.js'
import { completePlatform, formatPlatform, platformRank } from '../../image/platform.js'
import { digestOfEntry } from '../../storage/image-index.js'
import { ImageStore } from '../../storage/images.js'
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
  const record = await recordOfEntry(context, store, found.entry)
  if (platform !== undefined && Object.keys(platform).length > 0 && !fits(record, platform)) {
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

function fits(record: ImageRecord, platform: Partial<Platform>): boolean {
  return platformRank(completePlatform(platform), record) !== undefined
}
