import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { busyboxLayer, makeLayout } from '../helpers/images.js'
import { startRegistry, type RegistryProcess } from '../helpers/registry-process.js'
import { removalsEnd } from '../helpers/removals.js'
import { smallDisk, type SmallDisk } from '../helpers/small-disk.js'
import { tarArchive } from '../helpers/tar.js'
import { explain, finish, program, tspodStore, type Result, type TspodStore } from '../helpers/tspod.js'

/** A full disk in the middle of anything: one clear error, and the store is as it was. */
const megabyte = 1024 * 1024

let disk: SmallDisk
let store: TspodStore
let registry: RegistryProcess
let folder: string
/** Its layer does not compress, and another one's does. */
let dense: string
let airy: string
let archive: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tspod-full-'))
  disk = await smallDisk(48 * megabyte)
  store = await tspodStore()
  registry = await startRegistry()
  const layout = async (name: string, content: Buffer): Promise<string> => {
    const layers = [tarArchive([{ path: 'low', content: name }]), tarArchive([{ path: 'high', content }])]
    return registry.push(await makeLayout(join(folder, name), { layers }), name)
  }
  dense = await layout('dense', randomBytes(8 * megabyte))
  airy = await layout('airy', Buffer.alloc(8 * megabyte, 'x'))
  archive = join(folder, 'dense.tar')
  await store.ok(['pull', '-q', dense])
  await store.ok(['save', '-q', '-o', archive, dense])
  await on(['import', '-q', '-', 'localhost/small'], await busyboxLayer())
})

beforeEach(() => disk.leave(40 * megabyte))

afterAll(async () => {
  await registry[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
  await disk[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** The same program where the small disk is, with its store on it. */
async function run(args: readonly string[], input: Uint8Array = Buffer.alloc(0)): Promise<Result> {
  const [root, runroot] = ['store', 'run'].map((name) => join(disk.inside, name)) as [string, string]
  const inside = disk.command(program, '--root', root, '--runroot', runroot, ...args)
  const child = spawn(inside.program, inside.args, { env: store.env })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return finish(args.join(' '), child)
}

async function on(args: readonly string[], input?: Uint8Array): Promise<string> {
  const result = await run(args, input)
  expect(result.status, explain(result)).toBe(0)
  return result.stdout.trimEnd()
}

async function usedAfterwards(): Promise<number> {
  await removalsEnd(join(disk.path, 'store', 'tmp'))
  return disk.used()
}

/** It fails for want of space, keeps nothing, and works once there is space. */
async function expectRoomIsMissed(free: number, args: readonly string[]): Promise<void> {
  const images = await on(['images', '--format', '{{.Repository}} {{.Digest}} {{.ID}} {{.Size}}'])
  const used = await usedAfterwards()
  await disk.leave(free)
  const failed = await run(args)
  expect(failed.status, explain(failed)).toBe(125)
  expect(failed.stderr, explain(failed)).toMatch(/no space left on device/)
  expect(
    failed.stderr
      .trimEnd()
      .split('\n')
      .filter((line) => line.startsWith('Error')),
    explain(failed),
  ).toHaveLength(1)
  expect(await on(['images', '--format', '{{.Repository}} {{.Digest}} {{.ID}} {{.Size}}'])).toBe(images)
  await disk.leave(40 * megabyte)
  /* Folders that were not there yet may be now. */
  expect((await usedAfterwards()) - used).toBeLessThan(64 * 1024)
  expect(await readdir(join(disk.path, 'store', 'tmp'))).toEqual([])
  expect(await on(['system', 'check'])).toBe('')
  await on(args)
}

test.each([
  ['pull, while a layer comes', 3 * megabyte, () => ['pull', '-q', dense]],
  ['pull, while a layer is unpacked', 3 * megabyte, () => ['pull', '-q', airy]],
  ['load, while a layer is read', 3 * megabyte, () => ['load', '-q', '-i', archive]],
  ['load, with the layer kept and no room for its files', 12 * megabyte, () => ['load', '-q', '-i', archive]],
])('%s', async (_, free, args) => {
  await on(['rmi', '--ignore', dense, airy])
  await expectRoomIsMissed(free, args())
})

test('commit', async () => {
  const write = ['sh', '-c', 'head -c 6000000 /dev/urandom > /big']
  await on(['run', '--network', 'none', '--cgroups', 'disabled', '--name', 'changed', 'localhost/small', ...write])
  await expectRoomIsMissed(8 * megabyte, ['commit', '-q', 'changed', 'localhost/made'])
  await on(['rm', 'changed'])
})

test('push, which compresses on the disk', async () => {
  await on(['pull', '-q', dense])
  const to = `${registry.host}/zstd`
  await expectRoomIsMissed(3 * megabyte, ['push', '-q', '--compression-format', 'zstd', dense, to])
})

test('a disk without a byte lets images be listed and removed', async () => {
  await on(['rmi', '--ignore', dense])
  const used = await usedAfterwards()
  await on(['pull', '-q', dense])
  await disk.leave(0)
  expect(await on(['images', '-q', dense])).not.toBe('')
  await on(['rmi', dense])
  expect((await usedAfterwards()) - used).toBeLessThan(64 * 1024)
})
