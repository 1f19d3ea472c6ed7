import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import { explain, finish, type TspodStore } from '../helpers/tspod.js'
import { imageFaults, leftovers, processesOf } from './leftovers.js'
import { seededRandom } from './random.js'

/**
 * kill -9 of a build at random points: no process, no mount and no file of it is left, and the next build finds in the
 * cache only what is whole. TSPOD_CRASH_SEED repeats a run.
 */
const seed = Number(process.env['TSPOD_CRASH_SEED'] || Date.now() % 1e9)
const rounds = 12

let store: TspodStore
let folder: string

/** Two stages that run side by side, and what is copied from both; the result tells whether all of it is right. */
const dockerfile = `FROM ${image} AS one
RUN --mount=type=cache,target=/c seq 1000 > /one; cp /one /c/; sleep 0.05
FROM ${image} AS two
COPY big /big
RUN sha256sum /big > /two; sleep 0.05
FROM ${image}
WORKDIR /w
COPY --from=one /one .
COPY --from=two /two .
RUN cat one two > all
CMD ["sha256sum", "/w/all"]
`

beforeAll(async () => {
  console.log(`TSPOD_CRASH_SEED=${String(seed)}`)
  folder = await mkdtemp(join(tmpdir(), 'tspod-crash-build-'))
  await mkdir(join(folder, 'context'))
  await writeFile(join(folder, 'context', 'Dockerfile'), dockerfile)
  await writeFile(join(folder, 'context', 'big'), Buffer.alloc(3_000_000, 'big'))
  store = await busyboxStore()
})

afterAll(async () => {
  await store[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const args = (more: readonly string[]): string[] => [
  ...['build', '--quiet', '--network', 'none', '--tag', 'built', ...more],
  join(folder, 'context'),
]

test('a build that is killed anywhere leaves nothing, and the cache right', { timeout: 300_000 }, async () => {
  const random = seededRandom(seed)
  const began = performance.now()
  await store.ok(args([]))
  const length = performance.now() - began
  const right = await store.ok(['run', '--rm', '--network', 'none', 'built'])
  for (let round = 0; round < rounds; round++) {
    const more = random.next() < 0.5 ? ['--no-cache'] : []
    if (more.length === 0) await store.ok(['build', 'prune', '--all', '--force'])
    const child = store.start(args(more), ['ignore', 'pipe', 'pipe'])
    const ended = finish('build', child)
    await Promise.race([ended, delay(random.next() * length * 1.1)])
    child.kill('SIGKILL')
    await ended
    // What it had started ends with it.
    await expect.poll(() => processesOf(store), { timeout: 20_000 }).toEqual([])
    const again = await store.run(args([]))
    expect(again.status, explain(again)).toBe(0)
    expect(await store.ok(['run', '--rm', '--network', 'none', 'built'])).toBe(right)
    expect(await imageFaults(store)).toEqual([])
    await expect.poll(() => leftovers(store), { timeout: 20_000 }).toEqual([])
    expect(await readdir(join(store.runroot, 'builds'))).toEqual([])
  }
})

test('two builds of one file at once both come to the same', { timeout: 120_000 }, async () => {
  await store.ok(['build', 'prune', '--all', '--force'])
  const results = await Promise.all(['one', 'two', 'three'].map((tag) => store.run([...args([]), '--tag', tag])))
  for (const result of results) expect(result.status, explain(result)).toBe(0)
  const sums = await Promise.all(
    ['one', 'two', 'three'].map((tag) => store.ok(['run', '--rm', '--network', 'none', tag])),
  )
  expect(new Set(sums).size).toBe(1)
  await expect.poll(() => leftovers(store), { timeout: 20_000 }).toEqual([])
})
