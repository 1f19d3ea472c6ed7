import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ImageIndex } from '../../src/oci/image-spec.js'
import { mediaTypes } from '../../src/oci/image-spec.js'
import { hostArchitecture, makeLayout } from '../helpers/images.js'
import { startRegistry, type RegistryProcess } from '../helpers/registry-process.js'
import { tarArchive } from '../helpers/tar.js'
import { tspodStore, type TspodStore } from '../helpers/tspod.js'

let registry: RegistryProcess
let store: TspodStore

beforeEach(async () => {
  registry = await startRegistry()
  store = await tspodStore()
})

afterEach(async () => {
  await store[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
})

const file = (content: string): Buffer => tarArchive([{ path: 'file', content }])

/** An index on the registry with an image for each architecture. */
async function pushed(name: string, architectures: readonly string[]): Promise<string> {
  const layout = await makeLayout(join(store.folder, `layout-${name}`), { layers: [file(name)], architectures })
  return registry.push(layout, name)
}

const inspect = async (name: string): Promise<ImageIndex> =>
  JSON.parse(await store.ok(['manifest', 'inspect', name])) as ImageIndex

test.each([
  [
    'oci:layout:named',
    ['inspect', '--raw', 'oci:layout:named'],
    ['copy', '-q', '--all', 'oci:layout:named', 'dir:copied'],
  ],
  [
    'oci-archive:list.tar',
    ['inspect', '--raw', 'oci-archive:list.tar'],
    ['copy', '-q', '--all', 'oci-archive:list.tar', 'dir:copied'],
  ],
  ['dir:folder', ['inspect', '--raw', 'dir:folder'], ['copy', '-q', '--all', 'dir:folder', 'dir:copied']],
])('a list is written to %s with all of its images, as skopeo reads it', async (target, show, copy) => {
  const remote = await pushed('two', ['amd64', 'arm64'])
  await store.ok(['manifest', 'create', '--all', 'list', `docker://${remote}`])
  await store.ok(['manifest', 'push', '-q', 'list', target])
  const skopeo = async (args: readonly string[]): Promise<string> =>
    (await promisify(execFile)('skopeo', ['--insecure-policy', ...args], { cwd: store.folder })).stdout
  expect(JSON.parse(await skopeo(show))).toEqual(await inspect('list'))
  await skopeo(copy)
  const loaded = await store.ok(['pull', '-q', '--arch', 'arm64', target])
  expect(await store.ok(['image', 'inspect', '--format', '{{.Architecture}}', loaded])).toBe('arm64')
})

test('a list is not written where there is room for one image only, and nothing is sent instead', async () => {
  await store.ok(['manifest', 'create', 'list'])
  for (const target of ['docker-archive:x.tar', 'containers-storage:x']) {
    const result = await store.run(['manifest', 'push', '-q', 'list', target])
    expect(result.status, result.stderr).toBe(125)
    expect(result.stderr).toContain('has no room for the several images of a list')
  }
})

test.each([
  ['manifest', 'create', 'BAD'],
  ['import', '-q', '-', 'BAD'],
  ['tag', 'mine', 'BAD'],
])('%s %s %s keeps no image under another name than was asked for', async (...args) => {
  await store.ok(['import', '-q', '-', 'localhost/mine'], { input: file('mine') })
  const result = await store.run(args, { input: file('other') })
  expect(result.status, result.stderr).toBe(125)
  expect(result.stderr).toContain('repository name must be lowercase')
})

test('a list is made, added to, annotated, and sent with its images', async () => {
  const remote = await pushed('two', ['amd64', 'arm64'])
  await store.ok(['import', '-q', '-', 'localhost/mine'], { input: file('mine') })
  await store.ok(['manifest', 'create', '--annotation', 'a=b', 'list'])
  expect(await inspect('list')).toEqual({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [],
    annotations: { a: 'b' },
  })
  await store.ok(['manifest', 'add', '--variant', 'v9', 'list', 'localhost/mine'])
  await store.ok(['manifest', 'add', '--all', 'list', `docker://${remote}`])
  const { manifests } = await inspect('list')
  expect(manifests.map(({ platform }) => platform)).toEqual([
    { os: 'linux', architecture: hostArchitecture, variant: 'v9' },
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm64' },
  ])
  const [mine, , arm] = manifests.map(({ digest }) => digest)
  await store.ok(['manifest', 'annotate', '--os-version', '1.2', '--annotation', 'x=y=z', 'list', arm ?? ''])
  await store.ok(['manifest', 'remove', 'list', mine ?? ''])
  expect((await inspect('list')).manifests.map(({ platform, annotations }) => [platform, annotations])).toEqual([
    [{ os: 'linux', architecture: 'amd64' }, undefined],
    [{ os: 'linux', architecture: 'arm64', 'os.version': '1.2' }, { x: 'y=z' }],
  ])
  await store.ok(['manifest', 'push', '-q', '--all', 'list', `${registry.host}/sent:1`])
  expect(await inspect(`docker://${registry.host}/sent:1`)).toEqual(await inspect('list'))
  await store.ok(['manifest', 'rm', 'list'])
  expect((await store.run(['manifest', 'exists', 'list'])).status).toBe(1)
  await store.ok(['pull', '-q', '--platform', 'linux/arm64', `${registry.host}/sent:1`])
})

test('a list holds its images, and none other, from removal', async () => {
  const remote = await pushed('one', [hostArchitecture])
  await store.ok(['manifest', 'create', 'list', `docker://${remote}`])
  await store.ok(['import', '-q', '-', 'localhost/other'], { input: file('other') })
  await store.ok(['rmi', 'localhost/other'])
  await store.ok(['push', '-q', 'list', `${registry.host}/again`])
  expect(await store.ok(['images', '--format', '{{.Repository}} {{.IsManifestList}}'])).toBe('localhost/list true')
  await store.ok(['rmi', 'list'])
  expect(await store.ok(['images', '-q', '--all'])).toBe('')
})

test('names and kinds are told apart', async () => {
  await store.ok(['import', '-q', '-', 'localhost/image'], { input: file('x') })
  await store.ok(['manifest', 'create', 'list'])
  expect((await store.run(['manifest', 'exists', 'list'])).status).toBe(0)
  expect((await store.run(['manifest', 'exists', 'localhost/image'])).status).toBe(1)
  const cases: readonly [readonly string[], number, RegExp][] = [
    [['manifest', 'create', 'list'], 125, /already in use/],
    [['manifest', 'add', 'localhost/image', 'localhost/image'], 125, /not a manifest list/],
    [['manifest', 'add', 'nothing', 'localhost/image'], 125, /image not known/],
    [['manifest', 'remove', 'list', `sha256:${'0'.repeat(64)}`], 125, /no instance matching/],
    [['manifest', 'annotate', 'list'], 125, /--index/],
    [['manifest', 'rm', 'nothing'], 1, /image not known/],
  ]
  for (const [args, status, message] of cases) {
    const result = await store.run(args)
    expect(result.stderr, result.command).toMatch(message)
    expect(result.status, result.command).toBe(status)
  }
  await store.ok(['manifest', 'create', '--amend', 'list', 'localhost/image'])
  expect((await inspect('list')).manifests).toHaveLength(1)
})
