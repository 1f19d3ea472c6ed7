import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTestRegistry, type TestRegistry } from '../helpers/registry.js'
import { tarArchive } from '../helpers/tar.js'
import { tspodStore, type TspodStore } from '../helpers/tspod.js'

let registry: TestRegistry
let store: TspodStore

beforeEach(async () => {
  registry = await startTestRegistry()
  store = await tspodStore()
})

afterEach(async () => {
  await store[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
})

const file = (content: string): Buffer => tarArchive([{ path: 'file', content }])
const pull = (...args: string[]): Promise<string> => store.ok(['pull', '-q', ...args])

test('several images are pulled in one command, and one that fails does not stop the rest', async () => {
  registry.putImage('one', 'latest', [file('1')])
  registry.putImage('two', 'latest', [file('2')])
  const names = ['one', 'missing', 'two'].map((name) => `${registry.host}/${name}`)
  const result = await store.run(['pull', '-q', ...names])
  expect(result.status).toBe(125)
  expect(result.stdout.trim().split('\n')).toHaveLength(2)
  expect(result.stderr).toMatch(/missing/)
})

test('--policy newer takes what is new and keeps what is here when the registry is gone', async () => {
  registry.putImage('app', 'latest', [file('1')])
  const name = `${registry.host}/app`
  const first = await pull(name)
  expect(await pull('--policy', 'newer', name)).toBe(first)
  registry.putImage('app', 'latest', [file('2')])
  const second = await pull('--policy', 'newer', name)
  expect(second).not.toBe(first)
  expect(await pull('--policy', 'missing', name)).toBe(second)
  registry.misbehave = (_, response) => {
    response.writeHead(404).end()
    return true
  }
  expect(await pull('--retry', '0', '--policy', 'newer', name)).toBe(second)
})

test('run --pull newer knows a short name by the image that is here', async () => {
  const archive = join(store.folder, 'rootfs.tar')
  await writeFile(archive, file('1'))
  await store.ok(['import', archive, 'localhost/mine'])
  const options = { env: { CONTAINERS_REGISTRIES_CONF: '/dev/null' } }
  expect(await store.ok(['create', '--pull', 'newer', '--name', 'started', 'mine', 'true'], options)).toMatch(
    /^\w{64}$/,
  )
  const id = await store.ok(['images', '-q', '--no-trunc', 'mine'])
  await store.ok(['create', '--pull', 'newer', id, 'true'], options)
  await store.ok(['create', '--pull', 'newer', id.slice(7, 19), 'true'], options)
  const always = await store.run(['create', '--pull', 'always', 'mine', 'true'], options)
  expect(always.status).toBe(125)
})

test('short names are looked for where registries.conf says, and nowhere if it says nothing', async () => {
  registry.putImage('team/app', 'latest', [file('1')])
  const conf = join(store.folder, 'registries.conf')
  const options = { env: { CONTAINERS_REGISTRIES_CONF: conf } }
  await writeFile(conf, '')
  const nowhere = await store.run(['pull', '-q', 'team/app'], options)
  expect(nowhere.status).toBe(125)
  expect(nowhere.stderr).toMatch(/no unqualified-search registries are defined/)
  await writeFile(conf, `unqualified-search-registries = ["${registry.host}"]\n`)
  const id = await store.ok(['pull', '-q', 'team/app'], options)
  expect(await store.ok(['images', '--no-trunc', '-q', `${registry.host}/team/app`])).toBe(`sha256:${id}`)
  await writeFile(conf, `[aliases]\n"short" = "${registry.host}/team/app"\n`)
  expect(await store.ok(['pull', '-q', 'short'], options)).toBe(id)
})

test('image tree shows layers, and whose topmost they are', async () => {
  registry.putImage('base', 'latest', [file('1')])
  registry.putImage('app', 'latest', [file('1'), file('2')])
  await pull(`${registry.host}/base`, `${registry.host}/app`)
  const lines = (await store.ok(['image', 'tree', `${registry.host}/app`])).split('\n')
  expect(lines.slice(3)).toEqual([
    'Image Layers',
    expect.stringMatching(new RegExp(`^├── ID: \\w{12} Size: .* Top Layer of: \\[${registry.host}/base:latest\\]$`)),
    expect.stringMatching(new RegExp(`^└── ID: \\w{12} Size: .* Top Layer of: \\[${registry.host}/app:latest\\]$`)),
  ])
})

test('an image that a container uses is removed only by force, and the container with it', async () => {
  registry.putImage('app', 'latest', [file('1')])
  const name = `${registry.host}/app`
  await pull(name)
  await store.ok(['create', '--name', 'user', name, 'true'])
  const refused = await store.run(['rmi', name])
  expect(refused.status, refused.stderr).toBe(2)
  expect(refused.stderr).toMatch(/in use/)
  await store.ok(['rmi', '-f', name])
  expect(await store.ok(['ps', '-aq'])).toBe('')
})
