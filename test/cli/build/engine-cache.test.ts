import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { BuildEvent, BuildOptions, CachePlace, Engine, openEngine as open } from '../../../src/index.js'
import { busyboxStore, image } from '../../helpers/busybox-store.js'
import { blobPath } from '../../helpers/images.js'
import { startRegistry, type RegistryProcess } from '../../helpers/registry-process.js'
import type { TspodStore } from '../../helpers/tspod.js'

const library = fileURLToPath(new URL('../../../dist/index.js', import.meta.url))
const network = { mode: 'none' } as const

let openEngine: typeof open
let registry: RegistryProcess
let maker: TspodStore
let context: string

beforeAll(async () => {
  ;({ openEngine } = (await import(library)) as { openEngine: typeof open })
  registry = await startRegistry()
  maker = await busyboxStore()
  context = join(maker.folder, 'context')
  await mkdir(context)
  const dockerfile =
    `FROM ${image} AS make\nRUN head -c 100000 /dev/urandom > /random && mkdir /out && cp /random /out/random\n` +
    `FROM ${image}\nWORKDIR /w\nCOPY --from=make /out/random .\nCOPY a .\nRUN cat random a | sha256sum > sum\nCMD ["cat", "/w/sum"]\n`
  await writeFile(join(context, 'Dockerfile'), dockerfile)
  await writeFile(join(context, 'a'), 'a')
})

afterAll(async () => {
  await maker[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
})

interface Built {
  readonly cached: readonly string[]
  readonly id: string
  readonly warnings: readonly string[]
}

async function build(engine: Engine, options: BuildOptions): Promise<Built> {
  const names = new Map<number, string>()
  const cached: string[] = []
  const warnings: string[] = []
  const onEvent = (event: BuildEvent): void => {
    if (event.type === 'step-started') names.set(event.step, event.name)
    if (event.type === 'warning') warnings.push(event.message)
    const name = event.type === 'step-finished' && event.cached ? (names.get(event.step) ?? '') : ''
    if (name !== '' && !name.includes('] FROM ')) cached.push(name)
  }
  const { id = '' } = await engine.builds.build({ context, network, ...options, onEvent })
  return { cached, id, warnings }
}

async function sumOf(engine: Engine, id: string): Promise<string> {
  await using container = await engine.containers.run({ image: id, network })
  return (await container.output()).stdout
}

/** Another machine, which has the base image and nothing else. */
async function elsewhere(use: (engine: Engine) => Promise<void>): Promise<void> {
  await using store = await busyboxStore()
  await use(await openEngine({ root: store.root, runroot: store.runroot }))
}

test.each<readonly [string, () => readonly CachePlace[]]>([
  ['a registry', () => [{ type: 'registry', reference: `${registry.host}/cache:all` }]],
  ['a folder', () => [{ type: 'local', path: join(maker.folder, 'cache') }]],
])('%s has all steps for another machine', async (_, places) => {
  const engine = await openEngine({ root: maker.root, runroot: maker.runroot })
  const made = await build(engine, { cacheTo: places() })
  const sum = await sumOf(engine, made.id)
  await elsewhere(async (other) => {
    const { cached, id } = await build(other, { cacheFrom: places() })
    expect(cached).toHaveLength(5)
    expect(await sumOf(other, id)).toBe(sum)
    // What was brought is this machine's own now.
    expect((await build(other, {})).cached).toHaveLength(5)
  })
})

test('an image has the steps of its own layers with it', async () => {
  const engine = await openEngine({ root: maker.root, runroot: maker.runroot })
  const name = `${registry.host}/inline:1`
  const made = await build(engine, {
    tags: [name],
    cacheTo: [{ type: 'inline' }],
    outputs: [{ type: 'registry', names: [] }],
  })
  expect(made.warnings).toEqual([])
  const dockerfile = await readFile(join(context, 'Dockerfile'), 'utf8')
  const single = join(maker.folder, 'single')
  await mkdir(single)
  await writeFile(join(single, 'Dockerfile'), `FROM ${image}\nRUN echo one > /one\nRUN date +%N > /two\n`)
  const other = `${registry.host}/inline:2`
  await build(engine, {
    context: single,
    tags: [other],
    cacheTo: [{ type: 'inline' }],
    outputs: [{ type: 'registry', names: [] }],
  })
  await elsewhere(async (machine) => {
    const { cached } = await build(machine, { context: single, cacheFrom: [{ type: 'registry', reference: other }] })
    expect(cached).toHaveLength(2)
  })
  expect(dockerfile).toContain('AS make')
})

test('a cache that is not there is told, and does no harm', async () => {
  await elsewhere(async (engine) => {
    const { cached, warnings } = await build(engine, {
      cacheFrom: [
        { type: 'registry', reference: `${registry.host}/none:1` },
        { type: 'local', path: '/nonexistent' },
      ],
    })
    expect(cached).toEqual([])
    expect(warnings).toHaveLength(2)
  })
})

test('a blob of a cache that is not what it should be is refused', async () => {
  const engine = await openEngine({ root: maker.root, runroot: maker.runroot })
  const folder = join(maker.folder, 'damaged')
  await build(engine, { cacheTo: [{ type: 'local', path: folder }] })
  const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')) as {
    manifests: { digest: `sha256:${string}` }[]
  }
  const [top] = index.manifests
  if (top === undefined) throw new Error('an empty cache')
  const manifest = JSON.parse(await readFile(blobPath(folder, top.digest), 'utf8')) as {
    layers: { digest: `sha256:${string}`; size: number }[]
  }
  for (const { digest, size } of manifest.layers) {
    await rm(blobPath(folder, digest))
    await writeFile(blobPath(folder, digest), Buffer.alloc(size, 'x'))
  }
  await elsewhere(async (other) => {
    await expect(build(other, { cacheFrom: [{ type: 'local', path: folder }] })).rejects.toMatchObject({
      code: 'digest-mismatch',
    })
  })
})
