import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { digestHex, isDigest } from '../../base/digest.js'
import type { Digest, Platform } from '../../oci/image-spec.js'
import { ensureFolder, readCached, writeFileAtomic } from '../../state/file.js'
import type { ImageStore, IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'
import type { ImageRecord } from './image-record.js'

/** The record of an entry's manifest; made from the blobs if it is missing, or is what a power cut left of it. */
export async function recordOf(context: Context, store: ImageStore, manifest: Digest): Promise<ImageRecord> {
  const path = recordPath(context, manifest)
  const known = readCached(path)
  if (isRecord(known) && known.manifest === manifest) return known
  const { readStoredImage } = await import('./stored-image.js')
  const record = readStoredImage(store, manifest)
  saveRecord(context, record)
  return record
}

/** As `recordOf`, for an entry of the index; a list stands for its image of a platform, without one of the host's. */
export async function recordOfEntry(
  context: Context,
  store: ImageStore,
  entry: IndexEntry,
  platform?: Platform,
): Promise<ImageRecord> {
  if (!/index|list/.test(entry.mediaType)) return recordOf(context, store, entry.manifest)
  const { memberOfList } = await import('./stored-image.js')
  return recordOf(context, store, memberOfList(store, entry.manifest, platform))
}

export function saveRecord(context: Context, record: ImageRecord): void {
  ensureFolder(recordFolder(context))
  writeFileAtomic(recordPath(context, record.manifest), JSON.stringify(record))
}

export function recordPath(context: Context, manifest: Digest): string {
  return join(recordFolder(context), `${digestHex(manifest)}.json`)
}

function recordFolder(context: Context): string {
  return join(context.paths.cache, 'images')
}

function isRecord(value: unknown): value is ImageRecord {
  if (typeof value !== 'object' || value === null) return false
  const { version, id, diffIds, layers } = value as Partial<ImageRecord>
  return version === 1 && isDigest(id) && Array.isArray(diffIds) && Array.isArray(layers)
}

export type { ImageRecord }

/** The image's ID as people write it: without its algorithm. */
export function bareId(id: Digest): string {
  return digestHex(id)
}

export function imageNotKnown(name: string): TspodError {
  return new TspodError('no-such-image', `${name}: image not known`)
}
