import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { busyboxLayout } from '../helpers/images.js'
import { tspodStore, type TspodStore } from '../helpers/tspod.js'

let store: TspodStore

beforeAll(async () => {
  store = await tspodStore()
  await busyboxLayout(join(store.folder, 'layout'), { tag: 'localhost/busybox:latest' })
  await store.ok(['load', '-q', '-i', 'layout'])
})

afterAll(async () => {
  await store[Symbol.asyncDispose]()
})

test.each([
  [['--uid', '5', '--gid', '6'], '5 6'],
  [['--gid', '7'], '0 7'],
  [['--opt', 'o=uid=8,gid=9'], '8 9'],
  [[], '0 0'],
])('a volume made with %j belongs to %s', async (flags, owner) => {
  const name = await store.ok(['volume', 'create', ...flags])
  expect(await store.ok(['volume', 'inspect', '--format', '{{.UID}} {{.GID}}', name])).toBe(owner)
  expect(
    await store.ok(['run', '--rm', '-v', `${name}:/etc`, 'localhost/busybox', 'stat', '-c', '%u %g', '/etc']),
  ).toBe(owner)
})

test.each([
  [['--uid', 'x'], 'is no ID'],
  [['--uid', '4294967295'], 'is no uid'],
  [['--opt', 'o=uid=8,other'], 'cannot be mounted without root'],
])('volume create %j fails and makes none', async (flags, message) => {
  const { status, stderr } = await store.run(['volume', 'create', ...flags, 'wrong'])
  expect(status).toBe(125)
  expect(stderr).toContain(message)
  expect((await store.run(['volume', 'exists', 'wrong'])).status).toBe(1)
})
