import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { nativeFile } from '../../src/base/native-dir.js'
import type { Digest } from '../../src/oci/image-spec.js'
import { tryLock } from '../../src/state/lock.js'
import { pathsOf, type Paths } from '../../src/state/paths.js'
import { chooseDriver } from '../../src/storage/driver.js'
import { usernsArguments } from '../../src/storage/inside.js'
import { LayerStore } from '../../src/storage/layers.js'
import { layerChain } from '../../src/storage/overlay.js'
import { removalsEnd } from '../helpers/removals.js'
import { layerFolder, type LayerFolder } from '../helpers/layer-folder.js'
import { tarArchive } from '../helpers/tar.js'

let layers: LayerFolder
let paths: Paths
let store: LayerStore
beforeEach(async () => {
  layers = await layerFolder()
  paths = pathsOf(join(layers.path, 'root'), join(layers.path, 'run'))
  for (const folder of [paths.tmp, paths.locks]) await mkdir(folder, { recursive: true })
  store = new LayerStore(paths, () => Promise.resolve(layers.plan))
})
afterEach(async () => {
  await layers[Symbol.asyncDispose]()
})

function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

async function blobOf(content: string): Promise<{ path: string; digest: Digest; size: number }> {
  const bytes = tarArchive([{ path: 'etc/', type: 'directory', uid: 9, mode: 0o700 }, { path: 'etc/f', content, uid: 9 }])
  const digest = digestOf(bytes)
  const path = join(layers.path, digest.slice(7, 20))
  await writeFile(path, bytes)
  return { path, digest, size: bytes.length }
}

describe('the layer store', () => {
  test('unpacks a layer once, however many ask at once', async () => {
    const blob = await blobOf('one')
    let opened = 0
    const open = (): string => {
      opened++
      return blob.path
    }
    const found = await Promise.all(Array.from({ length: 8 }, () => store.ensureLayer(blob, blob.digest, open)))
    expect(opened).toBe(1)
    expect(new Set(found.map((layer) => layer.diffId))).toEqual(new Set([blob.digest]))
    expect(store.get(blob.digest)).toMatchObject({ digest: blob.digest, size: blob.size, entries: 2 })
    expect(store.list()).toHaveLength(1)
    expect(await readdir(paths.tmp)).toEqual([])
    expect(await readdir(paths.locks)).toEqual([])
  })

  test('makes another try after one that failed', async () => {
    const blob = await blobOf('one')
    await expect(store.ensureLayer({ ...blob, size: 7 }, blob.digest, () => blob.path)).rejects.toMatchObject({ code: 'digest-mismatch' })
    await expect(store.ensureLayer(blob, blob.digest, () => join(layers.path, 'missing'))).rejects.toMatchObject({ code: 'io' })
    expect(store.has(blob.digest)).toBe(false)
    await store.ensureLayer(blob, blob.digest, () => blob.path)
    expect(store.has(blob.digest)).toBe(true)
  })

  test('starts anew where a killed command stopped', async () => {
    const blob = await blobOf('one')
    const half = join(paths.tmp, `layer-${blob.digest.slice(7)}`)
    await mkdir(join(half, 'diff/etc/left'), { recursive: true })
    await store.ensureLayer(blob, blob.digest, () => blob.path)
    expect(await readdir(store.folder(blob.digest))).toEqual(['etc'])
    await expect(stat(half)).rejects.toThrow('ENOENT')
  })

  test('finds out the DiffID of what is imported, and keeps one of each', async () => {
    const blob = await blobOf('one')
    expect(await store.importLayer(() => blob.path)).toMatchObject({ diffId: blob.digest })
    expect(await store.importLayer(() => blob.path)).toMatchObject({ diffId: blob.digest })
    expect(store.list()).toHaveLength(1)
    expect(await readdir(paths.tmp)).toEqual([])
  })

  test('removes what is not live, and litter, but nothing that is being made', async () => {
    const [kept, gone] = [await blobOf('kept'), await blobOf('gone')]
    for (const blob of [kept, gone]) await store.ensureLayer(blob, blob.digest, () => blob.path)
    for (const name of ['layer-litter', 'layer-busy']) await mkdir(join(paths.tmp, name, 'diff'), { recursive: true })
    const busy = tryLock(join(paths.locks, 'layer-busy'))
    try {
      expect(await store.removeExcept(new Set([kept.digest]))).toEqual([gone.digest])
      expect(store.list().map((layer) => layer.diffId)).toEqual([kept.digest])
      await removalsEnd(paths.tmp)
      expect(await readdir(paths.tmp)).toEqual(['layer-busy'])
    } finally {
      busy?.release()
    }
  })

  test('ends when it is told to, and leaves nothing', async () => {
    const blob = await blobOf('one')
    const stopped = AbortSignal.abort()
    await expect(store.ensureLayer(blob, blob.digest, () => blob.path, { signal: stopped })).rejects.toMatchObject({ name: 'AbortError' })
    expect(await readdir(paths.tmp)).toEqual([])
  })

  test('passes on the failure of what it reads from', async () => {
    const blob = await blobOf('one')
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield (await readFile(blob.path)).subarray(0, 1000)
      throw new Error('connection reset')
    }
    await expect(store.ensureLayer(blob, blob.digest, () => broken())).rejects.toThrow('connection reset')
    expect(await readdir(paths.tmp)).toEqual([])
  })
})

test('a caller that is killed takes its work along', async () => {
  const fifo = join(layers.path, 'blob')
  const make = [nativeFile('tspod-inside'), 'apply', ...usernsArguments(layers.plan), '--input', fifo, '--root', await layers.folder('layer')]
  /* The shell's descriptor 3 keeps the blob from ending: only a signal ends who reads it. */
  const script = 'mkfifo "$0" && exec 3<>"$0" && { "$@" & echo $!; wait; }'
  const caller = spawn('sh', ['-c', script, fifo, ...make], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [pid] = (await once(caller.stdout, 'data')) as [Buffer]
  /* Its other threads start when it has entered the namespace and begins to read. */
  await vi.waitFor(() => expect(readdirSync(`/proc/${pid.toString().trim()}/task`)).toHaveLength(3), 20_000)
  caller.kill('SIGKILL')
  caller.stdout.resume()
  await once(caller.stdout, 'end')
})

describe('a chain of layers', () => {
  const [a, b] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`] as const

  test('is topmost first, each layer once', () => {
    expect(layerChain(paths, [a, b, a])).toEqual([a, b].map((digest) => join(paths.layers, digest.slice(7), 'diff')))
  })

  test('of no layer is an empty folder', async () => {
    const [only, ...more] = layerChain(paths, [])
    expect([more, await readdir(only ?? '')]).toEqual([[], []])
  })
})

describe('the storage driver', () => {
  test('is found by trying, and remembered', async () => {
    const first = await chooseDriver(paths, { plan: layers.plan, searchPath: process.env['PATH'] })
    expect(['overlay', 'fuse-overlayfs', 'copy']).toContain(first.name)
    expect(await readdir(paths.tmp)).toEqual([])
    const file = join(paths.cache, 'storage-driver.json')
    const remembered = JSON.parse(await readFile(file, 'utf8')) as { driver: { reason: string } }
    await writeFile(file, JSON.stringify({ ...remembered, driver: { ...remembered.driver, reason: 'remembered' } }))
    expect(await chooseDriver(paths, { plan: layers.plan, searchPath: process.env['PATH'] })).toMatchObject({ reason: 'remembered' })
  })

  test('is tried again when what is remembered is of another boot, or damaged', async () => {
    await mkdir(paths.cache, { recursive: true })
    for (const text of ['{"version":1,"key":"another","driver":{"name":"copy","reason":"wrong"}}', '{', '[]', '{"driver":null,"key":""}']) {
      await writeFile(join(paths.cache, 'storage-driver.json'), text)
      expect(await chooseDriver(paths, { plan: layers.plan })).not.toMatchObject({ reason: 'wrong' })
    }
  })

  test('may be forced; one that does not work is an error', async () => {
    expect(await chooseDriver(paths, { plan: layers.plan, forced: 'copy' })).toMatchObject({ name: 'copy' })
    const broken = { ...layers.plan, mode: 'new', newuidmap: '/bin/false', newgidmap: '/bin/false', writer: 'helpers' } as const
    await expect(chooseDriver(paths, { plan: broken, forced: 'overlay' })).rejects.toMatchObject({
      code: 'host-requirement',
      message: expect.stringContaining('storage driver overlay does not work here') as string,
    })
  })
})
