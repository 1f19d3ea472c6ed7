import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { completePlatform } from '../../src/image/platform.js'
import { mediaTypes } from '../../src/oci/image-spec.js'
import { digestOf } from '../helpers/registry.js'
import { drop, endless, isBlob, layer, lyingRegistry } from './lies.js'

const lies = lyingRegistry()

describe('an honest registry', () => {
  test('gives an image whose every blob is kept under its digest', async () => {
    lies.imageWithLayer()
    const image = await lies.pull()
    expect(image.config.config?.Cmd).toEqual(['/bin/true'])
    expect((await lies.kept()).length).toBe(3)
    for (const digest of [image.raw.digest, image.id, ...image.manifest.layers.map((one) => one.digest)]) {
      expect(digestOf(lies.store.readBlob(digest, 10_000_000))).toBe(digest)
    }
  })

  test('is asked once for a layer that is there twice', async () => {
    const twice = layer(1000)
    lies.registry.putImage('image', 'latest', [twice, twice])
    await lies.pull()
    expect(lies.registry.requests.filter(({ path }) => path.includes('/blobs/')).length).toBe(2)
  })

  test('is asked for the platform that fits', async () => {
    const one = lies.registry.putImage('image', 'one', [layer(10)])
    const other = lies.registry.putImage('image', 'other', [layer(20)])
    const host = completePlatform()
    lies.registry.putManifest(
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
    const image = await lies.pull()
    expect(image.raw.digest).toBe(other.digest)
    expect(image.indexDigest).toBe(
      lies.registry.manifests.get('image:latest') &&
        digestOf(lies.registry.manifests.get('image:latest')?.bytes ?? Buffer.alloc(0)),
    )
  })
})

describe('a broken connection', () => {
  test('is resumed where it broke', async () => {
    const digest = lies.imageWithLayer()
    lies.forBlob(digest, (response, blob, times) => {
      if (times > 0) return false
      response.writeHead(200, { 'content-length': blob.length })
      response.write(blob.subarray(0, 2_000_000), () => drop(response))
      return true
    })
    await lies.pull()
    const ranges = lies.registry.requests.flatMap(({ path, range }) => (path.endsWith(digest) ? [range] : []))
    expect(ranges[0]).toBeUndefined()
    expect(Number(/^bytes=(\d+)-$/.exec(ranges[1] ?? '')?.[1])).toBeGreaterThan(0)
    expect(ranges.length).toBe(2)
  })

  test('is resumed by a registry that knows no ranges', async () => {
    const digest = lies.imageWithLayer()
    lies.forBlob(digest, (response, blob, times) => {
      response.writeHead(200, { 'content-length': blob.length })
      if (times > 0) response.end(blob)
      else response.write(blob.subarray(0, 2_000_000), () => drop(response))
      return true
    })
    await lies.pull()
    expect(lies.store.hasBlob(digest as `sha256:${string}`)).toBe(true)
  })

  test('ends in an error after its tries', async () => {
    const digest = lies.imageWithLayer()
    lies.forBlob(digest, (response, blob) => {
      response.writeHead(200, { 'content-length': blob.length })
      response.write(blob.subarray(0, 1000), () => drop(response))
      return true
    })
    await expect(lies.pull()).rejects.toMatchObject({ code: 'registry-unreachable' })
    expect(await lies.kept()).toEqual([])
  })

  test.each([500, 502, 503, 429])('status %i is tried again', async (status) => {
    const digest = lies.imageWithLayer()
    lies.forBlob(digest, (response, _, times) => {
      if (times > 0) return false
      response.writeHead(status, { 'retry-after': '0' }).end()
      return true
    })
    await lies.pull()
    expect(lies.log.length).toBe(1)
  })

  test('an endless Retry-After is not waited for', async () => {
    const digest = lies.imageWithLayer()
    lies.forBlob(digest, (response) => {
      response.writeHead(429, { 'retry-after': '86400' }).end()
      return true
    })
    await expect(lies.pull()).rejects.toMatchObject({ code: 'registry-error' })
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
    const digest = lies.imageWithLayer()
    lies.forBlob(digest, (response, blob) => {
      answer(response, blob)
      return true
    })
    await expect(lies.pull()).rejects.toMatchObject({ code: 'digest-mismatch' })
    expect(await lies.kept()).toEqual([])
  })

  test('dripping is ended', async () => {
    const digest = lies.imageWithLayer()
    lies.forBlob(digest, (response, blob) => {
      response.writeHead(200, { 'content-length': blob.length })
      const timer = setInterval(() => response.write(blob.subarray(0, 1)), 20)
      response.once('close', () => clearInterval(timer))
      return true
    })
    await expect(lies.pull('image', { retry: { retries: 0, delayMilliseconds: 1 } })).rejects.toThrow(
      /less than 10000 bytes/,
    )
  })

  test('silence is ended', async () => {
    const digest = lies.imageWithLayer()
    lies.forBlob(digest, (response, blob) => {
      response.writeHead(200, { 'content-length': blob.length }).flushHeaders()
      return true
    })
    await expect(lies.pull('image', { retry: { retries: 0, delayMilliseconds: 1 } })).rejects.toThrow(/stopped sending/)
  })

  test('no answer at all is ended', async () => {
    lies.imageWithLayer()
    lies.registry.misbehave = (_request, _response, url) => isBlob(url)
    await expect(lies.pull('image', { retry: { retries: 0, delayMilliseconds: 1 } })).rejects.toThrow(/did not answer/)
  })
})

function flipped(blob: Buffer): Buffer {
  const copy = Buffer.from(blob)
  copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1
  return copy
}
