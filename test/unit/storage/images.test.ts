import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { digestOf } from '../../../src/base/digest.js'
import type { Digest } from '../../../src/oci/image-spec.js'
import { ImageStore } from '../../../src/storage/images.js'

let folder = ''
let store: ImageStore

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tspod-images-'))
  mkdirSync(join(folder, 'tmp'))
  store = new ImageStore({ images: join(folder, 'images'), tmp: join(folder, 'tmp') })
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text))
}

async function put(text: string): Promise<Digest> {
  const digest = await digestOf(Buffer.from(text))
  await store.putBlob({ digest, size: text.length }, () => bytes(text))
  return digest
}

const nothing = (): Promise<void> => Promise.resolve()

test('a blob is opened only if it is not there', async () => {
  const digest = await put('content')
  const again = await store.putBlob({ digest, size: 7 }, () => {
    throw new Error('opened')
  })
  expect(again.existed).toBe(true)
  expect(store.readBlob(digest).toString()).toBe('content')
})

test('of two that want the same blob one opens it', async () => {
  const digest = await digestOf(Buffer.from('content'))
  let opened = 0
  const open = (): AsyncIterable<Uint8Array> => {
    opened++
    return bytes('content')
  }
  await Promise.all([1, 2, 3].map(() => store.putBlob({ digest, size: 7 }, open)))
  expect(opened).toBe(1)
})

test('a blob that fails half-way leaves nothing', async () => {
  const digest = await digestOf(Buffer.from('content'))
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from('con'))
    throw new Error('broken')
  }
  await expect(store.putBlob({ digest, size: 7 }, broken)).rejects.toThrow('broken')
  expect(readdirSync(join(folder, 'tmp'))).toEqual([])
  expect(store.hasBlob(digest)).toBe(false)
})

test('collecting keeps what is reached, and everything while a lease is held', async () => {
  const [kept, gone] = [await put('kept'), await put('gone')]
  const reach = (): Promise<{ blobs: Set<string> }> => Promise.resolve({ blobs: new Set([kept]) })
  const lease = await store.lease()
  expect(await store.collect(reach, nothing)).toBeUndefined()
  expect(store.hasBlob(gone)).toBe(true)
  lease[Symbol.dispose]()
  expect(await store.collect(reach, nothing)).toEqual([gone])
  expect(store.hasBlob(kept)).toBe(true)
})

test('what killed commands left is swept', async () => {
  await put('content')
  writeFileSync(join(folder, 'tmp', `blob-${'a'.repeat(64)}`), 'half')
  writeFileSync(join(folder, 'tmp', 'lease-0123456789abcdef'), '')
  writeFileSync(join(folder, 'images', 'index.json.1.tmp'), '{')
  expect(store.sweep()).toBe(true)
  expect(store.sweep()).toBe(false)
  await store.collect(() => Promise.resolve({ blobs: new Set<string>() }), nothing)
  expect(readdirSync(join(folder, 'tmp'))).toEqual([])
  expect(readdirSync(join(folder, 'images')).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

test('changes of the index do not get lost, however many at once', async () => {
  const entry = { mediaType: 'm', size: 1, digests: [], history: [], annotations: {} }
  await Promise.all(
    Array.from({ length: 20 }, (_, number) =>
      store.update((entries) => ({
        entries: [...entries, { ...entry, manifest: `sha256:${'a'.repeat(64)}`, name: `x:${String(number)}` }],
        result: undefined,
      })),
    ),
  )
  expect(new Set(store.entries().map(({ name }) => name)).size).toBe(20)
})
