import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { storeDestination } from '../../src/engine/images/store-image.js'
import { copyImage, type CopiedImage } from '../../src/image/copy.js'
import { completePlatform } from '../../src/image/platform.js'
import { parseReference } from '../../src/image/reference.js'
import { RegistrySource, type RegistryOptions } from '../../src/image/registry/source.js'
import { mediaTypes } from '../../src/oci/image-spec.js'
import { ImageStore } from '../../src/storage/images.js'
import { digestOf, startTestRegistry, type TestRegistry } from '../helpers/registry.js'
import { tarArchive } from '../helpers/tar.js'

const secret = Buffer.from('user:secret').toString('base64')
let registry: TestRegistry
let folder = ''
let store: ImageStore
let log: string[] = []

beforeEach(async () => {
  registry = await startTestRegistry()
  folder = await mkdtemp(join(tmpdir(), 'tspod-lies-'))
  store = new ImageStore({ images: join(folder, 'images'), tmp: join(folder, 'tmp') })
  log = []
})

afterEach(async () => {
  await registry[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

function options(more: Partial<RegistryOptions> = {}): RegistryOptions {
  return {
    config: {
      searchRegistries: undefined,
      shortNameMode: 'permissive',
      aliases: {},
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
    retry: { retries: 2, delayMilliseconds: 1, log: (message) => log.push(message) },
    ...more,
  }
}

async function pull(name = 'image', more: Partial<RegistryOptions> = {}): Promise<CopiedImage> {
  const source = new RegistrySource(parseReference(`${registry.host}/${name}`), options(more))
  try {
    return await copyImage(source, storeDestination(store), { platform: completePlatform() })
  } finally {
    await source.close()
  }
}

/** Names of all blobs and of everything half-made. */
async function kept(): Promise<string[]> {
  const blobs = await readdir(join(folder, 'images', 'blobs', 'sha256')).catch(() => [])
  const rests = await readdir(join(folder, 'tmp')).catch(() => [])
  return [...blobs, ...rests]
}

const layer = (size = 3_000_000): Buffer => tarArchive([{ path: 'file', content: randomBytes(size) }])
const isBlob = (url: URL): boolean => url.pathname.includes('/blobs/')
const drop = (response: ServerResponse): boolean => {
  response.socket?.destroy()
  return true
}

/** Answers requests for this blob so, everything else as it is. */
function forBlob(digest: string, answer: (response: ServerResponse, blob: Buffer, times: number) => boolean): void {
  let times = 0
  registry.misbehave = (_, response, url) => {
    if (!url.pathname.endsWith(digest)) return false
    const blob = registry.blobs.get(digest) ?? Buffer.alloc(0)
    return answer(response, blob, times++)
  }
}

function imageWithLayer(size?: number): string {
  registry.putImage('image', 'latest', [layer(size)])
  return largestBlob()
}

function largestBlob(): string {
  const [found] = [...registry.blobs].sort(([, one], [, other]) => other.length - one.length)
  return found?.[0] ?? ''
}

describe('an honest registry', () => {
  test('gives an image whose every blob is kept under its digest', async () => {
    imageWithLayer()
    const image = await pull()
    expect(image.config.config?.Cmd).toEqual(['/bin/true'])
    expect((await kept()).length).toBe(3)
    for (const digest of [image.raw.digest, image.id, ...image.manifest.layers.map((one) => one.digest)]) {
      expect(digestOf(store.readBlob(digest, 10_000_000))).toBe(digest)
    }
  })

  test('is asked once for a layer that is there twice', async () => {
    const twice = layer(1000)
    registry.putImage('image', 'latest', [twice, twice])
    await pull()
    expect(registry.requests.filter(({ path }) => path.includes('/blobs/')).length).toBe(2)
  })

  test('is asked for the platform that fits', async () => {
    const one = registry.putImage('image', 'one', [layer(10)])
    const other = registry.putImage('image', 'other', [layer(20)])
    const host = completePlatform()
    registry.putManifest(
      'image',
      'latest',
      {
        schemaVersion: 2,
        manifests: [
          { ...one, platform: { os: 'linux', architecture: 'z80' } },
          { ...other, platform: { os: 'linux', architecture: host.architecture } },
        ],
      },
      mediaTypes.ociIndex,
    )
    const image = await pull()
    expect(image.raw.digest).toBe(other.digest)
    expect(image.indexDigest).toBe(
      registry.manifests.get('image:latest') &&
        digestOf(registry.manifests.get('image:latest')?.bytes ?? Buffer.alloc(0)),
    )
  })
})

describe('a broken connection', () => {
  test('is resumed where it broke', async () => {
    const digest = imageWithLayer()
    forBlob(digest, (response, blob, times) => {
      if (times > 0) return false
      response.writeHead(200, { 'content-length': blob.length })
      response.write(blob.subarray(0, 2_000_000), () => drop(response))
      return true
    })
    await pull()
    const ranges = registry.requests.flatMap(({ path, range }) => (path.endsWith(digest) ? [range] : []))
    expect(ranges[0]).toBeUndefined()
    expect(Number(/^bytes=(\d+)-$/.exec(ranges[1] ?? '')?.[1])).toBeGreaterThan(0)
    expect(ranges.length).toBe(2)
  })

  test('is resumed by a registry that knows no ranges', async () => {
    const digest = imageWithLayer()
    forBlob(digest, (response, blob, times) => {
      response.writeHead(200, { 'content-length': blob.length })
      if (times > 0) response.end(blob)
      else response.write(blob.subarray(0, 2_000_000), () => drop(response))
      return true
    })
    await pull()
    expect(store.hasBlob(digest as `sha256:${string}`)).toBe(true)
  })

  test('ends in an error after its tries', async () => {
    const digest = imageWithLayer()
    forBlob(digest, (response, blob) => {
      response.writeHead(200, { 'content-length': blob.length })
      response.write(blob.subarray(0, 1000), () => drop(response))
      return true
    })
    await expect(pull()).rejects.toMatchObject({ code: 'registry-unreachable' })
    expect(await kept()).toEqual([])
  })

  test.each([500, 502, 503, 429])('status %i is tried again', async (status) => {
    const digest = imageWithLayer()
    forBlob(digest, (response, _, times) => {
      if (times > 0) return false
      response.writeHead(status, { 'retry-after': '0' }).end()
      return true
    })
    await pull()
    expect(log.length).toBe(1)
  })

  test('an endless Retry-After is not waited for', async () => {
    const digest = imageWithLayer()
    forBlob(digest, (response) => {
      response.writeHead(429, { 'retry-after': '86400' }).end()
      return true
    })
    await expect(pull()).rejects.toMatchObject({ code: 'registry-error' })
  })
})

describe('a blob that lies', () => {
  const answers: readonly [string, (response: ServerResponse, blob: Buffer) => void][] = [
    ['has other bytes', (response, blob) => response.end(Buffer.alloc(blob.length, 7))],
    ['has one bit flipped', (response, blob) => response.end(flipped(blob))],
    [
      'is announced shorter',
      (response, blob) => response.writeHead(200, { 'content-length': blob.length - 1 }).end(blob.subarray(1)),
    ],
    [
      'is announced longer',
      (response, blob) =>
        response.writeHead(200, { 'content-length': blob.length + 1 }).end(Buffer.concat([blob, Buffer.alloc(1)])),
    ],
    ['goes on without an end', (response) => endless(response)],
  ]
  test.each(answers)('%s: an error, nothing kept', async (_, answer) => {
    const digest = imageWithLayer()
    forBlob(digest, (response, blob) => {
      answer(response, blob)
      return true
    })
    await expect(pull()).rejects.toMatchObject({ code: 'digest-mismatch' })
    expect(await kept()).toEqual([])
  })

  test('dripping is ended', async () => {
    const digest = imageWithLayer()
    forBlob(digest, (response, blob) => {
      response.writeHead(200, { 'content-length': blob.length })
      const timer = setInterval(() => response.write(blob.subarray(0, 1)), 20)
      response.once('close', () => clearInterval(timer))
      return true
    })
    await expect(pull('image', { retry: { retries: 0, delayMilliseconds: 1 } })).rejects.toThrow(
      /less than 10000 bytes/,
    )
  })

  test('silence is ended', async () => {
    const digest = imageWithLayer()
    forBlob(digest, (response, blob) => {
      response.writeHead(200, { 'content-length': blob.length }).flushHeaders()
      return true
    })
    await expect(pull('image', { retry: { retries: 0, delayMilliseconds: 1 } })).rejects.toThrow(/stopped sending/)
  })

  test('no answer at all is ended', async () => {
    imageWithLayer()
    registry.misbehave = (_request, _response, url) => isBlob(url)
    await expect(pull('image', { retry: { retries: 0, delayMilliseconds: 1 } })).rejects.toThrow(/did not answer/)
  })
})

describe('a manifest that lies', () => {
  test('is not the one that its digest names', async () => {
    registry.putImage('image', 'latest', [layer(10)])
    const wanted = `sha256:${'a'.repeat(64)}`
    const stored = registry.manifests.get('image:latest')
    if (stored !== undefined) registry.manifests.set(wanted, stored)
    await expect(pull(`image@${wanted}`)).rejects.toMatchObject({ code: 'digest-mismatch' })
  })

  test('of a gigabyte is not read', async () => {
    registry.misbehave = (_, response, url) => {
      if (!url.pathname.includes('/manifests/')) return false
      response.writeHead(200, { 'content-length': 1024 ** 3 }).flushHeaders()
      return true
    }
    await expect(pull()).rejects.toMatchObject({ code: 'limit-exceeded' })
  })

  test('without an end is not read to it', async () => {
    registry.misbehave = (_, response, url) => {
      if (!url.pathname.includes('/manifests/')) return false
      endless(response)
      return true
    }
    await expect(pull()).rejects.toMatchObject({ code: 'limit-exceeded' })
  })

  test.each([
    ['is an image and an index', { schemaVersion: 2, manifests: [], layers: [], config: {} }],
    ['is no object', []],
    [
      'has a size below zero',
      {
        schemaVersion: 2,
        config: { mediaType: mediaTypes.ociConfig, digest: `sha256:${'a'.repeat(64)}`, size: -1 },
        layers: [],
      },
    ],
    [
      'names its config by a path',
      { schemaVersion: 2, config: { mediaType: mediaTypes.ociConfig, digest: 'sha256:../../x', size: 1 }, layers: [] },
    ],
  ])('%s', async (_, document) => {
    registry.putManifest('image', 'latest', document)
    await expect(pull()).rejects.toMatchObject({ code: 'image-invalid' })
    expect(await kept()).toEqual([])
  })

  test('of an index that contains itself, again and again, is given up', async () => {
    const platform = { os: 'linux', architecture: completePlatform().architecture }
    let inner = registry.putImage('image', 'inner', [layer(10)])
    for (let depth = 0; depth < 6; depth++) {
      const document = { schemaVersion: 2, manifests: [{ ...inner, platform }] }
      inner = registry.putManifest('image', 'latest', document, mediaTypes.ociIndex)
    }
    await expect(pull()).rejects.toThrow(/nested too deeply/)
  })

  test('has more layers than its configuration', async () => {
    registry.putImage('image', 'latest', [layer(10)], ({ config, manifest }) => ({
      config: { ...config, rootfs: { type: 'layers', diff_ids: [] } },
      manifest,
    }))
    await expect(pull()).rejects.toThrow(/1 layers, the configuration 0/)
  })

  test('has a configuration of 100 MB', async () => {
    const config = { mediaType: mediaTypes.ociConfig, digest: `sha256:${'a'.repeat(64)}`, size: 100 * 1024 ** 2 }
    registry.putManifest('image', 'latest', { schemaVersion: 2, config, layers: [] })
    await expect(pull()).rejects.toMatchObject({ code: 'limit-exceeded' })
  })
})

describe('what a registry says of itself', () => {
  test('reaches the terminal without control characters', async () => {
    registry.misbehave = (_, response) => {
      response.writeHead(404).end(JSON.stringify({ errors: [{ message: 'gone\u001b[2J\u202e' }] }))
      return true
    }
    await expect(pull()).rejects.toThrow(/gone\?\[2J\?/)
  })

  test('is not read without an end', async () => {
    registry.misbehave = (_, response) => {
      response.writeHead(404)
      endless(response)
      return true
    }
    await expect(pull()).rejects.toMatchObject({ code: 'image-pull-failed' })
  })
})

describe('credentials', () => {
  const withLogin: Partial<RegistryOptions> = {
    credentials: () => Promise.resolve({ kind: 'password', username: 'user', password: 'secret' }),
  }

  test('go nowhere before they are asked for', async () => {
    imageWithLayer(10)
    await pull('image', withLogin)
    expect(registry.requests.every(({ authorization }) => authorization === undefined)).toBe(true)
  })

  test('answer a basic challenge, and wrong ones are refused once', async () => {
    imageWithLayer(10)
    registry.misbehave = (request, response) => {
      if (request.headers.authorization === `Basic ${secret}`) return false
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end()
      return true
    }
    await pull('image', withLogin)
    const wrong: Partial<RegistryOptions> = {
      credentials: () => Promise.resolve({ kind: 'password', username: 'user', password: 'no' }),
    }
    const before = registry.requests.length
    await expect(pull('image', wrong)).rejects.toMatchObject({ code: 'registry-denied' })
    expect(registry.requests.length - before).toBe(2)
    await expect(pull('image')).rejects.toMatchObject({ code: 'registry-denied' })
  })

  test('buy one token for all requests', async () => {
    imageWithLayer(10)
    let tokens = 0
    registry.misbehave = (request, response, url) => {
      if (url.pathname === '/token') {
        tokens++
        expect(url.searchParams.get('scope')).toBe('repository:image:pull')
        expect(request.headers.authorization).toBe(`Basic ${secret}`)
        response.end(JSON.stringify({ token: 'abc' }))
        return true
      }
      if (request.headers.authorization === 'Bearer abc') return false
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${registry.host}/token",service="s"` }).end()
      return true
    }
    await pull('image', withLogin)
    expect(tokens).toBe(1)
  })

  test('a registry that is never content ends in an error', async () => {
    let tokens = 0
    registry.misbehave = (_, response, url) => {
      if (url.pathname === '/token') response.end(JSON.stringify({ token: `t${String(tokens++)}` }))
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${registry.host}/token"` }).end()
      return true
    }
    await expect(pull('image', withLogin)).rejects.toMatchObject({ code: 'registry-denied' })
    expect(tokens).toBeLessThanOrEqual(2)
  })

  test('an endless token is not read to its end', async () => {
    registry.misbehave = (_, response, url) => {
      if (url.pathname === '/token') endless(response)
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${registry.host}/token"` }).end()
      return true
    }
    await expect(pull()).rejects.toMatchObject({ code: 'limit-exceeded' })
  })

  test('never follow a redirect to another origin', async () => {
    await using other = await startTestRegistry()
    const digest = imageWithLayer()
    for (const [key, blob] of registry.blobs) other.blobs.set(key, blob)
    registry.misbehave = (request, response, url) => {
      if (request.headers.authorization !== `Basic ${secret}`) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end()
        return true
      }
      if (!url.pathname.endsWith(digest)) return false
      response.writeHead(307, { location: `http://${other.host}${url.pathname}` }).end()
      return true
    }
    await pull('image', withLogin)
    expect(other.requests.length).toBe(1)
    expect(other.requests[0]?.authorization).toBeUndefined()
  })

  test('are not sent where another origin asks for them', async () => {
    await using other = await startTestRegistry()
    const digest = imageWithLayer()
    other.misbehave = (_, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="phish"' }).end()
      return true
    }
    forBlob(digest, (response) => {
      response.writeHead(307, { location: `http://${other.host}/v2/image/blobs/${digest}` }).end()
      return true
    })
    await expect(pull('image', withLogin)).rejects.toMatchObject({ code: 'registry-denied' })
    expect(other.requests.every(({ authorization }) => authorization === undefined)).toBe(true)
  })
})

describe('redirects', () => {
  test.each([
    ['in a circle', '/v2/image/manifests/latest'],
    ['to a file', 'file:///etc/passwd'],
    ['to nothing that is a URL', 'http://['],
  ])('%s end in an error', async (_, location) => {
    imageWithLayer(10)
    registry.misbehave = (_request, response) => {
      response.writeHead(302, { location }).end()
      return true
    }
    await expect(pull()).rejects.toMatchObject({ code: 'registry-error' })
    expect(registry.requests.length).toBeLessThan(10)
  })
})

function flipped(blob: Buffer): Buffer {
  const copy = Buffer.from(blob)
  copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1
  return copy
}

/** Writes for as long as somebody reads. */
function endless(response: ServerResponse): void {
  const chunk = Buffer.alloc(256 * 1024, 0x20)
  const go = (): void => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once('drain', go)
  }
  go()
}
