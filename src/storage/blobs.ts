import {
  createReadStream,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  openSync,
  closeSync,
  readSync,
  renameSync,
  statSync,
  write,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../base/errors.js'
import { digestAlgorithm, digestHex } from '../base/digest.js'
import type { Descriptor, Digest } from '../oci/image-spec.js'
import { ensureFolder, hasErrno, removeFile, syncFolder } from '../state/file.js'
import { acquireLock } from '../state/lock.js'

/** `blobs/` of the image layout: content by digest. A blob has its name only once it is whole and on the disk. */
export interface Blobs {
  readonly folder: string
  /** Half-made blobs, each locked by its maker. */
  readonly tmp: string
}

/** Somebody else may be at the same blob over a slow line. */
const longestDownloadMilliseconds = 24 * 60 * 60 * 1000

export function blobPath(blobs: Blobs, digest: Digest): string {
  return join(blobs.folder, digestAlgorithm(digest), digestHex(digest))
}

/** Whether a blob is there; with `size`, whether it is as long as it should be. */
export function hasBlob(blobs: Blobs, digest: Digest, size?: number): boolean {
  const stat = statSync(blobPath(blobs, digest), { throwIfNoEntry: false })
  return stat?.isFile() === true && (size === undefined || stat.size === size)
}

/**
 * Keeps a blob unless it is there. Its bytes must have been verified: what `open` throws leaves nothing behind. Of several
 * processes that want the same blob one fetches it, the others wait for it; the partial file is the lock.
 */
export async function putBlob(
  blobs: Blobs,
  descriptor: Pick<Descriptor, 'digest' | 'size'>,
  open: () => AsyncIterable<Uint8Array>,
): Promise<{ existed: boolean }> {
  if (hasBlob(blobs, descriptor.digest, descriptor.size)) return { existed: true }
  ensureFolder(blobs.tmp)
  const path = blobPath(blobs, descriptor.digest)
  const partial = join(blobs.tmp, `blob-${digestHex(descriptor.digest)}`)
  const lock = await acquireLock(partial, longestDownloadMilliseconds)
  try {
    if (hasBlob(blobs, descriptor.digest, descriptor.size)) {
      removeFile(partial)
      return { existed: true }
    }
    ftruncateSync(lock.fd, 0)
    await writeAll(lock.fd, open(), partial)
    ensureFolder(join(blobs.folder, digestAlgorithm(descriptor.digest)))
    renameSync(partial, path)
    syncFolder(join(blobs.folder, digestAlgorithm(descriptor.digest)))
    return { existed: false }
  } catch (error) {
    removeFile(partial)
    throw error
  } finally {
    lock.release()
  }
}

/** As `putBlob`, of bytes that are here: a manifest, a configuration. In one go, so that no thread is started for it. */
export async function putBytes(blobs: Blobs, digest: Digest, bytes: Uint8Array): Promise<void> {
  if (hasBlob(blobs, digest, bytes.length)) return
  ensureFolder(blobs.tmp)
  const partial = join(blobs.tmp, `blob-${digestHex(digest)}`)
  const lock = await acquireLock(partial, longestDownloadMilliseconds)
  try {
    ftruncateSync(lock.fd, 0)
    for (let at = 0; at < bytes.length;) at += writeSync(lock.fd, bytes, at)
    adoptBlob(blobs, partial, digest)
  } catch (error) {
    removeFile(partial)
    throw error instanceof TspodError ? error : failed(partial, error as NodeJS.ErrnoException)
  } finally {
    lock.release()
  }
}

/** Takes a file in tmp/ over as a blob: the caller made it, and knows its digest. */
export function adoptBlob(blobs: Blobs, path: string, digest: Digest): void {
  const folder = join(blobs.folder, digestAlgorithm(digest))
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  ensureFolder(folder)
  renameSync(path, blobPath(blobs, digest))
  syncFolder(folder)
}

/** As `adoptBlob`, for files that are on the disk already (`syncFileSystem`): only their names are still to be written. */
export function adoptSyncedBlobs(
  blobs: Blobs,
  files: readonly { readonly path: string; readonly digest: Digest }[],
): void {
  const folders = new Set(files.map(({ digest }) => join(blobs.folder, digestAlgorithm(digest))))
  for (const folder of folders) ensureFolder(folder)
  for (const { path, digest } of files) renameSync(path, blobPath(blobs, digest))
  for (const folder of folders) syncFolder(folder)
}

/** Reads a small blob whole, in one go: for manifests and configurations. */
export function readBlob(blobs: Blobs, digest: Digest, maximum: number): Buffer {
  const path = blobPath(blobs, digest)
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    throw missing(digest, error)
  }
  try {
    const { size } = fstatSync(fd)
    if (size > maximum) throw new TspodError('limit-exceeded', `blob ${digest} is larger than ${String(maximum)} bytes`)
    const buffer = Buffer.allocUnsafe(size)
    for (let at = 0; at < size;) {
      const count = readSync(fd, buffer, at, size - at, null)
      if (count === 0) throw new TspodError('store-corrupt', `blob ${digest} became shorter while it was read`)
      at += count
    }
    return buffer
  } finally {
    closeSync(fd)
  }
}

/** The bytes of a blob of any size. */
export async function* streamBlob(blobs: Blobs, digest: Digest): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(blobPath(blobs, digest), { highWaterMark: 256 * 1024 })
  try {
    for await (const chunk of stream) yield chunk as Buffer
  } catch (error) {
    throw hasErrno(error, 'ENOENT') ? missing(digest, error) : error
  } finally {
    stream.destroy()
  }
}

async function writeAll(fd: number, chunks: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) at += await writeSome(fd, at === 0 ? chunk : chunk.subarray(at), path)
  }
  await new Promise<void>((resolve, reject) => fsync(fd, (error) => (error ? reject(failed(path, error)) : resolve())))
}

function writeSome(fd: number, chunk: Uint8Array, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, chunk, (error, count) => {
      if (error) reject(failed(path, error))
      else resolve(count)
    })
  })
}

function failed(path: string, error: NodeJS.ErrnoException): TspodError {
  return new TspodError('io', `writing ${path}`, { cause: error })
}

function missing(digest: Digest, error: unknown): TspodError {
  return new TspodError('store-corrupt', `the image store has no blob ${digest}; pull or load its image again`, {
    cause: error,
  })
}
