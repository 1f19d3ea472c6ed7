import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { compressionOf, decompressed, sniffed } from '../../../src/image/archive/compression.js'

async function* pieces(bytes: Buffer, size = 1000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

async function lengthOf(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0
  for await (const chunk of chunks) length += chunk.length
  return length
}

describe('a compressed stream', () => {
  test('is known by its first bytes, however few come at once', async () => {
    const { compression, stream } = await sniffed(pieces(gzipSync('text'), 1))
    expect(compression).toBe('gzip')
    expect(await lengthOf(decompressed(stream, compression))).toBe(4)
    expect(compressionOf(Buffer.from('BZh9'))).toBe('bzip2')
    expect(compressionOf(Buffer.from('28b52ffd00', 'hex'))).toBe('zstd')
    expect(compressionOf(Buffer.from('fd377a585a00', 'hex'))).toBe('xz')
    expect(compressionOf(Buffer.from('a tar archive'))).toBe('none')
  })

  test('that is damaged or cut off is an error', async () => {
    const whole = gzipSync(Buffer.alloc(100_000, 'x'))
    const damaged = Buffer.from(whole)
    damaged.fill(0xff, 60, 90)
    for (const bytes of [damaged, whole.subarray(0, -10)]) {
      await expect(lengthOf(decompressed(pieces(bytes), 'gzip'))).rejects.toMatchObject({ code: 'archive-invalid' })
    }
  })

  test('that inflates beyond all proportion is ended', async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000))
    const limit = { free: 5_000_000, ratio: 200 }
    await expect(lengthOf(decompressed(pieces(bomb), 'gzip', limit))).rejects.toMatchObject({ code: 'limit-exceeded' })
    expect(await lengthOf(decompressed(pieces(bomb), 'gzip', { ...limit, free: 30_000_000 }))).toBe(20_000_000)
    expect(await lengthOf(decompressed(pieces(bomb), 'gzip', { ...limit, ratio: 2000 }))).toBe(20_000_000)
  })
})
