import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { storeDestination } from '../../src/engine/images/store-image.js'
import { copyImage, type CopiedImage } from '../../src/image/copy.js'
import { completePlatform } from '../../src/image/platform.js'
import { parseReference } from '../../src/image/reference.js'
import { RegistrySource, type RegistryOptions } from '../../src/image/registry/source.js'
import { ImageStore } from '../../src/storage/images.js'
import { startTestRegistry, type TestRegistry } from '../helpers/registry.js'
import { tarArchive } from '../helpers/tar.js'

/** A registry of the test's own and a store, both new for each test; the client has little patience. */
export class LyingRegistry {
  registry = {} as TestRegistry
  store = {} as ImageStore
  /** What the client says of its tries. */
  log: string[] = []
  #folder = ''

  async open(): Promise<void> {
    this.registry = await startTestRegistry()
    this.#folder = await mkdtemp(join(tmpdir(), 'tspod-lies-'))
    this.store = new ImageStore({ images: join(this.#folder, 'images'), tmp: join(this.#folder, 'tmp') })
    this.log = []
  }

  async close(): Promise<void> {
    await this.registry[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true, force: true })
  }

  options(more: Partial<RegistryOptions> = {}): RegistryOptions {
    return {
      config: {
        searchRegistries: undefined,
        shortNameMode: 'permissive',
        aliases: {},
        aliasFiles: {},
        registries: [],
        credentialHelpers: [],
        path: '',
      },
      http: {
        env: {},
        userAgent: 'test',
        limits: { headersMilliseconds: 300, idleMilliseconds: 300, windowMilliseconds: 300, windowBytes: 10_000 },
      },
      certificates: () => ({ ca: [] }),
      credentials: () => Promise.resolve(undefined),
      retry: { retries: 2, delayMilliseconds: 1, log: (message) => this.log.push(message) },
      ...more,
    }
  }

  async pull(name = 'image', more: Partial<RegistryOptions> = {}): Promise<CopiedImage> {
    const source = new RegistrySource(parseReference(`${this.registry.host}/${name}`), this.options(more))
    try {
      return await copyImage(source, storeDestination(this.store), { platform: completePlatform() })
    } finally {
      await source.close()
    }
  }

  /** Names of all blobs and of everything half-made. */
  async kept(): Promise<string[]> {
    const blobs = await readdir(join(this.#folder, 'images', 'blobs', 'sha256')).catch(() => [])
    const rests = await readdir(join(this.#folder, 'tmp')).catch(() => [])
    return [...blobs, ...rests]
  }

  /** Answers requests for this blob so, everything else as it is. */
  forBlob(digest: string, answer: (response: ServerResponse, blob: Buffer, times: number) => boolean): void {
    let times = 0
    this.registry.misbehave = (_, response, url) => {
      if (!url.pathname.endsWith(digest)) return false
      const blob = this.registry.blobs.get(digest) ?? Buffer.alloc(0)
      return answer(response, blob, times++)
    }
  }

  /** Puts an image of one layer into the registry; the layer's digest. */
  imageWithLayer(size?: number): string {
    this.registry.putImage('image', 'latest', [layer(size)])
    const [found] = [...this.registry.blobs].sort(([, one], [, other]) => other.length - one.length)
    return found?.[0] ?? ''
  }
}

/** Opens one before each test of the file, and closes it afterwards. */
export function lyingRegistry(): LyingRegistry {
  const lies = new LyingRegistry()
  beforeEach(() => lies.open())
  afterEach(() => lies.close())
  return lies
}

export const secret = Buffer.from('user:secret').toString('base64')
export const layer = (size = 3_000_000): Buffer => tarArchive([{ path: 'file', content: randomBytes(size) }])
export const isBlob = (url: URL): boolean => url.pathname.includes('/blobs/')

/** Hangs up. */
export function drop(response: ServerResponse): boolean {
  response.socket?.destroy()
  return true
}

/** Writes for as long as somebody reads. */
export function endless(response: ServerResponse): void {
  const chunk = Buffer.alloc(256 * 1024, 0x20)
  const go = (): void => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once('drain', go)
  }
  go()
}
