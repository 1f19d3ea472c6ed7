import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { newId } from '../base/id.js'
import type { Descriptor, Digest } from '../oci/image-spec.js'
import { ensureFolder, exists, hasErrno, readJson, removeFile, writeFile, writeFileAtomic } from '../state/file.js'
import { acquireLock, inheritedLock, tryLock, withLock, type Lock } from '../state/lock.js'
import type { Paths } from '../state/paths.js'
import {
  adoptBlob,
  adoptSyncedBlobs,
  blobPath,
  hasBlob,
  putBlob,
  putBytes,
  readBlob,
  streamBlob,
  type Blobs,
} from './blobs.js'
import { formatStoreIndex, parseStoreIndex, type IndexEntry } from './image-index.js'

export type { IndexEntry }

/** In tmp/: a lock file each, held by whoever's work must keep its blobs. */
export const leasePrefix = 'lease-'
/** blobs.ts: a blob that is being fetched. */
const blobPrefix = 'blob-'
const maximumManifestSize = 4 * 1024 * 1024
/** Room for the index of a few hundred images. */
const reserveBytes = 256 * 1024

/**
 * The image store: an OCI image layout that is valid at every moment. Blobs appear whole; `index.json` is replaced whole,
 * under a lock. Reading takes no lock. Blobs that no index entry reaches are litter, unless a lease says that work is in progress.
 */
export class ImageStore {
  readonly #folder: string
  readonly #tmp: string
  readonly #blobs: Blobs

  constructor(paths: Pick<Paths, 'images' | 'tmp'>) {
    this.#folder = paths.images
    this.#tmp = paths.tmp
    this.#blobs = { folder: join(paths.images, 'blobs'), tmp: paths.tmp }
  }

  /** Every entry, as it is now. */
  entries(): IndexEntry[] {
    const value = readJson(this.#indexPath)
    return value === undefined ? [] : parseStoreIndex(value, this.#indexPath)
  }

  /** Changes the entries: `change` gets them as they are and answers what they become. Nobody else changes them meanwhile. */
  async update<T>(
    change: (entries: readonly IndexEntry[]) => { entries: readonly IndexEntry[]; result: T },
  ): Promise<T> {
    this.#ensureLayout()
    return withLock(this.#lockPath, () => {
      const before = this.entries()
      const { entries, result } = change(before)
      if (entries !== before) this.#writeIndex(formatStoreIndex(entries))
      return result
    })
  }

  blobPath(digest: Digest): string {
    return blobPath(this.#blobs, digest)
  }

  hasBlob(digest: Digest, size?: number): boolean {
    return hasBlob(this.#blobs, digest, size)
  }

  /** Keeps verified bytes; see `putBlob` in blobs.ts. */
  async putBlob(
    descriptor: Pick<Descriptor, 'digest' | 'size'>,
    open: () => AsyncIterable<Uint8Array>,
  ): Promise<{ existed: boolean }> {
    this.#ensureLayout()
    return putBlob(this.#blobs, descriptor, open)
  }

  /** Keeps bytes that are here. */
  async putBytes(digest: Digest, bytes: Uint8Array): Promise<void> {
    this.#ensureLayout()
    await putBytes(this.#blobs, digest, bytes)
  }

  /** A blob that tspod-inside is to write: a locked file in tmp/, so that what a killed command leaves is cleared. */
  async draft(): Promise<Lock> {
    this.#ensureLayout()
    ensureFolder(this.#tmp)
    return acquireLock(join(this.#tmp, `${blobPrefix}${newId()}`))
  }

  /** One that another program has made and locked; undefined if it is not there. */
  begunDraft(id: string, fd: number): Lock | undefined {
    return inheritedLock(join(this.#tmp, `${blobPrefix}${id}`), fd)
  }

  /** Makes a whole draft a blob. */
  adopt(draft: Lock, digest: Digest): void {
    adoptBlob(this.#blobs, draft.path, digest)
  }

  /** As `adopt`, for several drafts that are on the disk already. */
  adoptSynced(drafts: readonly { readonly draft: Lock; readonly digest: Digest }[]): void {
    adoptSyncedBlobs(
      this.#blobs,
      drafts.map(({ draft: { path }, digest }) => ({ path, digest })),
    )
  }

  /** A manifest, a configuration: `maximum` bytes at most. */
  readBlob(digest: Digest, maximum = maximumManifestSize): Buffer {
    return readBlob(this.#blobs, digest, maximum)
  }

  streamBlob(digest: Digest): AsyncIterable<Uint8Array> {
    return streamBlob(this.#blobs, digest)
  }

  /** While it is held no blob is collected. Taken before the first blob is looked for, let go after the index names it. */
  async lease(): Promise<Disposable> {
    this.#ensureLayout()
    ensureFolder(this.#tmp)
    const lock: Lock = await withLock(this.#lockPath, () =>
      acquireLock(join(this.#tmp, `${leasePrefix}${newId().slice(0, 16)}`)),
    )
    return { [Symbol.dispose]: () => lock.release({ unlink: true }) }
  }

  /**
   * Removes the blobs that `reach` does not name. Answers undefined, and removes nothing, while somebody holds a lease.
   * Runs under the lock of the index, and `also` with it, so that nobody can begin in the middle.
   */
  async collect<Reached extends { readonly blobs: ReadonlySet<string> }>(
    reach: (entries: readonly IndexEntry[]) => Promise<Reached>,
    also: (reached: Reached) => Promise<void>,
  ): Promise<Digest[] | undefined> {
    if (!exists(this.#indexPath)) return []
    return withLock(this.#lockPath, async () => {
      if (this.#isLeased()) return undefined
      const reached = await reach(this.entries())
      const removed: Digest[] = []
      for (const digest of this.#allBlobs()) {
        if (reached.blobs.has(digest)) continue
        removeFile(this.blobPath(digest))
        removed.push(digest)
      }
      this.#clearHalfWritten()
      await also(reached)
      return removed
    })
  }

  /** On a full disk the reserve makes room: what is to free space must not need any. */
  #writeIndex(text: string): void {
    const write = (): void => writeFileAtomic(this.#indexPath, text, { sync: true, mode: 0o644 })
    try {
      write()
    } catch (error) {
      if (!(error instanceof Error) || !hasErrno(error.cause, 'ENOSPC') || !exists(this.#reservePath)) throw error
      removeFile(this.#reservePath)
      write()
    }
    this.#keepReserve()
  }

  #keepReserve(): void {
    if (exists(this.#reservePath)) return
    try {
      writeFile(this.#reservePath, Buffer.alloc(reserveBytes, 1))
    } catch {
      removeFile(this.#reservePath) /* There is no room for it: the next change of the index tries again. */
    }
  }

  get #reservePath(): string {
    return join(this.#folder, '.reserve')
  }

  get #indexPath(): string {
    return join(this.#folder, 'index.json')
  }

  get #lockPath(): string {
    return join(this.#folder, '.lock')
  }

  /** Removes half-made blobs and leases of commands that were killed. Says whether there were any. */
  sweep(): boolean {
    const [blobs, leases] = [this.#clear(blobPrefix), this.#clear(leasePrefix)]
    return blobs.found || leases.found
  }

  #isLeased(): boolean {
    return this.#clear(leasePrefix).held
  }

  /** What is in tmp/ and locked by nobody is nobody's. */
  #clear(prefix: string): { found: boolean; held: boolean } {
    let [found, held] = [false, false]
    if (!exists(this.#tmp)) return { found, held }
    for (const name of readdirSync(this.#tmp)) {
      if (!name.startsWith(prefix)) continue
      const lock = tryLock(join(this.#tmp, name))
      if (lock === undefined) held = true
      else {
        found = true
        lock.release({ unlink: true })
      }
    }
    return { found, held }
  }

  /** What was to become index.json when its writer was killed. The caller holds the lock. */
  #clearHalfWritten(): void {
    for (const name of readdirSync(this.#folder)) if (name.endsWith('.tmp')) removeFile(join(this.#folder, name))
  }

  *#allBlobs(): Generator<Digest> {
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const folder = join(this.#folder, 'blobs', algorithm)
      if (!exists(folder)) continue
      for (const hex of readdirSync(folder)) if (/^[0-9a-f]{64,128}$/.test(hex)) yield `${algorithm}:${hex}`
    }
  }

  /** image-spec, image-layout.md: `blobs/`, `oci-layout`, `index.json`. */
  #ensureLayout(): void {
    if (exists(this.#indexPath)) return
    ensureFolder(join(this.#folder, 'blobs', 'sha256'))
    writeFileAtomic(join(this.#folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}', { sync: true, mode: 0o644 })
    const lock = tryLock(this.#lockPath)
    /* Somebody who holds the lock is making it. */
    if (lock === undefined) return
    try {
      if (!exists(this.#indexPath)) writeFileAtomic(this.#indexPath, formatStoreIndex([]), { sync: true, mode: 0o644 })
    } finally {
      lock.release()
    }
  }
}
