import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { busyboxLayer } from '../helpers/images.js'
import { explain, tspodStore, type TspodStore } from '../helpers/tspod.js'
import { leftovers, processesOf } from './leftovers.js'

const image = 'localhost/busybox:latest'
const twenty = Array.from({ length: 20 }, (_, number) => `t${String(number)}`)

let store: TspodStore

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tspod-at-once-'))
  const archive = join(folder, 'busybox.tar')
  await writeFile(archive, await busyboxLayer())
  store = await tspodStore()
  await store.ok(['import', archive, image])
  await rm(folder, { recursive: true })
})

afterAll(async () => {
  await store[Symbol.asyncDispose]()
})

test('twenty containers started at once all run, each with its own name', { timeout: 120_000 }, async () => {
  const results = await Promise.all(
    twenty.map((name) => store.run(['run', '-d', '--network', 'none', '--name', name, image, 'sleep', '1000'])),
  )
  for (const result of results) expect(result.status, explain(result)).toBe(0)
  const names = await store.ok(['ps', '--format', '{{.Names}}'])
  expect(names.split('\n').sort()).toEqual([...twenty].sort())
  // A monitor and a command each: what looks for leftovers would see them.
  expect((await processesOf(store)).length).toBeGreaterThanOrEqual(40)
  await store.ok(['rm', '--force', '--time', '0', ...twenty])
  await expect.poll(() => leftovers(store), { timeout: 20_000 }).toEqual([])
})

test('twenty containers without a name get twenty names', { timeout: 120_000 }, async () => {
  await Promise.all(twenty.map(() => store.ok(['create', '--network', 'none', image, 'true'])))
  const names = (await store.ok(['ps', '--all', '--format', '{{.Names}}'])).split('\n')
  expect(new Set(names).size).toBe(20)
  await store.ok(['rm', '--all'])
})

test('twenty run --rm at once leave nothing', { timeout: 120_000 }, async () => {
  const outputs = await Promise.all(
    twenty.map((word) => store.ok(['run', '--rm', '--network', 'none', image, 'echo', word])),
  )
  expect(outputs).toEqual(twenty)
  await expect.poll(() => leftovers(store), { timeout: 20_000 }).toEqual([])
})

test('of twenty that want one name, one gets it', { timeout: 120_000 }, async () => {
  const results = await Promise.all(
    twenty.map(() => store.run(['create', '--network', 'none', '--name', 'one', image, 'true'])),
  )
  expect(results.filter(({ status }) => status === 0)).toHaveLength(1)
  for (const result of results.filter(({ status }) => status !== 0)) {
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toContain('one')
  }
  await store.ok(['rm', 'one'])
})

test('of two rm of one container, one succeeds and the other says it is gone', { timeout: 120_000 }, async () => {
  for (let round = 0; round < 5; round++) {
    await store.ok(['run', '-d', '--network', 'none', '--name', 'gone', image, 'sleep', '1000'])
    const results = await Promise.all([1, 2].map(() => store.run(['rm', '--force', '--time', '0', 'gone'])))
    const statuses = results.map(({ status }) => status)
    // `rm --force` of what is gone is no failure in Podman 5, so the loser may say 0 as well; it never breaks.
    for (const result of results) expect([0, 1], explain(result)).toContain(result.status)
    expect(statuses, results.map(explain).join('\n')).toContain(0)
  }
  await expect.poll(() => leftovers(store), { timeout: 20_000 }).toEqual([])
})

test('of two rm of one stopped container, exactly one succeeds', { timeout: 120_000 }, async () => {
  for (let round = 0; round < 10; round++) {
    await store.ok(['create', '--network', 'none', '--name', 'gone', image, 'true'])
    const results = await Promise.all([1, 2].map(() => store.run(['rm', 'gone'])))
    expect(results.map(({ status }) => status).sort(), results.map(explain).join('\n')).toEqual([0, 1])
    const loser = results.find(({ status }) => status === 1)
    expect(loser?.stderr).toMatch(/no container with name or ID "gone" found|no such container/i)
  }
})
