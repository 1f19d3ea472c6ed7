import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { busyboxLayout } from '../helpers/images.js'
import { tspodStore, type TspodStore } from '../helpers/tspod.js'

let store: TspodStore

beforeAll(async () => {
  store = await tspodStore()
  await busyboxLayout(join(store.folder, 'layout'), { tag: 'localhost/busybox:latest' })
  await store.ok(['load', '-q', '-i', 'layout'])
})

const listing = ['sh', '-c', 'cd /data && stat -c "%n %u:%g %a" . $(ls)']
/** What `/data` is in the image. */
const ofImage = ['. 7:8 2750', 'file 7:8 644', 'sub 9:9 755']

beforeAll(async () => {
  const make =
    'mkdir -p /data/sub && echo hi >/data/file && chown -R 7:8 /data && chown 9:9 /data/sub && chmod 2750 /data'
  await store.ok(['run', '--name', 'made', '--network', 'none', 'localhost/busybox', 'sh', '-c', make])
  await store.ok(['commit', '-q', 'made', 'localhost/with-data'])
})

afterAll(async () => {
  await store[Symbol.asyncDispose]()
})

test.each([
  [['--uid', '5', '--gid', '6'], '5 6'],
  [['--gid', '7'], '0 7'],
  [['--opt', 'o=uid=8,gid=9'], '8 9'],
  [[], '0 0'],
])('a volume made with %j belongs to %s', async (flags, owner) => {
  const name = await store.ok(['volume', 'create', ...flags])
  expect(await store.ok(['volume', 'inspect', '--format', '{{.UID}} {{.GID}}', name])).toBe(owner)
  expect(
    await store.ok(['run', '--rm', '-v', `${name}:/etc`, 'localhost/busybox', 'stat', '-c', '%u %g', '/etc']),
  ).toBe(owner)
})

test.each([
  ['of nobody', [], '', ofImage],
  ['of nobody, nocopy', [], ':nocopy', ['. 7:8 2750']],
  ['of nobody, made with nocopy', ['--opt', 'nocopy'], '', ['. 7:8 2750']],
  ['with an owner', ['--uid', '5', '--gid', '6'], '', ['. 5:6 755', ...ofImage.slice(1)]],
  ['with an owner by its options', ['--opt', 'o=uid=5'], '', ['. 5:0 755', ...ofImage.slice(1)]],
  ['with an owner, nocopy', ['--uid', '5', '--gid', '6'], ':nocopy', ['. 5:6 755']],
  ['with an owner, made with nocopy', ['--uid', '5', '--opt', 'nocopy'], '', ['. 5:0 755']],
])('a volume %s begins as in Podman', async (_, flags, option, content) => {
  const name = await store.ok(['volume', 'create', ...flags])
  const run = ['run', '--rm', '--network', 'none']
  const shown = await store.ok([...run, '-v', `${name}:/data${option}`, 'localhost/with-data', ...listing])
  expect(shown.split('\n')).toEqual(content)
  await store.ok([...run, '-v', `${name}:/v`, 'localhost/busybox', 'sh', '-c', 'rm -rf /v/file && echo 1 >/v/own'])
  const again = await store.ok([...run, '-v', `${name}:/data`, 'localhost/with-data', ...listing])
  expect(again).not.toContain('file')
})

test.each([
  ['a name', ['-v', 'new-one:/new/deep']],
  ['a name, read-only', ['-v', 'new-two:/new/deep:ro']],
  ['a name, nocopy', ['-v', 'new-three:/new/deep:nocopy']],
  ['no name', ['--mount', 'type=volume,dst=/new/deep']],
  ['a name, in another id mapping', ['-v', 'new-four:/new/deep', '--userns', 'keep-id']],
])('a new volume of %s, where the image has nothing, is for the user who runs', async (_, flags) => {
  const show = ['localhost/busybox', 'stat', '-c', '%n %u:%g', '/new', '/new/deep']
  const shown = ['/new 0:0', '/new/deep 5:6']
  const run = ['--network', 'none', '--user', '5:6', ...flags]
  expect((await store.ok(['run', '--name', 'again', ...run, ...show])).split('\n')).toEqual(shown)
  expect((await store.ok(['start', '--attach', 'again'])).split('\n')).toEqual(shown)
  await store.ok(['rm', '--volumes', 'again'])
})

test('a new volume beneath a folder of the host is for the user, the folder that is made there is not', async () => {
  await mkdir(join(store.folder, 'of-host'))
  const mounts = ['-v', './of-host:/h', '-v', 'beneath:/h/sub']
  const run = ['run', '--rm', '--network', 'none', '--user', '5:6', ...mounts, 'localhost/busybox']
  expect(await store.ok([...run, 'stat', '-c', '%u:%g', '/h/sub'])).toBe('5:6')
  expect((await stat(join(store.folder, 'of-host/sub'))).uid).toBe((await stat(store.folder)).uid)
})

test('a volume that is still empty is for the next user; one with a file, or an owner, is not', async () => {
  const run = (user: string, name: string, ...command: string[]): Promise<string> =>
    store.ok([
      'run',
      '--rm',
      '--network',
      'none',
      '--user',
      user,
      '-v',
      `${name}:/new`,
      'localhost/busybox',
      ...command,
    ])
  const owner = ['stat', '-c', '%u:%g', '/new']
  expect(await run('5:6', 'passed-on', ...owner)).toBe('5:6')
  expect(await run('7:8', 'passed-on', ...owner)).toBe('7:8')
  await run('7:8', 'passed-on', 'touch', '/new/file')
  expect(await run('5:6', 'passed-on', ...owner)).toBe('7:8')
  await store.ok(['volume', 'create', '--uid', '9', 'owned'])
  expect(await run('5:6', 'owned', ...owner)).toBe('9:0')
})

test.each([
  [['--uid', 'x'], 'is no ID'],
  [['--uid', '4294967295'], 'is no uid'],
  [['--opt', 'o=uid=8,other'], 'cannot be mounted without root'],
])('volume create %j fails and makes none', async (flags, message) => {
  const { status, stderr } = await store.run(['volume', 'create', ...flags, 'wrong'])
  expect(status).toBe(125)
  expect(stderr).toContain(message)
  expect((await store.run(['volume', 'exists', 'wrong'])).status).toBe(1)
})
