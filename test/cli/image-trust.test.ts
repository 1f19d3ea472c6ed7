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
    { transport: 'all', name: 'default', type: 'reject' },
    { transport: 'repository', name: 'a.example', type: 'accept' },
  ])
  expect(await show('--json', 'a.example/x')).toEqual([
    { transport: 'repository', name: 'a.example/x', type: 'accept' },
  ])
  expect(await show('--raw')).toHaveProperty('default')
})

test.each([
  ['a signature is wanted', { default: [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/k' }] }],
  ['it has a requirement nobody knows', { default: [{ type: 'somethingNew' }] }],
  ['it has no default', { transports: {} }],
  ['it is empty', { default: [] }],
  ['it is no JSON', '{'],
])('nothing comes in where %s', async (_, policy) => {
  await setPolicy(policy)
  await expectRejected('pull', `${registry.host}/good/app`)
  expect(registry.requests).toEqual([])
})
