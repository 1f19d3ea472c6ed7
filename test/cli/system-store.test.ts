import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

import type { ImageManifest } from '../../src/oci/image-spec.js'
import { busyboxStore, image } from '../helpers/busybox-store.js'
import { startTestRegistry } from '../helpers/registry.js'
import { tarArchive } from '../helpers/tar.js'
import { explain, program, type TspodStore } from '../helpers/tspod.js'

let tspod: TspodStore

beforeEach(async () => {
  tspod = await busyboxStore()
})

afterEach(async () => {
  await tspod[Symbol.asyncDispose]()
})

const stopped = (name: string) => tspod.ok(['create', '--name', name, image, 'true'])

test('system df counts images, containers and volumes', async () => {
  await stopped('one')
  await tspod.ok(['run', '-d', '--network', 'none', '-v', 'data:/data', image, 'sleep', '1000'])
  const lines = await tspod.ok(['system', 'df', '--format', '{{.Type}}: {{.Total}} {{.Active}}'])
  expect(lines.split('\n')).toEqual(['Images: 1 1', 'Containers: 2 1', 'Local Volumes: 1 1', 'Build Cache: 0 0'])
  expect(await tspod.ok(['system', 'df'])).toMatch(/^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages +1 +1 +[\d.]+MB +/)
  expect(await tspod.ok(['system', 'df', '-v'])).toContain('Local Volumes space usage:')
})

test('system prune removes what nobody uses, and says how much that was', async () => {
  const id = await stopped('gone')
  await tspod.ok(['run', '-d', '--name', 'stays', '--network', 'none', image, 'sleep', '1000'])
  const lines = (await tspod.ok(['system', 'prune', '--force', '--volumes'])).split('\n')
  expect(lines.slice(0, 2)).toEqual(['Deleted Containers', id])
  expect(lines.at(-1)).toMatch(/^Total reclaimed space: [\d.]+[kM]?B$/)
  expect(await tspod.ok(['ps', '--format', '{{.Names}}'])).toBe('stays')
  await tspod.ok(['rm', '-f', '-t', '0', 'stays'])
  expect(await tspod.ok(['system', 'prune', '--force', '--all'])).toContain('Deleted Images')
  expect(await tspod.ok(['images', '-q'])).toBe('')
})

test('system check finds a whole store whole', async () => {
  await stopped('whole')
  expect(await tspod.ok(['system', 'check'])).toBe('')
})

test('a first use in a folder that has gone finds the same storage driver', async () => {
  const driver = ['info', '--format', '{{.Store.GraphDriverName}}']
  const expected = await tspod.ok(driver)
  await rm(join(tspod.root, 'cache', 'storage-driver.json'))
  expect(await fromGoneFolder(driver)).toBe(`${expected}\n`)
  expect(await fromGoneFolder(['run', '--rm', '--network', 'none', image, 'pwd'])).toBe('/\n')
})

async function fromGoneFolder(args: readonly string[]): Promise<string> {
  const line = [program, '--root', tspod.root, '--runroot', tspod.runroot, ...args]
  const shell = ['-c', 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', 'sh', ...line]
  return (await promisify(execFile)('sh', shell, { cwd: tspod.folder, env: tspod.env })).stdout
}

test('system check tells damage, and --repair takes it away', async () => {
  const [sound, broken, confused] = [await stopped('sound'), await stopped('broken'), await stopped('confused')]
  const folder = (id: string) => join(tspod.root, 'containers', id)
  writeFileSync(join(folder(broken), 'config.json'), '{"version":1')
  writeFileSync(join(folder(confused), 'state.json'), 'nonsense')
  symlinkSync('f'.repeat(64), join(tspod.root, 'names', 'nobody'))

  const found = await tspod.run(['system', 'check'])
  expect(found.status, explain(found)).toBe(125)
  expect(found.stdout).toContain(`container ${broken}: `)
  expect(found.stdout).toContain(`container ${confused}: `)
  expect(found.stdout).toContain('name nobody: there is no container')
  expect((await tspod.run(['system', 'check', '--repair'])).stderr).toContain('--force removes damaged containers')

  const repaired = await tspod.run(['system', 'check', '--repair', '--force'])
  expect(repaired.status, explain(repaired)).toBe(0)
  expect(await tspod.ok(['system', 'check'])).toBe('')
  const left = (await tspod.ok(['ps', '-aq', '--no-trunc'])).split('\n').sort()
  expect(left).toEqual([sound, confused].sort())
})

test('what can be made again may be empty after a power cut: nobody minds', async () => {
  await tspod.ok(['images'])
  const records = join(tspod.root, 'cache', 'images')
  for (const name of readdirSync(records)) writeFileSync(join(records, name), '')
  for (const words of [
    ['system', 'check'],
    ['images', '-q'],
    ['system', 'df'],
    ['create', image, 'true'],
  ]) {
    const result = await tspod.run(words)
    expect(result.status, explain(result)).toBe(0)
    expect(result.stderr).toBe('')
  }
})

test('system check --repair fetches what is broken, and nothing else', async () => {
  await using registry = await startTestRegistry()
  const contents = ['one', 'two', 'three']
  registry.putImage(
    'app',
    '1',
    contents.map((content) => tarArchive([{ path: content, content }])),
  )
  const name = `${registry.host}/app:1`
  await tspod.ok(['pull', '-q', name])
  const listed = await tspod.ok(['images', '--format', 'json', '--filter', `reference=${name}`])
  const manifest = JSON.parse(registry.manifests.get('app:1')?.bytes.toString() ?? '{}') as ImageManifest
  const [, second] = manifest.layers
  writeFileSync(join(tspod.root, 'images', 'blobs', ...(second?.digest ?? '').split(':')), 'other contents')
  expect((await tspod.run(['system', 'check'])).status).toBe(125)
  registry.requests.length = 0
  expect(await tspod.ok(['system', 'check', '--repair'])).toMatch(/image .*app:1: .*\(repaired\)$/)
  const layers = registry.requests.filter(({ path }) => manifest.layers.some(({ digest }) => path.endsWith(digest)))
  expect(layers.map(({ path }) => path)).toEqual([`/v2/app/blobs/${second?.digest ?? ''}`])
  expect(await tspod.ok(['system', 'check'])).toBe('')
  expect(await tspod.ok(['images', '--format', 'json', '--filter', `reference=${name}`])).toBe(listed)
})

test('system check finds a blob with other contents, and --repair removes its image', async () => {
  const blobs = join(tspod.root, 'images', 'blobs', 'sha256')
  const [blob = ''] = readdirSync(blobs)
  writeFileSync(join(blobs, blob), 'something else')
  expect((await tspod.run(['system', 'check'])).stdout).toContain(`image ${image}: `)
  const repaired = await tspod.run(['system', 'check', '--repair'])
  expect(repaired.status, explain(repaired)).toBe(0)
  expect(await tspod.ok(['images', '-q'])).toBe('')
})

test('system reset leaves nothing', async () => {
  await tspod.ok(['run', '-d', '--network', 'none', '-v', 'data:/data', image, 'sleep', '1000'])
  mkdirSync(join(tspod.root, 'volumes', 'odd'))
  await tspod.ok(['system', 'reset', '--force'])
  expect(readdirSync(tspod.root)).toEqual([])
  expect(await tspod.ok(['ps', '-aq'])).toBe('')
  expect(await tspod.ok(['images', '-q'])).toBe('')
})
