import { mkdirSync, readdirSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import { digestHex, isDigest } from '../base/digest.js'
import { TspodError } from '../base/errors.js'
import { newId } from '../base/id.js'
import type { Descriptor, Digest } from '../oci/image-spec.js'
import type { UsernsPlan } from '../runtime/protocol.js'
import { ensureFolder, exists, folderMode, isMissing, readJson, syncFolder, writeFile } from '../state/file.js'
import { acquireLock, inheritedLock, tryLock, type Lock } from '../state/lock.js'
import type { Paths } from '../state/paths.js'
import { Disposal } from './disposal.js'
import { removeTrees } from './remove.js'
import type { ArchiveLimits, BlobSource } from './unpack.js'

/** One unpacked layer. It has no parent: every image with this content shares it. */
export interface Layer {
  readonly diffId: Digest
  /** Of the blob that it was unpacked from. */
  readonly digest: Digest
  readonly size: number
  readonly uncompressedSize: number
  readonly entries: number
}

export interface LayerOptions {
  readonly limits?: ArchiveLimits
  readonly signal?: AbortSignal | undefined
}

/** `layer-NAME` in tmp/ and in locks/: a layer that is being made, or what is left of one. */
/** A layer that another program makes. */
export interface BegunLayer {
  readonly half: string
  readonly lock: Lock
}

const halfPrefix = 'layer-'
/** A large layer on a slow disk takes its time; whoever waits for it has nothing better to do. */
const patienceMilliseconds = 6 * 3600 * 1000

/**
 * The unpacked layers: `layers/HEX/diff` and `layers/HEX/layer.json`. One appears whole, by a rename after it has reached
 * the disk, and never changes. Which ones are needed is for the caller to know (`removeExcept`).
 */
export class LayerStore {
  readonly #paths: Pick<Paths, 'layers' | 'tmp' | 'locks'>
  readonly #plan: () => Promise<UsernsPlan>

  /** `plan`: the user namespace whose ids the files get; asked for when something is unpacked or removed. */
  constructor(paths: Pick<Paths, 'layers' | 'tmp' | 'locks'>, plan: () => Promise<UsernsPlan>) {
    this.#paths = paths
    this.#plan = plan
  }

  has(diffId: Digest): boolean {
    return exists(this.folder(diffId))
  }

  /** Where its files are. */
  folder(diffId: Digest): string {
    return join(this.#paths.layers, digestHex(diffId), 'diff')
  }

  /** What is known about it; undefined if it is not unpacked. */
  get(diffId: Digest): Layer | undefined {
    const path = join(this.#paths.layers, digestHex(diffId), 'layer.json')
    const value = readJson(path)
    if (value === undefined) return undefined
    if (isLayer(value)) return value
    throw new TspodError('store-corrupt', `${path} is not a layer's record`)
  }

  /** Every layer that is unpacked. */
  list(): Layer[] {
    return namesIn(this.#paths.layers).flatMap((hex) => this.get(digestOfHex(hex)) ?? [])
  }

  /** Unpacks a layer unless it is there. However many ask for it, in however many processes, one unpacks. */
  async ensureLayer(
    descriptor: Pick<Descriptor, 'digest' | 'size'>,
    diffId: Digest,
    open: () => BlobSource | Promise<BlobSource>,
    options: LayerOptions = {},
  ): Promise<Layer> {
    const present = this.#present(diffId)
    if (present !== undefined) return present
    const name = `${halfPrefix}${digestHex(diffId)}`
    return this.#making(name, async (half) => {
      const meanwhile = this.#present(diffId)
      if (meanwhile !== undefined) return meanwhile
      const { digest, size } = descriptor
      return this.#unpack(half, await open(), { digest, size, diffId, ...options })
    })
  }

  /**
   * As `ensureLayer`, for bytes that come by only once: undefined, and nothing of them is read, if the layer is there or
   * somebody is making it. They are verified on the way.
   */
  takeLayer(
    descriptor: Pick<Descriptor, 'digest' | 'size'>,
    diffId: Digest,
    blob: BlobSource,
    options: LayerOptions = {},
  ): Promise<Layer> | undefined {
    if (this.has(diffId)) return undefined
    ensureFolder(this.#paths.locks)
    ensureFolder(this.#paths.tmp)
    const name = `${halfPrefix}${digestHex(diffId)}`
    const lock = tryLock(join(this.#paths.locks, name))
    if (lock === undefined) return undefined
    if (this.has(diffId)) {
      lock.release({ unlink: true })
      return undefined
    }
    const { digest, size } = descriptor
    return this.#makeLocked(lock, name, (half) => this.#unpack(half, blob, { digest, size, diffId, ...options }))
  }

  /** Unpacks a layer whose DiffID is not known before (import, commit); it may turn out to be there. */
  async importLayer(open: () => BlobSource | Promise<BlobSource>, options: LayerOptions = {}): Promise<Layer> {
    return this.#making(`${halfPrefix}${newId()}`, async (half) => this.#unpack(half, await open(), options))
  }

  /** Keeps a layer whose blob is made at the same time: `make` fills the folder, and says what it and the blob have become. */
  async makeLayer<Made extends Layer>(make: (folder: string) => Promise<Made>): Promise<Made> {
    return this.#making(`${halfPrefix}${newId()}`, async (half) => {
      const made = await make(makeHalf(half))
      this.#publish(half, layerOf(made))
      return made
    })
  }

  /** Where another program makes a layer: its folder in tmp/ has `diff`, and its lock was taken. Undefined if it is not there. */
  begunLayer(id: string, lockFd: number): BegunLayer | undefined {
    const name = `${halfPrefix}${id}`
    const lock = inheritedLock(join(this.#paths.locks, name), lockFd)
    return lock === undefined ? undefined : { half: join(this.#paths.tmp, name), lock }
  }

  /** As `makeLayer`, of one that was begun: `made` says what it has become. If that fails, all of it goes. */
  async finishLayer<Made extends Layer>({ half, lock }: BegunLayer, made: () => Promise<Made>): Promise<Made> {
    try {
      const layer = await made()
      this.#publish(half, layerOf(layer))
      return layer
    } finally {
      await this.#leave(half, lock)
    }
  }

  /** Takes away one that was begun. */
  async dropLayer({ half, lock }: BegunLayer): Promise<void> {
    await this.#leave(half, lock)
  }

  /** Writes down of a folder's `place/diff` which layer it was packed to; `adoptLayers` makes it that layer. */
  describeLayer(place: string, layer: Layer): void {
    writeFile(join(place, 'layer.json'), JSON.stringify({ version: 1, ...layer }))
  }

  /**
   * Makes folders layers. The caller has described them, and then seen to it that they are on the disk
   * (`syncFileSystem`). A layer that is there already stays, and its folder is left.
   */
  async adoptLayers(places: readonly { readonly place: string; readonly diffId: Digest }[]): Promise<void> {
    if (places.length === 0) return
    ensureFolder(this.#paths.layers)
    for (const { place, diffId } of places) {
      const hex = digestHex(diffId)
      const lock = await acquireLock(join(this.#paths.locks, `${halfPrefix}${hex}`), patienceMilliseconds)
      try {
        if (!this.has(diffId)) renameSync(place, join(this.#paths.layers, hex))
      } finally {
        lock.release({ unlink: true })
      }
    }
    syncFolder(this.#paths.layers)
  }

  /**
   * Removes every layer that is not in `live`, and what killed commands left. Says what went; the files go after that, and may
   * outlive the command by the time that takes.
   */
  async removeExcept(live: ReadonlySet<Digest>): Promise<Digest[]> {
    const kept = new Set([...live].map((diffId) => digestHex(diffId)))
    const removed: Digest[] = []
    using disposal = new Disposal(this.#paths.tmp)
    for (const hex of namesIn(this.#paths.layers)) {
      if (kept.has(hex)) continue
      const lock = tryLock(join(this.#paths.locks, `${halfPrefix}${hex}`))
      if (lock === undefined) continue
      try {
        if (disposal.take(join(this.#paths.layers, hex))) removed.push(digestOfHex(hex))
      } finally {
        lock.release({ unlink: true })
      }
    }
    this.#takeLitter(disposal)
    await disposal.begin(this.#plan)
    return removed
  }

  /** Whatever is half made and nobody is making any more. */
  #takeLitter(disposal: Disposal): void {
    for (const name of namesIn(this.#paths.tmp)) {
      if (!name.startsWith(halfPrefix)) continue
      const lock = tryLock(join(this.#paths.locks, name))
      if (lock === undefined) continue
      try {
        disposal.take(join(this.#paths.tmp, name))
      } finally {
        lock.release({ unlink: true })
      }
    }
  }

  #present(diffId: Digest): Layer | undefined {
    return this.has(diffId) ? this.get(diffId) : undefined
  }

  /** Holds the lock of a half-made layer while `make` works; what was left there by a killed command goes first. */
  async #making<T>(name: string, make: (half: string) => Promise<T>): Promise<T> {
    ensureFolder(this.#paths.locks)
    ensureFolder(this.#paths.tmp)
    const lock = await acquireLock(join(this.#paths.locks, name), patienceMilliseconds)
    return this.#makeLocked(lock, name, make)
  }

  async #makeLocked<T>(lock: Lock, name: string, make: (half: string) => Promise<T>): Promise<T> {
    const half = join(this.#paths.tmp, name)
    try {
      await this.#clear(half)
      return await make(half)
    } finally {
      await this.#leave(half, lock)
    }
  }

  async #leave(half: string, lock: Lock): Promise<void> {
    try {
      await this.#clear(half)
    } finally {
      lock.release({ unlink: true })
    }
  }

  async #clear(half: string): Promise<void> {
    if (exists(half)) await removeTrees([half], await this.#plan())
  }

  async #unpack(
    half: string,
    blob: BlobSource,
    expected: LayerOptions & { readonly digest?: Digest; readonly size?: number; readonly diffId?: Digest },
  ): Promise<Layer> {
    const { unpackLayer } = await import('./unpack.js')
    const folder = makeHalf(half)
    const unpacked = await unpackLayer(blob, folder, { ...expected, plan: await this.#plan(), sync: true })
    return this.#publish(half, layerOf(unpacked))
  }

  #publish(half: string, layer: Layer): Layer {
    const final = join(this.#paths.layers, digestHex(layer.diffId))
    writeFile(join(half, 'layer.json'), JSON.stringify({ version: 1, ...layer }), { sync: true })
    syncFolder(half)
    ensureFolder(this.#paths.layers)
    try {
      renameSync(half, final)
    } catch (error) {
      /* An imported one that was there, or that somebody else has made meanwhile: content is content. */
      const there = this.#present(layer.diffId)
      if (there !== undefined) return there
      throw new TspodError('io', `keeping layer ${basename(final)}`, { cause: error })
    }
    syncFolder(this.#paths.layers)
    return layer
  }
}

/** The folders of a layer that is being made; answers the one for its files. */
function makeHalf(half: string): string {
  const folder = join(half, 'diff')
  mkdirSync(half, { mode: folderMode })
  mkdirSync(folder, { mode: 0o755 })
  return folder
}

function layerOf({ diffId, digest, size, uncompressedSize, entries }: Layer): Layer {
  return { diffId, digest, size, uncompressedSize, entries }
}

function isLayer(value: unknown): value is Layer {
  if (typeof value !== 'object' || value === null) return false
  const record = value as Readonly<Record<string, unknown>>
  return (
    isDigest(record['diffId']) &&
    isDigest(record['digest']) &&
    ['size', 'uncompressedSize', 'entries'].every((name) => Number.isSafeInteger(record[name]))
  )
}

/** A layer's folder is named by the DiffID's digits alone; their number tells the algorithm. */
function digestOfHex(hex: string): Digest {
  return hex.length === 128 ? `sha512:${hex}` : `sha256:${hex}`
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (isMissing(error)) return []
    throw new TspodError('io', `reading ${folder}`, { cause: error })
  }
}
