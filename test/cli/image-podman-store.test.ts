import { execFile } from 'node:child_process'
import { mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { busyboxEntries } from '../helpers/images.js'
import { expectValidLayout } from '../helpers/oci-checks.js'
import { makePodmanStore, type PodmanTestImage } from '../helpers/podman-store.js'
import { tspodStore, type TspodStore } from '../helpers/tspod.js'

const execute = promisify(execFile)
const name = 'localhost/theirs:1'

let store: TspodStore
let graphroot: string
let image: PodmanTestImage

beforeEach(async () => {
  store = await tspodStore()
  graphroot = join(store.env['HOME'] ?? '', '.local/share/containers/storage')
  image = await makePodmanStore(graphroot, name, [
    await busyboxEntries(),
    [
      { path: 'etc/', type: 'directory' },
      { path: 'etc/secret', content: 'only root\n', mode: 0 },
      { path: 'empty' },
      { path: `etc/${'long'.repeat(40)}`, content: 'x'.repeat(70_000) },
      { path: 'link', type: 'symlink', link: 'etc' },
    ],
  ])
})

afterEach(async () => {
  await store[Symbol.asyncDispose]()
})

test("an image of Podman's own store is pulled, run and saved; its ID stays", async () => {
  /* As in a real store, a file belongs to an id that only the user's namespace has, and only root in it may read it. */
  const secret = join(image.folders[1] ?? '', 'etc/secret')
  const script = 'chown 5:5 "$1" && chmod 0 "$1"'
  if (process.getuid?.() !== 0)
    await execute('unshare', ['--user', '--map-root-user', '--map-auto', 'sh', '-c', script, 'sh', secret])
  expect(await store.ok(['pull', '-q', `containers-storage:${name}`])).toBe(image.id)
  expect(await store.ok(['run', '--rm', name, 'cat', '/etc/secret'])).toBe('only root')
  await expectValidLayout(join(store.root, 'images'))
  await store.ok(['rmi', name])
  expect(await store.ok(['run', '--rm', `containers-storage:${image.id.slice(0, 12)}`, 'cat', '/link/secret'])).toBe(
    'only root',
  )
  await store.ok(['rmi', '-a', '-f'])
  expect(await store.ok(['pull', '-q', `containers-storage:[overlay@${graphroot}]theirs:1`])).toBe(image.id)
  await store.ok(['save', '-q', '--format', 'oci-dir', '-o', 'saved', name])
  await expectValidLayout(join(store.folder, 'saved'))
})

test('what was changed in the store since is noticed, and nothing of it is kept', async () => {
  const secret = join(image.folders[1] ?? '', 'etc/secret')
  await writeFile(secret, 'other but as long'.slice(0, 10))
  const changed = await store.run(['pull', `containers-storage:${name}`])
  expect(changed.status).toBe(125)
  expect(changed.stderr).toMatch(/digest|content/)
  await writeFile(secret, 'longer than it was')
  expect((await store.run(['pull', `containers-storage:${name}`])).stderr).toContain('another size')
  expect(await store.ok(['images', '-aq'])).toBe('')
  expect(await readdir(join(store.root, 'layers'))).toEqual([])
})

test('nothing outside of a layer is read, whatever the store says', async () => {
  const tarSplit = image.tarSplits[1] ?? ''
  await writeFile(join(store.folder, 'outside'), 'x'.repeat(10))
  const lines = gunzipSync(await readFile(tarSplit)).toString()
  for (const path of ['../../../../../outside', join(store.folder, 'outside')]) {
    await writeFile(tarSplit, gzipSync(lines.replaceAll('"etc/secret"', JSON.stringify(path))))
    const { status, stderr } = await store.run(['pull', `containers-storage:${name}`])
    expect(status).toBe(125)
    expect(stderr).toMatch(/open a file of the layer/)
  }
  await writeFile(tarSplit, gzipSync(lines))
  await rm(join(image.folders[1] ?? '', 'etc/secret'))
  await symlink(join(store.folder, 'outside'), join(image.folders[1] ?? '', 'etc/secret'))
  expect((await store.run(['pull', `containers-storage:${name}`])).status).toBe(125)
  expect(await store.ok(['images', '-aq'])).toBe('')
})

test.each([
  ['an unknown name', async () => {}, 'containers-storage:nosuch', 'image not known to Podman'],
  ['no store', () => rm(graphroot, { recursive: true }), 'containers-storage:nosuch', 'no store of Podman'],
  ['a relative folder', async () => {}, 'containers-storage:[overlay@x]y', 'whole path'],
  [
    'a damaged list',
    () => writeFile(join(graphroot, 'overlay-images/images.json'), '{'),
    `containers-storage:${name}`,
    'not valid JSON',
  ],
  [
    'a wrong ID',
    () => writeFile(join(graphroot, 'overlay-images/images.json'), '[{"id":"../x"}]'),
    `containers-storage:${name}`,
    'an ID that is none',
  ],
  [
    'a layer that is not there',
    () => writeFile(join(graphroot, 'overlay-layers/layers.json'), '[]'),
    `containers-storage:${name}`,
    'no layer',
  ],
  ['a damaged tar-split', () => writeFile(image.tarSplits[0] ?? '', 'x'), `containers-storage:${name}`, 'damaged'],
  [
    'a tar-split of something else',
    () => writeFile(image.tarSplits[0] ?? '', gzipSync('{"type":7}\n')),
    `containers-storage:${name}`,
    'damaged, or of a kind',
  ],
])('%s is a clear error', async (_, damage, source, message) => {
  await damage()
  const { status, stderr } = await store.run(['pull', source])
  expect(status).toBe(125)
  expect(stderr).toContain(message)
})

test("Podman's store is only read, and where storage.conf says", async () => {
  await store.ok(['pull', '-q', `containers-storage:${name}`])
  expect((await store.run(['push', name, 'containers-storage:x'])).stderr).toContain('only Podman writes')
  await store.ok(['rmi', name])
  const other = join(store.folder, 'elsewhere')
  await execute('cp', ['-a', graphroot, other])
  await rm(graphroot, { recursive: true })
  const config = join(store.env['HOME'] ?? '', '.config/containers')
  await mkdir(config, { recursive: true })
  await writeFile(join(config, 'storage.conf'), `[storage]\ndriver = "overlay"\ngraphroot = "$HOME/../elsewhere"\n`)
  expect(await store.ok(['pull', '-q', `containers-storage:${name}`])).toBe(image.id)
})

test('policy.json has a say, for the store, too', async () => {
  const config = join(store.env['HOME'] ?? '', '.config/containers')
  await mkdir(config, { recursive: true })
  const accept = [{ type: 'insecureAcceptAnything' }]
  const scopes = { [`[overlay@${graphroot}]`]: [{ type: 'reject' }] }
  const policy = { default: accept, transports: { 'containers-storage': scopes } }
  await writeFile(join(config, 'policy.json'), JSON.stringify(policy))
  expect((await store.run(['pull', `containers-storage:${name}`])).stderr).toContain('rejected by policy')
})
