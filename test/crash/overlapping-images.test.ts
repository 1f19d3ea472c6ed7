import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { ImageManifest } from '../../src/oci/image-spec.js'
import { busyboxLayer } from '../helpers/images.js'
import { startTestRegistry, type TestRegistry } from '../helpers/registry.js'
import { removalsEnd } from '../helpers/removals.js'
import { tarArchive } from '../helpers/tar.js'
import { explain, tspodStore, type Result, type TspodStore } from '../helpers/tspod.js'
import { imageFaults, leftovers } from './leftovers.js'
import { seededRandom, type Random } from './random.js'

/** Images that share layers, and eight processes at them at once. TSPOD_CRASH_SEED repeats the choices. */
const seed = Number(process.env['TSPOD_CRASH_SEED'] || Date.now() % 1e9)
const processes = 8
const operations = 200
const numbers = [0, 1, 2, 3, 4, 5, 6, 7]

let store: TspodStore
let registry: TestRegistry
/** Digest ─► how often it was asked for. */
const asked = new Map<string, number>()
/** The most that were under way at once of one blob. */
let mostAtOnce = 0

beforeAll(async () => {
  console.log(`TSPOD_CRASH_SEED=${String(seed)}`)
  store = await tspodStore()
  registry = await startTestRegistry()
  const base = await busyboxLayer()
  const own = numbers.map((number) =>
    tarArchive([
      { path: 'part/', type: 'directory' },
      { path: `part/${String(number)}`, content: 'x'.repeat(100_000) },
    ]),
  )
  for (const number of numbers) {
    const above = partsOf(number).flatMap((part) => own[part] ?? [])
    registry.putImage(`image-${String(number)}`, 'latest', [base, ...above])
  }
  count()
})

afterAll(async () => {
  await store[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
})

/** Which files an image has, of which others have some. */
const partsOf = (number: number): number[] => [number, (number + 1) % 8, (number + 3) % 8]
const nameOf = (number: number): string => `${registry.host}/image-${String(number)}`

function count(): void {
  const underWay = new Map<string, number>()
  registry.misbehave = (_, response, url) => {
    const digest = /\/blobs\/(.*)$/.exec(url.pathname)?.[1]
    if (digest === undefined) return false
    const now = (underWay.get(digest) ?? 0) + 1
    underWay.set(digest, now)
    asked.set(digest, (asked.get(digest) ?? 0) + 1)
    mostAtOnce = Math.max(mostAtOnce, now)
    response.once('close', () => underWay.set(digest, (underWay.get(digest) ?? 1) - 1))
    return false
  }
}

function layerDigests(): ReadonlySet<string> {
  const manifests = [...registry.manifests.values()].map(({ bytes }) => JSON.parse(bytes.toString()) as ImageManifest)
  return new Set(manifests.flatMap(({ layers }) => layers.map(({ digest }) => digest)))
}

test('eight that pull all of them at once fetch and unpack every layer once', { timeout: 120_000 }, async () => {
  const pulls = numbers.map((first) => {
    const names = numbers.map((number) => nameOf((number + first) % 8))
    return store.run(['pull', '-q', ...names])
  })
  for (const result of await Promise.all(pulls)) expect(result.status, explain(result)).toBe(0)
  const layers = layerDigests()
  expect(layers.size).toBe(9)
  expect([...layers].filter((digest) => asked.get(digest) !== 1)).toEqual([])
  expect(await readdir(join(store.root, 'layers'))).toHaveLength(9)
  expect(await readdir(join(store.root, 'tmp'))).toEqual([])
})

test('two hundred pulls, runs and removals leave every image intact', { timeout: 600_000 }, async () => {
  const share = operations / processes
  await Promise.all(
    numbers.slice(0, processes).map(async (worker) => {
      const random = seededRandom(seed + worker)
      for (let number = 0; number < share; number++) await operate(random)
    }),
  )
  const check = await store.run(['system', 'check'])
  expect(check, explain(check)).toMatchObject({ status: 0, stdout: '' })
  expect(await imageFaults(store)).toEqual([])
  for (const number of numbers) {
    await store.ok(['pull', '-q', nameOf(number)])
    const shown = await store.ok([
      'run',
      '--rm',
      '--network',
      'none',
      nameOf(number),
      'sh',
      '-c',
      'cd /part && wc -c *',
    ])
    expect(shown.match(/100000 \d/g)?.sort()).toEqual(
      partsOf(number)
        .map((part) => `100000 ${String(part)}`)
        .sort(),
    )
  }
  /* One fetches it, the others wait, also while somebody else removes. */
  expect(mostAtOnce).toBe(1)
  await store.ok(['rmi', '--all'])
  await removalsEnd(join(store.root, 'tmp'))
  const folders = ['layers', 'images/blobs/sha256', 'cache/images'].map((name) => join(store.root, name))
  expect((await Promise.all(folders.map((one) => readdir(one)))).flat()).toEqual([])
  await expect.poll(() => leftovers(store), { timeout: 20_000 }).toEqual([])
})

async function operate(random: Random): Promise<void> {
  const name = nameOf(random.pick(numbers))
  const verb = random.pick(['pull', 'run', 'rmi'] as const)
  const result = await store.run(argumentsOf(verb, name))
  expect(isExpected(verb, result), explain(result)).toBe(true)
}

function argumentsOf(verb: 'pull' | 'run' | 'rmi', name: string): string[] {
  if (verb === 'run')
    return ['run', '--rm', '--network', 'none', name, 'cat', '/part/0', '/part/1', '/part/2', '/part/3']
  return verb === 'pull' ? ['pull', '-q', name] : ['rmi', name]
}

/** What others do to the same images may get in the way, but only in these words. */
function isExpected(verb: 'pull' | 'run' | 'rmi', { status, stderr }: Result): boolean {
  if (verb === 'rmi') {
    return (
      status === 0 ||
      (status === 1 && stderr.includes('image not known')) ||
      (status === 2 && stderr.includes('in use'))
    )
  }
  if (verb === 'pull') return status === 0
  /* Not every image has all of the files: cat says so with 1. */
  return status === 0 || status === 1 || (status === 125 && stderr.includes('was removed while'))
}
