import { createHash } from 'node:crypto'
import type { Digest } from '../../oci/image-spec.js'
import { removeFile } from '../../state/file.js'
import type { ImageStore } from '../../storage/images.js'

export interface StoreCheckOptions {
  /** Takes away what is damaged of images, artifacts and names. */
  readonly repair?: boolean
  /** With `repair`: damaged containers too, and their changes with them. */
  readonly force?: boolean
  /** Does not read the contents of blobs. */
  readonly quick?: boolean
}

export interface StoreDamage {
  readonly kind: 'artifact' | 'container' | 'image' | 'name' | 'volume'
  readonly name: string
  readonly problem: string
  readonly repaired: boolean
}

/** Reads each blob once, however many images share it. */
export class BlobCheck {
  readonly #store: ImageStore
  readonly #quick: boolean
  readonly #known = new Map<Digest, string | undefined>()

  /** `quick`: nothing is read, so that nothing is wrong with what is there. */
  constructor(store: ImageStore, quick: boolean) {
    this.#store = store
    this.#quick = quick
  }

  /** What is wrong with the contents of a blob. */
  async problem(digest: Digest): Promise<string | undefined> {
    if (this.#quick) return undefined
    if (!this.#known.has(digest)) this.#known.set(digest, await contentProblem(this.#store, digest))
    return this.#known.get(digest)
  }

  /** As `problem`, of a part that has to be there. */
  async partProblem(what: string, digest: Digest, size?: number): Promise<string | undefined> {
    return this.#store.hasBlob(digest, size) ? this.problem(digest) : `its ${what} ${digest} is missing`
  }

  /** Takes away the blobs that have other contents than they should. */
  removeBroken(): void {
    for (const [digest, problem] of this.#known) if (problem !== undefined) removeFile(this.#store.blobPath(digest))
  }
}

async function contentProblem(store: ImageStore, digest: Digest): Promise<string | undefined> {
  try {
    const [algorithm = 'sha256', hex] = digest.split(':')
    const hash = createHash(algorithm)
    for await (const chunk of store.streamBlob(digest)) hash.update(chunk)
    return hash.digest('hex') === hex ? undefined : `its blob ${digest} has other contents than its digest says`
  } catch (error) {
    return messageOf(error)
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
