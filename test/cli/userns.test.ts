import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { busyboxLayer } from '../helpers/images.js'
import { hasCrun } from '../helpers/bundle.js'
import { explain, tspodStore, type TspodStore } from '../helpers/tspod.js'

const image = 'localhost/busybox:latest'
const uid = String(process.getuid?.())
let store: TspodStore
let rung: string
let fuse: boolean

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tspod-userns-'))
  const archive = join(folder, 'busybox.tar')
  await writeFile(archive, await busyboxLayer())
  store = await tspodStore()
  await store.ok(['import', archive, image])
  await rm(folder, { recursive: true })
  rung = await store.ok(['info', '--format', '{{.Host.IDMappings.Rung}}'])
  fuse = (await store.run(['--storage-driver', 'fuse-overlayfs', 'info'])).status === 0
})
afterAll(() => store[Symbol.asyncDispose]())

/** The command lines that name a folder. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8')
      return words.includes(`${folder}/`) && /^\d+$/.test(name) ? [words.replaceAll('\0', ' ')] : []
    } catch {
      return []
    }
  })
}

/** No network, unless that is what is shared. */
const without = (flags: readonly string[]): string[] => (flags.includes('--network') ? [] : ['--network', 'none'])

/** Runs with this user namespace; what `id -u`, the map and the owner of / are inside. */
async function inside(
  ...flags: readonly string[]
): Promise<{ readonly id: string; readonly map: string; readonly owner: string }> {
  const command = 'id -u; stat -c %u /; cat /proc/self/uid_map'
  const [id = '', owner = '', ...map] = (
    await store.ok(['run', '--rm', ...without(flags), ...flags, image, 'sh', '-c', command])
  ).split('\n')
  return { id, owner, map: map.map((line) => line.trim().split(/\s+/).join(':')).join(' ') }
}

describe('the user namespace', () => {
  test('is by default one where root is the user', async () => {
    expect(await inside()).toMatchObject({
      id: '0',
      owner: '0',
      map: expect.stringMatching(new RegExp(`^0:${uid}:1 1:`)) as string,
    })
  })

  test('keep-id is the user inside and out, in an image that is still root’s', async (context) => {
    if (rung !== 'ranges' || !fuse) return context.skip('needs subordinate ids and fuse-overlayfs')
    expect(await inside('--userns', 'keep-id')).toMatchObject({
      id: uid,
      owner: '0',
      map: expect.stringContaining(`${uid}:0:1`) as string,
    })
    expect(await inside('--userns', 'keep-id:uid=5,gid=6')).toMatchObject({ id: '5', owner: '0' })
  })

  test('nomap leaves the user out', async (context) => {
    if (rung !== 'ranges' || !fuse) return context.skip('needs subordinate ids and fuse-overlayfs')
    expect(await inside('--userns', 'nomap')).toMatchObject({
      id: '0',
      owner: '0',
      map: expect.stringMatching(/^0:1:\d+$/) as string,
    })
  })

  test('auto is another block for each container', async (context) => {
    if (rung !== 'ranges' || !fuse) return context.skip('needs subordinate ids and fuse-overlayfs')
    await store.ok(['run', '-d', '--name', 'auto1', '--userns', 'auto', '--network', 'none', image, 'sleep', '1000'])
    const first = (await store.ok(['exec', 'auto1', 'cat', '/proc/self/uid_map'])).trim().split(/\s+/)
    const second = (await inside('--userns', 'auto:size=2000')).map.split(':')
    expect(first).toEqual(['0', '1', '1024'])
    expect(second).toEqual(['0', '1025', '2000'])
    await store.ok(['rm', '-f', '-t', '0', 'auto1'])
  })

  test.each([['keep-id'], ['auto'], ['nomap'], ['host']])(
    'of a container with %s is joined, or the one around it is',
    async (mode) => {
      if (mode !== 'host' && (rung !== 'ranges' || !fuse)) return
      await store.ok(['run', '-d', '--name', 'donor', '--userns', mode, '--network', 'none', image, 'sleep', '1000'])
      const run = (...flags: string[]) =>
        store.ok(['run', '--rm', ...flags, image, 'sh', '-c', 'stat -c %u /; cat /proc/self/uid_map'])
      const map = await store.ok(['exec', 'donor', 'cat', '/proc/self/uid_map'])
      const plain = await run('--network', 'none')
      for (const kind of ['--network', '--ipc', '--uts', '--pid'])
        expect(await run(...without([kind]), kind, 'container:donor'), kind).toBe(plain)
      const shared = ['--userns', 'container:donor', '--network', 'container:donor']
      expect(await run(...shared)).toBe(`0\n${map}`)
      await store.ok(['run', '-d', '--name', 'second', ...shared, image, 'sleep', '1000'])
      expect(await run('--userns', 'container:second', '--network', 'none')).toBe(`0\n${map}`)
      await store.ok(['rm', '-f', 'second', 'donor'])
    },
  )

  test('keep-id goes with namespaces of another container', async (context) => {
    if (rung !== 'ranges' || !fuse) return context.skip('needs subordinate ids and fuse-overlayfs')
    await store.ok(['run', '-d', '--name', 'donor', '--network', 'none', image, 'sleep', '1000'])
    for (const kind of ['--network', '--ipc', '--uts', '--pid']) {
      const flags = ['--userns', 'keep-id', kind, 'container:donor']
      expect(await inside(...flags), kind).toMatchObject({ id: uid, owner: '0' })
    }
    await store.ok(['rm', '-f', 'donor'])
  })

  test("what serves the files goes with the container, also with another's runtime", async (context) => {
    if (rung !== 'ranges' || !fuse || !hasCrun) return context.skip('needs crun, subordinate ids and fuse-overlayfs')
    const run = ['--runtime', 'crun', 'run', '--rm', '--network', 'none', '--userns', 'keep-id', image]
    expect(await store.ok([...run, 'id', '-u'])).toBe(uid)
    expect((await store.run([...run, 'no-such'])).status).toBe(127)
    await expect.poll(() => processesOf(store.folder)).toEqual([])
  })

  test('is what --uidmap and --gidmap say', async (context) => {
    if (rung !== 'ranges') return context.skip('needs subordinate ids')
    expect((await inside('--uidmap', '0:0:10', '--uidmap', '100:50:5')).map).toBe('0:0:1 1:1:9 100:50:5')
  })

  test.each([
    [['--uidmap', '0:0:10000000'], /there are 0–/],
    [['--uidmap', 'x'], /--uidmap/],
    [['--userns', 'keep-id:size=10000000'], /needs 10000000 ids/],
    [['--userns', 'auto:size=10000000'], /ids are free|needs fuse-overlayfs/],
  ])('refuses %j in one line', async (flags, words) => {
    const result = await store.run(['run', '--rm', '--network', 'none', ...flags, image, 'true'])
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toMatch(words)
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(await store.ok(['ps', '-aq'])).toBe('')
  })
})
