import { closeSync, mkdirSync, openSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runInside } from '../../src/storage/inside.js'
import { measureTrees } from '../../src/storage/measure.js'
import { fillRootfs } from '../../src/storage/overlay.js'
import { packLayer } from '../../src/storage/pack.js'
import { removeTrees } from '../../src/storage/remove.js'
import { copyFromRoot, tarRoot, untarRoot } from '../../src/storage/root-archive.js'
import { layerFolder, type LayerFolder } from '../helpers/layer-folder.js'
import { readTar } from '../helpers/read-tar.js'
import { tarArchive, type TarEntry } from '../helpers/tar.js'

let layers: LayerFolder
beforeEach(async () => {
  layers = await layerFolder()
})
afterEach(async () => {
  await layers[Symbol.asyncDispose]()
})

const base: TarEntry[] = [
  { path: 'etc/', type: 'directory', mtime: 1000 },
  { path: 'etc/hosts', content: 'localhost\n', mtime: 1000.5, uid: 5, gid: 6 },
  { path: 'etc/passwd', content: 'root\n', mtime: 1000 },
  { path: 'home/u/', type: 'directory', uid: 7, mtime: 1000 },
  { path: 'home/u/old', content: 'o', mtime: 1000 },
  { path: 'usr/bin/a', content: 'A', mode: 0o4755, mtime: 1000 },
  { path: 'usr/bin/b', type: 'hardlink', link: 'usr/bin/a' },
  { path: 'usr/bin/l', type: 'symlink', link: 'a', mtime: 1000 },
]

/** Layer `name` as an overlay of what lies below, and an empty upper folder of a container. */
async function overlayOf(...names: string[]) {
  const [upper, work, mountpoint] = [await layers.folder('upper'), await layers.folder('work'), await layers.folder('mount')]
  const lower = names.map((name) => join(layers.path, name))
  return { rootfs: { driver: 'overlay', lower, upper, work, volatile: false, mountpoint } as const }
}

describe('pack', () => {
  test('gives the same bytes for the same tree, applied and packed again', async () => {
    await layers.apply('one', tarArchive(base))
    const first = await packLayer(join(layers.path, 'one'), { plan: layers.plan, output: join(layers.path, 'one.tar') })
    await layers.apply('two', await readFile(join(layers.path, 'one.tar')), { diffId: first.diffId })
    const second = await packLayer(join(layers.path, 'two'), { plan: layers.plan, output: join(layers.path, 'two.tar') })
    expect(second).toEqual(first)
  })

  test('unpacks on the way what the blob would unpack to', async () => {
    const marks: TarEntry[] = [{ path: 'usr/bin/.wh.gone' }, { path: 'home/u/.wh..wh..opq' }]
    await layers.apply('one', tarArchive([...base, ...marks]))
    const [output, unpackTo] = [join(layers.path, 'out'), await layers.folder('meanwhile')]
    const packed = await packLayer(join(layers.path, 'one'), { plan: layers.plan, output, unpackTo, compression: 'zstd' })
    await layers.apply('later', await readFile(output), { diffId: packed.diffId })
    const again = join(layers.path, 'again')
    for (const name of ['meanwhile', 'later']) {
      expect(await packLayer(join(layers.path, name), { plan: layers.plan, output: again })).toMatchObject({
        diffId: packed.diffId,
        entries: packed.entries,
      })
    }
  })

  test('compresses, and tells both digests', async () => {
    await layers.apply('one', tarArchive(base))
    const output = join(layers.path, 'out')
    const plain = await packLayer(join(layers.path, 'one'), { plan: layers.plan, output })
    const tar = await readFile(output)
    const gzip = await packLayer(join(layers.path, 'one'), { plan: layers.plan, output, compression: 'gzip', level: 9 })
    expect(gunzipSync(await readFile(output)).equals(tar)).toBe(true)
    expect(gzip).toMatchObject({ diffId: plain.diffId, size: (await stat(output)).size, uncompressedSize: tar.length })
    const zstd = await packLayer(join(layers.path, 'one'), { plan: layers.plan, output, compression: 'zstd' })
    await layers.apply('two', await readFile(output), { digest: zstd.digest, diffId: plain.diffId })
  })

  test('sets one time for all, and leaves out what it is told to', async () => {
    await layers.apply('one', tarArchive(base))
    const output = join(layers.path, 'out')
    await packLayer(join(layers.path, 'one'), { plan: layers.plan, output, mtime: 0, exclude: ['etc/hosts', 'usr'] })
    const entries = await readTar(output)
    expect(entries.map((entry) => entry.path)).toEqual(['etc/', 'etc/passwd', 'home/', 'home/u/', 'home/u/old'])
    expect(new Set(entries.map((entry) => entry.mtime))).toEqual(new Set([0]))
  })

  test('sets the time of what is later, and of nothing else', async () => {
    await layers.apply('one', tarArchive(base))
    const output = join(layers.path, 'out')
    await packLayer(join(layers.path, 'one'), { plan: layers.plan, output, mtime: 999, onlyLater: true })
    expect(new Set((await readTar(output)).map((entry) => entry.mtime))).toEqual(new Set([999]))
    await packLayer(join(layers.path, 'one'), { plan: layers.plan, output, mtime: 1001, onlyLater: true })
    expect((await readTar(output)).map((entry) => entry.mtime)).toContain(1000.5)
  })

  test('writes to a descriptor', async () => {
    await layers.apply('one', tarArchive(base))
    const fd = openSync(join(layers.path, 'out'), 'w')
    try {
      expect(await packLayer(join(layers.path, 'one'), { plan: layers.plan, output: fd })).toMatchObject({ entries: 11 })
    } finally {
      closeSync(fd)
    }
    expect(await readTar(join(layers.path, 'out'))).toHaveLength(11)
  })

  test('keeps long names, long targets and large sparse files', async () => {
    const folder = await layers.folder('tree')
    const name = 'n'.repeat(250)
    await writeFile(join(folder, name), 'x')
    await symlink(`/${'t'.repeat(300)}`, join(folder, 'link'))
    await writeFile(join(folder, 'sparse'), '')
    await truncate(join(folder, 'sparse'), 5_000_000)
    const entries = await layers.entries('tree')
    expect(entries).toMatchObject([{ path: 'link', link: `/${'t'.repeat(300)}` }, { path: name, content: 'x' }, { path: 'sparse' }])
    expect(entries[2]?.content.length).toBe(5_000_000)
  })

  test('says which compression it does not know', async () => {
    await expect(runInside('pack', layers.plan, ['--root', layers.path, '--compression', 'lzma'])).rejects.toMatchObject({ code: 'internal' })
  })

  test('does not believe owners that a container wrote into attributes', async () => {
    await layers.apply('one', tarArchive([{ path: 'f', content: 'x', uid: 1 }]))
    await runInsideShell(`setfattr -n user.containers.override_stat -v 0:0:04755 one/f`)
    expect(await layers.entries('one')).toMatchObject([{ uid: 1, mode: 0o644, xattrs: {} }])
  })
})

describe('a difference of two folders', () => {
  test('has what was added, changed and removed, with the folders above', async () => {
    await layers.apply('base', tarArchive(base))
    await fillRootfs([join(layers.path, 'base')], await layers.folder('root'), layers.plan)
    const output = join(layers.path, 'out')
    const pack = () => packLayer(join(layers.path, 'root'), { plan: layers.plan, base: join(layers.path, 'base'), output })
    expect(await pack()).toMatchObject({ entries: 0 })
    await runInsideShell('cd root && rm etc/passwd && echo changed > etc/hosts && touch -d @1000 etc && mkdir new && ln -sfn b usr/bin/l && touch -d @1000 usr/bin')
    await pack()
    expect((await readTar(output)).map(({ path, link, content }) => path + link + content)).toEqual([
      'etc/',
      'etc/.wh.passwd',
      'etc/hostschanged\n',
      'new/',
      'usr/',
      'usr/bin/',
      'usr/bin/lb',
    ])
  })

  test('put onto the base again gives the changed tree', async () => {
    await layers.apply('base', tarArchive(base))
    await fillRootfs([join(layers.path, 'base')], await layers.folder('root'), layers.plan)
    await runInsideShell('cd root && rm -r home && echo x > home && rm usr/bin/b && mkdir usr/bin/b')
    const output = join(layers.path, 'out')
    await packLayer(join(layers.path, 'root'), { plan: layers.plan, base: join(layers.path, 'base'), output })
    await layers.apply('diff', await readFile(output))
    const chain = [join(layers.path, 'diff'), join(layers.path, 'base')]
    await fillRootfs(chain, await layers.folder('again'), layers.plan)
    expect(await layers.entries('again')).toEqual(await layers.entries('root'))
  })
})

describe('an overlay of layers', () => {
  const upper: TarEntry[] = [
    { path: 'etc/.wh.passwd' },
    { path: 'home/u/.wh..wh..opq' },
    { path: 'home/u/new', content: 'n' },
    { path: 'top', content: 't' },
  ]

  test('shows what the image has, and packs what a container changed', async () => {
    await layers.apply('base', tarArchive(base))
    await layers.apply('above', tarArchive(upper))
    const root = await overlayOf('above', 'base')
    const output = join(layers.path, 'out')
    await untarRoot(root, await blob([{ path: 'added', content: '1', uid: 9 }]), { plan: layers.plan, path: '/usr/bin' })
    await tarRoot(root, { plan: layers.plan, output })
    expect((await readTar(output)).map((entry) => entry.path)).toEqual([
      'etc/', 'etc/hosts', 'home/', 'home/u/', 'home/u/new', 'top', 'usr/', 'usr/bin/', 'usr/bin/a', 'usr/bin/added', 'usr/bin/b', 'usr/bin/l',
    ])
    expect(await layers.entries('upper')).toMatchObject([{ path: 'usr/' }, { path: 'usr/bin/' }, { path: 'usr/bin/added', uid: 9 }])
  })

  test('is the same tree as copies of its layers', async () => {
    await layers.apply('base', tarArchive(base))
    await layers.apply('above', tarArchive(upper))
    const output = join(layers.path, 'out')
    await tarRoot(await overlayOf('above', 'base'), { plan: layers.plan, output })
    await fillRootfs([join(layers.path, 'above'), join(layers.path, 'base')], await layers.folder('copy'), layers.plan)
    const times = (entries: object[]) => entries.map((entry) => ({ ...entry, mtime: 0 }))
    expect(times(await layers.entries('copy'))).toEqual(times(await readTar(output)))
  })

  test('may have 128 layers', async () => {
    const names = Array.from({ length: 128 }, (_, number) => `layer-with-a-long-name-${'x'.repeat(60)}-${String(number)}`)
    for (const [number, name] of names.entries()) {
      const folder = await layers.folder(name)
      await writeFile(join(folder, `f${String(number)}`), '')
    }
    const output = join(layers.path, 'out')
    expect(await tarRoot(await overlayOf(...names), { plan: layers.plan, output })).toMatchObject({ entries: 128 })
  })

  test('may have commas, colons and backslashes in its paths', async () => {
    const folder = await layers.folder('a,b:c\\d')
    await writeFile(join(folder, 'f'), '')
    expect(await tarRoot(await overlayOf('a,b:c\\d'), { plan: layers.plan, output: join(layers.path, 'out') })).toMatchObject({ entries: 1 })
  })

  test.each([
    ['/etc', undefined, ['etc/', 'etc/hosts', 'etc/passwd']],
    ['/etc/', undefined, ['hosts', 'passwd']],
    ['/etc/.', 'conf', ['conf/', 'conf/hosts', 'conf/passwd']],
    ['etc', '.', ['hosts', 'passwd']],
    ['/usr/bin/l', undefined, ['l']],
    ['/../../etc/hosts', 'h', ['h']],
  ])('gives a path of it: %s as %s', async (path, name, expected) => {
    await layers.apply('base', tarArchive(base))
    const output = join(layers.path, 'out')
    await tarRoot(await overlayOf('base'), { plan: layers.plan, output, path, ...(name === undefined ? {} : { name }) })
    expect((await readTar(output)).map((entry) => entry.path)).toEqual(expected)
  })

  test('follows a link at the end only if asked to, and within the root', async () => {
    await layers.apply('base', tarArchive([...base, { path: 'out', type: 'symlink', link: '/../../etc/hosts' }]))
    const output = join(layers.path, 'out')
    const root = await overlayOf('base')
    await tarRoot(root, { plan: layers.plan, output, path: '/out', follow: true })
    expect(await readTar(output)).toMatchObject([{ path: 'hosts', content: 'localhost\n' }])
    await tarRoot(root, { plan: layers.plan, output, path: '/out' })
    expect(await readTar(output)).toMatchObject([{ path: 'out', type: '2' }])
    await expect(tarRoot(root, { plan: layers.plan, output, path: '/nothing' })).rejects.toMatchObject({ code: 'io' })
  })

  test('fills a volume with what the image has there, owner of the folder included', async () => {
    await layers.apply('base', tarArchive(base))
    const root = await overlayOf('base')
    expect(await copyFromRoot(root, '/home/u', await layers.folder('volume'), layers.plan)).toBe(true)
    expect(await layers.entries('volume')).toMatchObject([{ path: 'old', content: 'o' }])
    expect((await stat(join(layers.path, 'volume'))).uid).not.toBe(process.geteuid?.())
    expect(await copyFromRoot(root, '/no/such', await layers.folder('empty'), layers.plan)).toBe(false)
  })
})

describe('remove', () => {
  test('removes what is deep, of mode 000, and of other ids', async () => {
    const folder = await layers.folder('tree')
    await layers.apply('layer', tarArchive([{ path: 'a/', type: 'directory', uid: 5, mode: 0 }, { path: 'a/b/c', content: 'x', uid: 6, mode: 0 }]))
    await mkdir(join(folder, 'closed/inner'), { recursive: true })
    await chmod(join(folder, 'closed'), 0)
    makeDeep(folder, 1500)
    await removeTrees([folder, join(layers.path, 'layer'), join(layers.path, 'not-there')], layers.plan)
    expect(await readdir(layers.path)).toEqual(['layer.blob'])
  })

  test('does not follow links', async () => {
    await writeFile(join(layers.path, 'victim'), 'x')
    const folder = await layers.folder('tree')
    await symlink(layers.path, join(folder, 'up'))
    await symlink(layers.path, join(layers.path, 'link'))
    await removeTrees([folder, join(layers.path, 'link')], layers.plan)
    expect(await readdir(layers.path)).toEqual(['victim'])
  })

  test('by two at once leaves nothing, and neither fails', async () => {
    await layers.apply('layer', tarArchive(Array.from({ length: 2000 }, (_, n) => ({ path: `d${String(n % 40)}/e${String(n % 7)}/f${String(n)}` }))))
    const path = join(layers.path, 'layer')
    await Promise.all([removeTrees([path], layers.plan), removeTrees([path], layers.plan), removeTrees([path], layers.plan)])
    expect(await readdir(layers.path)).toEqual(['layer.blob'])
  })
})

test('measure counts hard links once', async () => {
  await layers.apply('layer', tarArchive([{ path: 'a', content: 'x'.repeat(1000) }, { path: 'b', type: 'hardlink', link: 'a' }, { path: 'c', content: 'y'.repeat(234) }]))
  expect(await measureTrees([join(layers.path, 'layer'), join(layers.path, 'no')], layers.plan)).toMatchObject({ bytes: 1234, inodes: 3 })
})

test('a copy has times, links and holes of the original', async () => {
  const [from, to] = [await layers.folder('from'), await layers.folder('to')]
  await writeFile(join(from, 'hole'), 'start')
  await truncate(join(from, 'hole'), 3_000_000)
  await utimes(join(from, 'hole'), 100, 200)
  await runInside('copy', layers.plan, ['--', from, to])
  const copy = await stat(join(to, 'hole'))
  expect([copy.size, copy.mtimeMs]).toEqual([3_000_000, 200_000])
  expect(copy.blocks * 512).toBeLessThan(200_000)
})

async function blob(entries: readonly TarEntry[]): Promise<string> {
  const path = join(layers.path, 'archive.tar')
  await writeFile(path, tarArchive(entries))
  return path
}

/** A tree so deep that no path names its end. */
function makeDeep(folder: string, levels: number): void {
  const before = process.cwd()
  try {
    process.chdir(folder)
    for (let level = 0; level < levels; level++) {
      mkdirSync('abcdefgh')
      process.chdir('abcdefgh')
    }
  } finally {
    process.chdir(before)
  }
}

/** A shell as root of the namespace, in the test's folder. */
async function runInsideShell(script: string): Promise<void> {
  const { execFile } = await import('node:child_process')
  const { promisify } = await import('node:util')
  const { nativeFile } = await import('../../src/base/native-dir.js')
  const { usernsArguments } = await import('../../src/storage/inside.js')
  await promisify(execFile)(nativeFile('tspod-inside'), ['run', ...usernsArguments(layers.plan), '--', 'sh', '-ec', script], { cwd: layers.path })
}
