import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { busyboxEntries } from '../helpers/images.js'
import { startTestRegistry } from '../helpers/registry.js'
import { tarArchive } from '../helpers/tar.js'
import { program, tspodStore, type TspodStore } from '../helpers/tspod.js'

let store: TspodStore

beforeAll(async () => {
  store = await tspodStore()
  await using registry = await startTestRegistry()
  const base = tarArchive(await busyboxEntries())
  const first = tarArchive([{ path: 'one', content: '1' }])
  const second = tarArchive([
    { path: 'two', content: '2' },
    { path: '.wh.one' },
    { path: 'etc/passwd', content: 'root:x:0:0::/:/bin/sh\n' },
  ])
  for (const [name, layers] of Object.entries({
    base: [base],
    a: [base, first],
    b: [base, first, second],
    c: [base, second],
  })) {
    registry.putImage(name, 'latest', layers)
    await store.ok(['pull', '-q', `${registry.host}/${name}`])
    await store.ok(['tag', `${registry.host}/${name}`, `localhost/${name}`])
  }
})

afterAll(async () => {
  await store[Symbol.asyncDispose]()
})

const unshared = (script: string): Promise<string> =>
  store.ok([
    'unshare',
    'sh',
    '-euc',
    `tspod() { '${program}' --root '${store.root}' --runroot '${store.runroot}' "$@"; }\n${script}`,
  ])

test('images are mounted in unshare, read-only, once each, and gone with it', async () => {
  const lines = await unshared(`
    one=$(tspod image mount localhost/a)
    [ "$one" = "$(tspod image mount localhost/a)" ]
    cat "$one/one"; echo
    touch "$one/new" 2>/dev/null || echo read-only
    tspod image mount localhost/base localhost/b | wc -l
    tspod image mount --format json | grep -c mountpoint
    tspod image unmount localhost/a >/dev/null
    [ ! -e "$one" ] && echo gone
    tspod image unmount localhost/a
    tspod image unmount --all | wc -l
    tspod image mount`)
  expect(lines.split('\n')).toEqual(['1', 'read-only', '2', '3', 'gone', '2'])
  expect(await readdir(join(store.runroot, 'image-mounts'))).toEqual([])
})

test('an image is mounted by fuse-overlayfs, which goes on in the background', async (context) => {
  const info = await store.run(['--storage-driver', 'fuse-overlayfs', 'info'])
  if (info.status !== 0) return context.skip('needs fuse-overlayfs')
  const lines = await unshared(`
    fuse() { tspod --storage-driver fuse-overlayfs "$@"; }
    one=$(fuse image mount localhost/a)
    cat "$one/one"; echo
    grep -c " $one fuse.fuse-overlayfs " /proc/mounts
    fuse image unmount localhost/a >/dev/null
    [ ! -e "$one" ] && echo gone`)
  expect(lines.split('\n')).toEqual(['1', '1', 'gone'])
})

test('image mount says what it needs', async () => {
  if (process.getuid?.() !== 0) {
    const { status, stderr } = await store.run(['image', 'mount', 'localhost/a'])
    expect(status).toBe(125)
    expect(stderr).toContain('tspod unshare')
  }
  expect(await store.ok(['image', 'mount'])).toBe('')
  expect((await store.run(['image', 'unmount'])).stderr).toContain('name an image, or use --all')
  expect(await unshared('tspod image mount nosuch 2>&1 || true')).toContain('image not known')
})

test.each([
  [['localhost/a'], ['A /one']],
  [
    ['localhost/b', 'localhost/a'],
    ['A /two', 'C /etc', 'C /etc/passwd', 'D /one'],
  ],
  [
    ['localhost/b', 'localhost/base'],
    ['A /two', 'C /etc', 'C /etc/passwd'],
  ],
  [
    ['localhost/a', 'localhost/c'],
    ['A /one', 'C /etc', 'C /etc/passwd', 'D /two'],
  ],
  [['localhost/a', 'localhost/a'], []],
])('image diff %j says %j', async (names, expected) => {
  const lines = (await store.ok(['image', 'diff', ...names])).split('\n')
  expect(lines.filter((line) => line !== '').sort()).toEqual(expected)
})

test('image diff of what is not here fails', async () => {
  expect((await store.run(['image', 'diff', 'localhost/a', 'nosuch'])).stderr).toContain('image not known')
})

/** A host that ssh reaches: the command is run by a shell, with another store and another PATH. */
async function host(): Promise<{ store: TspodStore; path: string; calls: () => Promise<string[]> }> {
  const there = await tspodStore()
  const [bin, log] = [join(there.folder, 'bin'), join(there.folder, 'calls')]
  await mkdir(join(bin, 'there'), { recursive: true })
  const script = async (path: string, text: string): Promise<void> => {
    await writeFile(path, `#!/bin/sh\n${text}\n`)
    await chmod(path, 0o755)
  }
  await script(
    join(bin, 'there', 'tspod'),
    `exec '${program}' --root '${there.root}' --runroot '${there.runroot}' "$@"`,
  )
  await script(
    join(bin, 'ssh'),
    `printf '%s\\n' "$*" >>'${log}'
for last; do :; done
case "$*" in *unreachable*) echo 'ssh: Could not resolve hostname' >&2; exit 255;; esac
PATH='${join(bin, 'there')}':$PATH exec sh -c "$last"`,
  )
  return {
    store: there,
    path: `${bin}:${process.env['PATH'] ?? ''}`,
    calls: async () => (await readFile(log, 'utf8')).trim().split('\n'),
  }
}

test('image scp sends an image to a host, fetches one, and takes one from host to host', async () => {
  const there = await host()
  await using other = there.store
  const env = { PATH: there.path }
  const id = await store.ok(['image', 'inspect', '--format', '{{.Id}}', 'localhost/b'])
  expect(await store.ok(['image', 'scp', 'localhost/b', 'me@there:2222::'], { env })).toBe(
    'Loaded image: localhost/b:latest',
  )
  expect(await other.ok(['image', 'inspect', '--format', '{{.Id}}', 'localhost/b'])).toBe(id)
  await using here = await tspodStore()
  expect(await here.ok(['image', 'scp', 'ssh://me@there/run/podman.sock::localhost/b'], { env })).toBe(
    'Loaded image: localhost/b:latest',
  )
  expect(await here.ok(['image', 'inspect', '--format', '{{.Id}}', 'localhost/b'])).toBe(id)
  await here.ok(['image', 'scp', '-q', `there::${id}`, 'there::'], { env })
  const calls = await there.calls()
  expect(calls).toHaveLength(4)
  expect(calls[0]).toMatch(/^-T -p 2222 -- me@there p=.* load -q$/)
  expect(calls[1]).toMatch(/^-T -- me@there p=.* save 'localhost\/b'$/)
})

test.each([
  [['localhost/a'], 'must specify a destination'],
  [['nosuch', 'there::'], 'image not known'],
  [['localhost/a', 'unreachable::'], 'unreachable: ssh: Could not resolve hostname'],
  [['unreachable::x'], 'unreachable: ssh: Could not resolve hostname'],
  [['there::nosuch'], 'there: Error: nosuch: image not known'],
  [["there::x';reboot;'"], 'invalid reference format'],
  [['localhost/a', '-oProxyCommand=x::'], 'is no host|unknown|flag'],
  [['localhost/a', 'there::other'], 'keeps its name'],
])('image scp %j is a clear error', async (args, message) => {
  const there = await host()
  await using _other = there.store
  const { status, stderr } = await store.run(['image', 'scp', ...args], { env: { PATH: there.path } })
  expect(status).toBe(125)
  expect(stderr).toMatch(new RegExp(message))
})
