import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { busyboxStore, image } from '../helpers/busybox-store.js'
import { explain, type TspodStore } from '../helpers/tspod.js'

let store: TspodStore
let folder: string
beforeAll(async () => {
  store = await busyboxStore()
  folder = join(store.folder, 'home', '.config', 'containers', 'containers.conf.modules')
  await mkdir(folder, { recursive: true })
})
afterAll(() => store[Symbol.asyncDispose]())

const module = (name: string, text: string) => writeFile(join(folder, name), `[containers]\n${text}\n`)
const show = ['--network', 'none', image, 'sh', '-c', 'echo $A $B']

test('a module is read over containers.conf, as it is now', async () => {
  await module('a.conf', 'env = ["A=one"]')
  await module('b.conf', 'env = ["B=two", { append = true }]')
  // The second start is one that is known.
  for (let round = 0; round < 2; round++)
    expect(await store.ok(['--module=a.conf', 'run', '--rm', ...show])).toBe('one')
  await module('a.conf', 'env = ["A=other"]')
  expect(await store.ok(['--module=a.conf', 'run', '--rm', ...show])).toBe('other')
  const both = ['--module', 'a.conf', 'run', '--rm', '--module', join(folder, 'b.conf'), ...show]
  expect(await store.ok(both)).toBe('other two')
  expect(await store.ok(['run', '--rm', ...show])).toBe('')
})

test('one that is not there is named', async () => {
  const result = await store.run(['--module', 'none.conf', 'run', '--rm', ...show])
  expect(result.status, explain(result)).toBe(125)
  expect(result.stderr).toContain(`module "none.conf" of containers.conf not found: ${join(folder, 'none.conf')}`)
})
