import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTestRegistry, type TestRegistry } from '../helpers/registry.js'
import { tarArchive } from '../helpers/tar.js'
import { openTerminal } from '../helpers/terminal.js'
import { explain, tspodStore, type TspodStore } from '../helpers/tspod.js'

/** registries.conf(5), with registries to see what is asked of whom. */
let store: TspodStore
let registry: TestRegistry
let mirror: TestRegistry

beforeEach(async () => {
  store = await tspodStore()
  registry = await startTestRegistry()
  mirror = await startTestRegistry()
})

afterEach(async () => {
  await store[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
  await mirror[Symbol.asyncDispose]()
})

const archive = (content: string): Buffer => tarArchive([{ path: 'file', content }])
const confPath = (): string => join(store.env['HOME'] ?? '', '.config', 'containers', 'registries.conf')

async function configure(text: string): Promise<void> {
  await mkdir(dirname(confPath()), { recursive: true })
  await writeFile(confPath(), text)
}

const pull = (...args: string[]): ReturnType<TspodStore['run']> => store.run(['pull', '-q', '--retry', '0', ...args])
const names = (): Promise<string> => store.ok(['images', '--format', '{{.Repository}}:{{.Tag}}'])

test('a mirror is asked first, and the registry for what it lacks', async () => {
  mirror.putImage('copies/app', 'latest', [archive('1')])
  registry.putImage('app', 'latest', [archive('1')])
  registry.putImage('app', '2', [archive('2')])
  await configure(
    `[[registry]]\nlocation = "${registry.host}"\n[[registry.mirror]]\nlocation = "${mirror.host}/copies"\n`,
  )
  expect(await pull(`${registry.host}/app`)).toMatchObject({ status: 0 })
  expect(registry.requests).toEqual([])
  expect(await names()).toBe(`${registry.host}/app:latest`)
  expect(await pull(`${registry.host}/app:2`)).toMatchObject({ status: 0 })
  expect(registry.requests.length).toBeGreaterThan(0)
})

test('a mirror that lies is found out, and one for digests alone is asked for those', async () => {
  const wanted = registry.putImage('app', 'latest', [archive('1')])
  mirror.putImage('app', 'latest', [archive('evil')])
  const evil = mirror.manifests.get('app:latest')
  if (evil !== undefined) mirror.manifests.set(wanted.digest, evil)
  await configure(
    `[[registry]]\nlocation = "${registry.host}"\n[[registry.mirror]]\nlocation = "${mirror.host}"\npull-from-mirror = "digest-only"\n`,
  )
  expect(await pull(`${registry.host}/app`)).toMatchObject({ status: 0 })
  expect(mirror.requests).toEqual([])
  await store.ok(['rmi', '-a'])
  expect(await pull(`${registry.host}/app@${wanted.digest}`)).toMatchObject({ status: 0 })
  expect(mirror.requests).toHaveLength(1)
  expect(await store.ok(['images', '--format', '{{.Digest}}'])).toBe(wanted.digest)
})

test('a prefix is rewritten, the longest that fits, and with a wildcard', async () => {
  registry.putImage('inner/app', 'latest', [archive('1')])
  registry.putImage('other/app', 'latest', [archive('2')])
  await configure(
    `[[registry]]\nprefix = "example.test/team"\nlocation = "${registry.host}/inner"\ninsecure = true\n` +
      `[[registry]]\nprefix = "*.example.test"\nlocation = "${registry.host}/other"\ninsecure = true\n`,
  )
  expect(await pull('example.test/team/app')).toMatchObject({ status: 0 })
  expect(await pull('sub.example.test/app')).toMatchObject({ status: 0 })
  expect((await names()).split('\n').sort()).toEqual(['example.test/team/app:latest', 'sub.example.test/app:latest'])
  expect(new Set(registry.requests.map(({ path }) => path.split('/')[2]))).toEqual(new Set(['inner', 'other']))
})

test('what is blocked is neither pulled nor pushed, and nobody is asked', async () => {
  registry.putImage('app', 'latest', [archive('1')])
  await store.ok(['import', '-q', '-', 'localhost/mine'], { input: archive('1') })
  await configure(`[[registry]]\nlocation = "${registry.host}"\nblocked = true\n`)
  for (const result of [
    await pull(`${registry.host}/app`),
    await store.run(['push', '-q', '--retry', '0', 'localhost/mine', `${registry.host}/mine`]),
  ]) {
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toMatch(/blocked/)
  }
  expect(registry.requests).toEqual([])
})

test('a short name is asked about on a terminal, once', async () => {
  registry.putImage('team/app', 'latest', [archive('1')])
  mirror.putImage('team/app', 'latest', [archive('2')])
  await configure(
    `unqualified-search-registries = ["${mirror.host}", "${registry.host}"]\nshort-name-mode = "enforcing"\n`,
  )
  const refused = await pull('team/app')
  expect(refused.status, explain(refused)).toBe(125)
  expect(refused.stderr).toMatch(/enforced but cannot prompt/)
  using terminal = openTerminal(store, 'tspod pull -q team/app')
  await terminal.until(/Please select an image/)
  await terminal.until(/> /)
  terminal.type('2\n')
  expect(await terminal.end(), terminal.output).toBe(0)
  expect(await names()).toBe(`${registry.host}/team/app:latest`)
  const saved = join(store.env['HOME'] ?? '', '.cache', 'containers', 'short-name-aliases.conf')
  expect(await readFile(saved, 'utf8')).toBe(`[aliases]\n"team/app" = "${registry.host}/team/app"\n`)
  expect(await pull('team/app')).toMatchObject({ status: 0 })
  expect(mirror.requests).toEqual([])
})

test('without a terminal and permissive, each place is tried in turn', async () => {
  registry.putImage('team/app', 'latest', [archive('1')])
  await configure(
    `unqualified-search-registries = ["${mirror.host}", "${registry.host}"]\nshort-name-mode = "permissive"\n`,
  )
  expect(await pull('team/app')).toMatchObject({ status: 0 })
  expect(await names()).toBe(`${registry.host}/team/app:latest`)
  const nowhere = await pull('team/other')
  expect(nowhere.status).toBe(125)
  expect(nowhere.stderr).toMatch(/2 errors occurred while pulling/)
})
