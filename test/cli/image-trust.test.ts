import { mkdir, readdir, writeFile } from 'node:fs/promises'
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
  registry.putImage('good/app', 'latest', [tarArchive([{ path: 'file', content: 'x' }])])
  registry.putImage('bad/app', 'latest', [tarArchive([{ path: 'file', content: 'y' }])])
})

afterEach(async () => {
  await store[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
})

async function setPolicy(policy: unknown): Promise<void> {
  const folder = join(store.env['HOME'] ?? '', '.config', 'containers')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'policy.json'), typeof policy === 'string' ? policy : JSON.stringify(policy))
}

const accept = [{ type: 'insecureAcceptAnything' }]
const reject = [{ type: 'reject' }]

async function expectRejected(...args: string[]): Promise<void> {
  const result = await store.run(args)
  expect(result.status, result.stderr).toBe(125)
  expect(result.stderr).toMatch(/rejected|not a valid policy|not valid JSON/)
}

test('a rejected image is not even asked for', async () => {
  await setPolicy({ default: accept, transports: { docker: { [`${registry.host}/bad`]: reject } } })
  await expectRejected('pull', `${registry.host}/bad/app`)
  await expectRejected('run', '--rm', `${registry.host}/bad/app`)
  await expectRejected('manifest', 'create', 'list', `docker://${registry.host}/bad/app`)
  expect(registry.requests).toEqual([])
  expect(await readdir(join(store.root, 'layers')).catch(() => [])).toEqual([])
  await store.ok(['pull', '-q', `${registry.host}/good/app`])
})

test('the longest scope counts, and every requirement of it', async () => {
  await setPolicy({
    default: reject,
    transports: { docker: { [registry.host]: accept, [`${registry.host}/bad/app`]: [...accept, ...reject] } },
  })
  await expectRejected('pull', `${registry.host}/bad/app`)
  await store.ok(['pull', '-q', `${registry.host}/good/app`])
  await store.ok(['save', '-q', '-o', 'app.tar', `${registry.host}/good/app`])
  await expectRejected('load', '-i', 'app.tar')
  await setPolicy({ default: reject, transports: { 'docker-archive': { '': accept } } })
  await store.ok(['load', '-q', '-i', 'app.tar'])
})

test('image trust show says what counts', async () => {
  await setPolicy({ default: reject, transports: { docker: { 'a.example': accept } } })
  const show = async (...args: string[]): Promise<unknown> =>
    JSON.parse(await store.ok(['image', 'trust', 'show', ...args])) as unknown
  expect(await show('--json')).toEqual([
    { transport: 'all', name: '* (default)', repo_name: 'default', type: 'reject' },
    { transport: 'repository', name: 'a.example', repo_name: 'a.example', type: 'accept' },
  ])
  expect(await show('--json', 'a.example/x')).toEqual([
    { transport: 'repository', name: 'a.example/x', repo_name: 'a.example/x', type: 'accept' },
  ])
  expect(await show('--raw')).toHaveProperty('default')
})

test.each([
  ['it has a requirement nobody knows', { default: [{ type: 'somethingNew' }] }],
  ['it has no default', { transports: {} }],
  ['it is empty', { default: [] }],
  ['it is no JSON', '{'],
])('nothing comes in where %s', async (_, policy) => {
  await setPolicy(policy)
  await expectRejected('pull', `${registry.host}/good/app`)
  expect(registry.requests).toEqual([])
})

test('image trust set changes what counts', async () => {
  const set = (...args: string[]): ReturnType<TspodStore['run']> => store.run(['image', 'trust', 'set', ...args])
  expect((await set('--policypath', 'none.json', '--type', 'accept', 'a.example')).stderr).toContain(
    'default trust policy must be set',
  )
  expect((await set('--type', 'reject', 'default')).status).toBe(0)
  expect((await set('--type', 'accept', `${registry.host}/good`)).status).toBe(0)
  await expectRejected('pull', `${registry.host}/bad/app`)
  await store.ok(['pull', '-q', `${registry.host}/good/app`])
  expect((await set('a.example')).stderr).toContain('at least one public key')
  expect((await set('-t', 'accept', '-f', 'key', 'a.example')).stderr).toContain('unexpectedly provided')
  expect((await set('-f', 'nosuch', 'a.example')).status).toBe(125)
  expect((await set('-t', 'accept', 'a.example:foo//')).stderr).toContain('invalid image uri')
  await writeFile(join(store.folder, 'key'), 'x')
  expect((await set('-t', 'sigstoreSigned', '-f', 'key', 'a.example/x')).status).toBe(0)
  const { transports } = JSON.parse(await store.ok(['image', 'trust', 'show', '--raw'])) as {
    transports: { docker: Record<string, unknown> }
  }
  expect(transports.docker['a.example/x']).toEqual([{ type: 'sigstoreSigned', keyPath: join(store.folder, 'key') }])
})
