import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readVerified, verified } from '../../../src/image/verify.js'
import type { Digest } from '../../../src/oci/image-spec.js'

const content = Buffer.from('what was meant')
const large = Buffer.alloc(300 * 1024, 'x')

function describedAs(bytes: Uint8Array, algorithm = 'sha256'): { readonly digest: Digest; readonly size: number } {
  const digest: Digest = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
  return { digest, size: bytes.length }
}

async function* of(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield await Promise.resolve(part)
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts)
}

describe.each([
  [
    'read whole',
    (chunks: AsyncIterable<Uint8Array>, as: { digest: Digest; size: number }) => readVerified(chunks, as, 1 << 20),
  ],
  ['passed on', (chunks: AsyncIterable<Uint8Array>, as: { digest: Digest; size: number }) => all(verified(chunks, as))],
] as const)('a blob that is %s', (_, read) => {
  test.each([
    ['sha256', content],
    ['sha512', content],
    ['sha256', large],
    ['sha256', Buffer.alloc(0)],
  ])('is what it was said to be (%s)', async (algorithm, bytes) => {
    const half = Math.floor(bytes.length / 2)
    expect(await read(of(bytes.subarray(0, half), bytes.subarray(half)), describedAs(bytes, algorithm))).toEqual(bytes)
  })

  test.each([
    ['sha256', content],
    ['sha512', content],
    ['sha256', large],
  ])('has other bytes (%s)', async (algorithm, bytes) => {
    const other = Buffer.from(bytes)
    other[0] = (other[0] ?? 0) ^ 1
    await expect(read(of(other), describedAs(bytes, algorithm))).rejects.toMatchObject({
      code: 'digest-mismatch',
      message: expect.stringContaining('has the wrong content') as string,
    })
  })

  test('is shorter', async () => {
    await expect(read(of(content.subarray(1)), describedAs(content))).rejects.toMatchObject({
      code: 'digest-mismatch',
      message: expect.stringContaining(`has ${String(content.length - 1)} bytes instead of`) as string,
    })
  })

  test('does not end', async () => {
    let given = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        given++
        yield await Promise.resolve(content)
      }
    }
    await expect(read(endless(), describedAs(content))).rejects.toMatchObject({
      code: 'digest-mismatch',
      message: expect.stringContaining('is longer than') as string,
    })
    expect(given).toBe(2)
  })
})

test('what is too large to be read whole is not begun', async () => {
  const chunks = of(content)
  await expect(readVerified(chunks, describedAs(content), content.length - 1)).rejects.toMatchObject({
    code: 'limit-exceeded',
  })
  expect(await all(chunks)).toEqual(content)
})
