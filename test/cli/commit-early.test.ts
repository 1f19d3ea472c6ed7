import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { busyboxStore, image } from '../helpers/busybox-store.js'
import type { TspodStore } from '../helpers/tspod.js'

/** A commit is packed while Node starts (native/early-pack.c), where that is the same. */
let store: TspodStore
let id: string
const begun = /changes are being packed since before Node started/

beforeAll(async () => {
  store = await busyboxStore()
  const script = 'rm -r /home; mkdir -p /made/deep; echo 1 >/made/deep/one; chown 5:6 /made/deep/one; rm /etc/passwd'
  await store.ok(['run', '--name', 'changed', '--network', 'none', image, 'sh', '-c', script])
  id = await store.ok(['inspect', '--format', '{{.Id}}', 'changed'])
})
afterAll(() => store[Symbol.asyncDispose]())
beforeEach((context) => {
  // Containers that root calls for are packed by Node.
  if (process.getuid?.() === 0) context.skip('needs an ordinary user')
})

const commit = async (...words: string[]) => store.run(['--log-level', 'debug', 'commit', ...words])
const layersOf = (name: string): Promise<string> =>
  store.ok(['image', 'inspect', '--format', '{{.RootFS.Layers}}', name])
const leftovers = async (): Promise<string[]> => [
  ...(await readdir(join(store.root, 'tmp'))),
  ...(await readdir(join(store.runroot, 'locks'))).filter((name) => name.startsWith('layer-')),
]

test('it makes what a commit makes that begins later', async () => {
  for (const [name, ...words] of [
    ['by-name', 'changed'],
    ['by-id', '-q', '-m', 'why', '--author=me', id],
  ] as const)
    expect((await commit(...words, name)).stderr).toMatch(begun)
  const late = await commit(id.slice(0, 12), 'by-part')
  expect([late.status, begun.test(late.stderr)]).toEqual([0, false])
  const layers = await layersOf('by-part')
  expect([await layersOf('by-name'), await layersOf('by-id')]).toEqual([layers, layers])
  const look = 'cat /made/deep/one; stat -c %u:%g /made/deep/one; ls -d /home /etc/passwd 2>/dev/null'
  const seen = await store.run(['run', '--rm', '--network', 'none', 'by-name', 'sh', '-c', look])
  expect(seen.stdout).toBe('1\n5:6\n')
  expect(await store.ok(['system', 'check'])).not.toMatch(/damaged|missing/)
  expect(await leftovers()).toEqual([])
})

test.each([
  ['a wrong change', ['--change', 'BOGUS x', 'changed', 'wrong'], true],
  ['a wrong name', ['changed', 'WRONG:::name'], true],
  ['too many words', ['changed', 'one', 'two'], false],
  ['a wrong format', ['-f', 'zip', 'changed', 'one'], false],
  ['an unknown option', ['--nothing', 'changed', 'one'], false],
  ['an unknown container', ['nobody', 'one'], false],
])('%s is refused and leaves nothing', async (_, words, began) => {
  const { status, stderr } = await commit(...words)
  expect([status, begun.test(stderr)]).toEqual([125, began])
  expect(await leftovers()).toEqual([])
})

test.each([['--squash'], ['--pause']])('with %s it begins in Node', async (flag) => {
  const { status, stderr } = await commit(flag, 'changed', 'otherwise')
  expect([status, begun.test(stderr)]).toEqual([0, false])
})

test('a container that has not been started is packed by Node', async () => {
  await store.ok(['create', '--name', 'fresh', '--network', 'none', image, 'true'])
  const { status, stderr } = await commit('fresh', 'fresh')
  expect([status, begun.test(stderr)]).toEqual([0, false])
})
