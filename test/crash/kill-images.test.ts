import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { busyboxLayer, manyLayersLayout } from '../helpers/images.js'
import { startRegistry, type RegistryProcess } from '../helpers/registry-process.js'
import { removalsEnd } from '../helpers/removals.js'
import { explain, finish, tspodStore, type TspodStore } from '../helpers/tspod.js'
import { imageFaults, leftovers } from './leftovers.js'
import { seededRandom } from './random.js'

/**
 * kill -9 of commands that move images, at random points of them: the check of the store finds nothing, the same command
 * then succeeds, and once all images are removed nothing is left. TSPOD_CRASH_SEED repeats a run.
 */
const seed = Number(process.env['TSPOD_CRASH_SEED'] || Date.now() % 1e9)
const busybox = 'localhost/busybox:latest'
const kills = 6

let store: TspodStore
let registry: RegistryProcess
let folder: string
let many: string
let archive: string

beforeAll(async () => {
  console.log(`TSPOD_CRASH_SEED=${String(seed)}`)
  folder = await mkdtemp(join(tmpdir(), 'tspod-crash-'))
  store = await tspodStore()
  registry = await startRegistry()
  many = await registry.push(await manyLayersLayout(join(folder, 'many'), 8), 'many')
  archive = join(folder, 'many.tar')
  await store.ok(['pull', '-q', many])
  await store.ok(['save', '-q', '-o', archive, many])
  await writeFile(join(folder, 'busybox.tar'), await busyboxLayer())
  await store.ok(['import', '-q', join(folder, 'busybox.tar'), busybox])
  const changes = 'i=0; while [ $i -lt 200 ]; do echo $i > /f$i; i=$((i+1)); done; head -c 3000000 /dev/zero > /big'
  await store.ok(['run', '--network', 'none', '--name', 'changed', busybox, 'sh', '-c', changes])
})

afterAll(async () => {
  await registry[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

interface Scenario {
  readonly name: string
  /** Before each kill. */
  readonly prepare: readonly string[]
  readonly args: (number: number) => readonly string[]
  /** An image that is there after the command, and what /top of it says. */
  readonly made?: { readonly name: string; readonly top: string }
}

const scenarios = (): readonly Scenario[] => [
  {
    name: 'pull',
    prepare: ['rmi', '--ignore', many],
    args: () => ['pull', '-q', many],
    made: { name: many, top: '7' },
  },
  {
    name: 'push',
    prepare: ['pull', '-q', many],
    args: (number) => ['push', '-q', many, `${registry.host}/copy-${String(number)}`],
  },
  {
    name: 'load',
    prepare: ['rmi', '--ignore', many],
    args: () => ['load', '-q', '-i', archive],
    made: { name: many, top: '7' },
  },
  {
    name: 'commit',
    prepare: ['rmi', '--ignore', 'localhost/made'],
    args: () => ['commit', '-q', 'changed', 'localhost/made'],
    made: { name: 'localhost/made', top: '' },
  },
  {
    name: 'artifact add',
    prepare: ['artifact', 'rm', '--ignore', 'files'],
    args: () => ['artifact', 'add', '--replace', 'files', archive],
  },
  {
    name: 'artifact pull',
    prepare: ['artifact', 'rm', '--ignore', many],
    args: () => ['artifact', 'pull', '-q', many],
  },
  { name: 'rmi', prepare: ['pull', '-q', many], args: () => ['rmi', '--ignore', many] },
]

const names = ['pull', 'push', 'load', 'commit', 'rmi', 'artifact add', 'artifact pull']

test.each(names)('%s, killed anywhere, leaves the store sound', async (name) => {
  const scenario = scenarios().find((one) => one.name === name)
  if (scenario === undefined) throw new Error(name)
  const random = seededRandom(seed + name.length)
  for (let number = 0; number < kills; number++) {
    await store.ok(scenario.prepare)
    const args = scenario.args(number)
    const milliseconds = random.next() * 250
    const child = store.start(args, ['ignore', 'pipe', 'pipe'])
    const finished = finish(args.join(' '), child)
    await delay(milliseconds)
    child.kill('SIGKILL')
    await finished
    await expectSound(scenario, args, `${name} killed after ${milliseconds.toFixed(1)} ms`)
  }
})

test('what a killed command has brought of an artifact goes with the next that moves images', async () => {
  await store.ok(['artifact', 'rm', '--all'])
  const random = seededRandom(seed)
  for (let number = 0; number < kills; number++) {
    const args = number % 2 === 0 ? ['artifact', 'pull', '-q', many] : ['artifact', 'add', 'files', archive]
    const child = store.start(args, ['ignore', 'pipe', 'pipe'])
    const finished = finish(args.join(' '), child)
    await delay(random.next() * 150)
    child.kill('SIGKILL')
    await finished
    await store.ok(['pull', '-q', many])
    expect(await readdir(join(store.root, 'tmp'))).toEqual([])
    if ((await store.ok(['artifact', 'ls', '--format', '{{.Digest}}'])) === '')
      expect(await readdir(join(store.root, 'artifacts/blobs/sha256')).catch(() => [])).toEqual([])
    await store.ok(['artifact', 'rm', '--all'])
  }
})

test('nothing is left when all images are removed', async () => {
  await store.ok(['rm', 'changed'])
  await store.ok(['rmi', '--all', '--force'])
  await removalsEnd(join(store.root, 'tmp'))
  await store.ok(['artifact', 'rm', '--all'])
  const folders = ['layers', 'images/blobs/sha256', 'artifacts/blobs/sha256', 'cache/images'].map((name) =>
    join(store.root, name),
  )
  expect((await Promise.all(folders.map((one) => readdir(one)))).flat()).toEqual([])
  expect(await leftovers(store)).toEqual([])
})

async function expectSound(scenario: Scenario, args: readonly string[], told: string): Promise<void> {
  const check = await store.run(['system', 'check'])
  expect(check, `${told}: ${explain(check)}`).toMatchObject({ status: 0, stdout: '' })
  expect(await imageFaults(store), told).toEqual([])
  const again = await store.run(args)
  expect(again.status, `${told}: ${explain(again)}`).toBe(0)
  const { made } = scenario
  if (made === undefined) return
  const shown = await store.run([
    'run',
    '--rm',
    '--network',
    'none',
    made.name,
    'sh',
    '-c',
    'cat /top 2>/dev/null; ls /',
  ])
  expect(shown.stdout.split('\n')[0], `${told}: ${explain(shown)}`).toBe(made.top === '' ? 'big' : made.top)
}
