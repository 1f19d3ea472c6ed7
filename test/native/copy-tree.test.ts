import { spawnSync } from 'node:child_process'
import { chmodSync, linkSync, mkdirSync, openSync, closeSync, ftruncateSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { packLayer } from '../../src/storage/pack.js'
import { copyTree } from '../../src/storage/copy-tree.js'
import { copyPlace, writeTree, type CopyPlace, type Tree } from '../helpers/copy-place.js'
import { readTar } from '../helpers/read-tar.js'
import { tarArchive, type TarEntry } from '../helpers/tar.js'

let place: CopyPlace
afterEach(async () => {
  await place[Symbol.asyncDispose]()
})

const tree: Tree = {
  'a.txt': 'a',
  'b.md': 'b',
  'dir/one.txt': '1',
  'dir/two.md': '2',
  'dir/sub/three.txt': '3',
  'to-dir': { link: 'dir' },
  'to-file': { link: 'dir/one.txt' },
  'star[1].txt': 'star',
}

const folder: TarEntry = { path: 'there/', type: 'directory', mode: 0o750, uid: 5, gid: 6 }

describe('where things go', () => {
  const cases: [string, string | string[], string, TarEntry[], string[]][] = [
    ['a file under a new name', 'a.txt', '/x', [], ['x']],
    ['a file into a folder by its slash', 'a.txt', '/new/', [], ['new/', 'new/a.txt']],
    ['a file into a folder by its dot', 'a.txt', '/new/.', [], ['new/', 'new/a.txt']],
    ['a file into a folder that is there', 'a.txt', '/there', [folder], ['there/', 'there/a.txt']],
    ['a file below folders that are not there', 'a.txt', '/p/q/x', [], ['p/', 'p/q/', 'p/q/x']],
    ['a folder: its content', 'dir', '/x', [], ['x/', 'x/one.txt', 'x/sub/', 'x/sub/three.txt', 'x/two.md']],
    ['a folder into one that is there', 'dir/sub', '/there', [folder], ['there/', 'there/three.txt']],
    ['the root of the context', '.', '/', [], ['a.txt', 'b.md', 'dir/', 'dir/one.txt', 'dir/sub/', 'dir/sub/three.txt', 'dir/two.md', 'star[1].txt', 'to-dir -> dir', 'to-file -> dir/one.txt']], // prettier-ignore
    ['several into a folder', ['a.txt', 'b.md'], '/x/', [], ['x/', 'x/a.txt', 'x/b.md']],
    ['what a pattern matches', '*.txt', '/x/', [], ['x/', 'x/a.txt', 'x/star[1].txt']],
    ['what a pattern with folders matches', 'd*/*.md', '/x/', [], ['x/', 'x/two.md']],
    ['folders that a pattern matches: their content', 'dir/s*', '/x/', [], ['x/', 'x/three.txt']],
    ['a name in a class', 'star[[]1].txt', '/x', [], ['x']],
    ['nothing for a pattern that matches nothing', 'q*', '/x/', [], []],
    ['what a link at the end leads to, under its own name', 'to-file', '/x/', [], ['x/', 'x/to-file']],
    ['what is behind a link to a folder', 'to-dir/one.txt', '/x/', [], ['x/', 'x/one.txt']],
    ['the content of the folder that a link leads to', 'to-dir/sub', '/x', [], ['x/', 'x/three.txt']],
    ['dots by name', 'dir/../../../a.txt', '/x', [], ['x']],
    ['through a link of the root', 'a.txt', '/lib/x', [{ path: 'lib', type: 'symlink', link: 'usr/lib' }], ['lib -> usr/lib', 'usr/', 'usr/lib/', 'usr/lib/x']], // prettier-ignore
    ['to where a link at the end leads', 'a.txt', '/l', [{ path: 'l', type: 'symlink', link: '/q/r' }], ['l -> /q/r', 'q/', 'q/r']], // prettier-ignore
    ['instead of a file', 'dir/sub', '/', [{ path: 'three.txt', content: 'old' }], ['three.txt']],
  ]
  test.each(cases)('%s', async (_, sources, to, base, expected) => {
    place = await copyPlace(tree, base)
    await place.copy(sources, to)
    expect(await place.paths()).toEqual(expected)
  })

  const refused: [string, string, string, TarEntry[], RegExp][] = [
    ['a missing file', 'nothing', '/x', [], /\/nothing: not found/],
    ['a missing folder of a pattern', 'nothing/*', '/x', [], /\/nothing\/\*: not found/],
    ['a file in place of a folder', 'dir/sub', '/', [{ path: 'three.txt/', type: 'directory' }], /three.txt: a file cannot replace a folder/], // prettier-ignore
    ['a folder in place of a file', 'dir', '/there', [{ path: 'there', content: '' }], /there: a folder cannot be copied to a file/], // prettier-ignore
    ['an inner folder in place of a link', 'dir', '/', [{ path: 'sub', type: 'symlink', link: 'q' }], /sub: a folder cannot replace a file or a link/], // prettier-ignore
    ['a file below a file', 'a.txt', '/f/x', [{ path: 'f', content: '' }], /the destination is no folder/],
    ['a circle of links', 'a.txt', '/l', [{ path: 'l', type: 'symlink', link: 'l' }], /symbolic links/],
  ]
  test.each(refused)('refuses %s', async (_, sources, to, base, message) => {
    place = await copyPlace(tree, base)
    await expect(place.copy(sources, to)).rejects.toThrow(message)
    await expect(place.copy(sources, to)).rejects.toMatchObject({ code: 'invalid-argument' })
  })

  test('takes a literal name that looks like a pattern', async () => {
    place = await copyPlace(tree)
    await place.copy('star[1].txt', '/x/', { literal: true })
    expect(await place.paths()).toEqual(['x/', 'x/star[1].txt'])
  })
})

describe('what is left out', () => {
  const cases: [string, string, { exclude?: string[]; parents?: boolean }, string[]][] = [
    ['names', '.', { exclude: ['*.txt', 'dir', 'to-*'] }, ['b.md']],
    ['names at any depth', '.', { exclude: ['**/*.txt', 'to-*'] }, ['b.md', 'dir/', 'dir/sub/', 'dir/two.md']],
    ['all but exceptions', '.', { exclude: ['*', '!dir/sub/three.txt'] }, ['dir/', 'dir/sub/', 'dir/sub/three.txt']],
    ['relative to a copied folder', 'dir', { exclude: ['sub'] }, ['one.txt', 'two.md']],
    ['files that a pattern of sources matches', '*.*', { exclude: ['*.txt'] }, ['b.md']],
    ['nothing of the way, with parents', 'dir/sub/three.txt', { parents: true }, ['dir/', 'dir/sub/', 'dir/sub/three.txt']], // prettier-ignore
    ['what stands in front of the pivot', 'dir/./sub', { parents: true }, ['sub/', 'sub/three.txt']],
    ['all that no pattern of parents matches', 'd*/*.md', { parents: true }, ['dir/', 'dir/two.md']],
    ['what is excluded of parents', 'dir', { parents: true, exclude: ['dir/sub'] }, ['dir/', 'dir/one.txt', 'dir/two.md']], // prettier-ignore
  ]
  test.each(cases)('%s', async (_, source, options, expected) => {
    place = await copyPlace(tree)
    await place.copy(source, '/', options)
    expect(await place.paths()).toEqual(expected)
  })

  test('parents that are not there are refused, unless they are a pattern', async () => {
    place = await copyPlace(tree)
    await expect(place.copy('dir/nothing', '/', { parents: true })).rejects.toThrow('not found')
    await place.copy('dir/noth*', '/', { parents: true })
    expect(await place.paths()).toEqual([])
  })

  const ignored: [string, string, string[], string[] | RegExp][] = [
    ['what the ignore file hides', '.', ['dir', 'to-*', 'star*'], ['a.txt', 'b.md']],
    ['but for its exceptions', '.', ['**', '!dir/*.md'], ['dir/', 'dir/two.md']],
    ['of folders and what is below them', 'dir', ['dir/sub'], ['one.txt', 'two.md']],
    ['to a pattern of sources', '*', ['dir', 'star*', 'to-*', 'b.md'], ['a.txt']],
    ['a source that is hidden', 'dir/one.txt', ['dir'], /hidden by the ignore file/],
    ['a folder of which all is hidden', 'dir', ['dir/**', 'dir', '!nothing'], /hidden by the ignore file/],
    ['the target of a link', 'to-file', ['dir'], /hidden by the ignore file/],
    ['a link itself', 'to-file', ['to-file'], /hidden by the ignore file/],
  ]
  test.each(ignored)('%s', async (_, source, ignore, expected) => {
    place = await copyPlace(tree)
    const from = { folder: place.context, ignore }
    if (expected instanceof RegExp) await expect(place.copy(source, '/', { from })).rejects.toThrow(expected)
    else {
      await place.copy(source, '/', { from })
      expect(await place.paths()).toEqual(expected)
    }
  })
})

describe('what copies get', () => {
  test('belongs to root, with modes and times of the source', async () => {
    place = await copyPlace({ 'dir/x': 'x' })
    chmodSync(join(place.context, 'dir/x'), 0o4751)
    chmodSync(join(place.context, 'dir'), 0o701)
    await place.copy('.', '/')
    expect(await place.entries()).toMatchObject([
      { path: 'dir/', mode: 0o701, uid: 0, gid: 0 },
      { path: 'dir/x', mode: 0o4751, uid: 0, gid: 0, mtime: 1000 },
    ])
  })

  test('an owner, made folders too, but not folders that were there', async () => {
    place = await copyPlace({ 'dir/x': 'x', 'dir/l': { link: 'x' } }, [folder])
    await place.copy('dir', '/there/new/deep', { owner: { uid: 33, gid: 44 } })
    expect(await place.entries()).toMatchObject([
      { path: 'there/', mode: 0o750, uid: 5, gid: 6 },
      { path: 'there/new/', mode: 0o755, uid: 33, gid: 44 },
      { path: 'there/new/deep/', mode: 0o755, uid: 33, gid: 44 },
      { path: 'there/new/deep/l', uid: 33, gid: 44 },
      { path: 'there/new/deep/x', uid: 33, gid: 44 },
    ])
  })

  test('inner folders that were there get the source’s mode and owner', async () => {
    place = await copyPlace({ 'there/x': 'x' }, [folder])
    chmodSync(join(place.context, 'there'), 0o711)
    await place.copy('.', '/')
    expect((await place.entries())[0]).toMatchObject({ path: 'there/', mode: 0o711, uid: 0, gid: 0 })
  })

  test('of folders on the way to what is selected, those that were there keep their owner', async () => {
    place = await copyPlace({ 'there/x': 'x' }, [folder])
    await place.copy('there/x', '/', { parents: true })
    expect((await place.entries())[0]).toMatchObject({ path: 'there/', uid: 5, gid: 6 })
  })

  const modes: [string, number, number, number][] = [
    ['755', 0o644, 0o755, 0o755],
    ['0640', 0o755, 0o640, 0o640],
    ['4711', 0o600, 0o4711, 0o4711],
    ['u=rwX,go=rX', 0o600, 0o644, 0o755],
    ['u=rwX,go=rX', 0o700, 0o755, 0o755],
    ['+x', 0o644, 0o755, 0o755],
    ['go-rwx', 0o755, 0o700, 0o700],
    ['g=u,o=', 0o640, 0o660, 0o770],
    ['a=r,u+w', 0o777, 0o644, 0o644],
    ['u+s,g+s,+t', 0o755, 0o7755, 0o7755],
    ['u=rw-w+x', 0o777, 0o577, 0o555],
  ]
  test.each(modes)('--chmod=%s', async (mode, from, file, inner) => {
    place = await copyPlace({ 'dir/sub/': '', 'dir/x': 'x' })
    chmodSync(join(place.context, 'dir/x'), from)
    chmodSync(join(place.context, 'dir/sub'), 0o755)
    await place.copy('dir', '/', { mode })
    expect((await place.entries()).map((entry) => entry.mode)).toEqual([inner, file])
  })

  test.each([
    ['u=rw,go=r', 0o755],
    ['750', 0o750],
  ])('--chmod=%s of folders that are made on the way', async (mode, folder) => {
    place = await copyPlace({ x: 'x' })
    await place.copy('x', '/new/', { mode })
    expect((await place.entries())[0]).toMatchObject({ path: 'new/', mode: folder })
  })

  test('hard links stay one file', async () => {
    place = await copyPlace({ 'dir/x': 'x' })
    linkSync(join(place.context, 'dir/x'), join(place.context, 'dir/y'))
    await place.copy('dir', '/')
    expect(await place.entries()).toMatchObject([{ path: 'x', content: 'x' }, { path: 'y', type: '1', link: 'x' }])
  })

  test('holes stay holes', async () => {
    place = await copyPlace({})
    const fd = openSync(join(place.context, 'sparse'), 'w')
    ftruncateSync(fd, 1 << 30)
    closeSync(fd)
    await place.copy('sparse', '/sparse')
    const { size, blocks } = statSync(join(place.layers.path, 'root/sparse'))
    expect(size).toBe(1 << 30)
    expect(blocks).toBeLessThan(1000)
  })

  test('attributes of the user', async ({ skip }) => {
    place = await copyPlace({ x: 'x' })
    const set = spawnSync('setfattr', ['-n', 'user.colour', '-v', 'red', join(place.context, 'x')])
    if (set.status !== 0) skip('no setfattr, or no user attributes on this file system')
    await place.copy('x', '/x')
    expect((await place.entries())[0]?.xattrs).toEqual({ 'user.colour': 'red' })
  })
})

describe('from another root', () => {
  const base: TarEntry[] = [
    { path: 'app/', type: 'directory', mode: 0o755, uid: 7, gid: 8 },
    { path: 'app/tool', content: '#!', mode: 0o4755, uid: 7, gid: 8, mtime: 1234 },
    { path: 'app/gone', content: 'x' },
    { path: 'etc/link', type: 'symlink', link: '../app' },
  ]

  test('owners stay, unless others are asked for', async () => {
    place = await copyPlace({})
    await place.layers.apply('stage', tarArchive(base))
    const path = join(place.layers.path, 'stage')
    const from = { root: { rootfs: { driver: 'dir' as const, path, mountpoint: path } } }
    await place.copy('/app/tool', '/one', { from })
    await place.copy('/etc/link/tool', '/two', { from, owner: { uid: 1, gid: 2 } })
    expect(await place.entries()).toMatchObject([
      { path: 'one', mode: 0o4755, uid: 7, gid: 8, mtime: 1234 },
      { path: 'two', mode: 0o4755, uid: 1, gid: 2 },
    ])
  })

  test('of layers, into a layer, without either being mounted for long', async ({ skip }) => {
    place = await copyPlace({})
    const { layers } = place
    await layers.apply('lower', tarArchive(base))
    await layers.apply('upper', tarArchive([{ path: 'app/.wh.gone', content: '' }, { path: 'app/new', content: 'n' }]))
    for (const name of ['diff', 'work', 'mount', 'below']) await layers.folder(name)
    const at = (name: string): string => join(layers.path, name)
    const overlay = { driver: 'overlay' as const, volatile: false, mountpoint: at('mount') }
    const root = { rootfs: { ...overlay, lower: [at('lower')], upper: at('diff'), work: at('work') } }
    const from = { root: { rootfs: { ...overlay, lower: [at('upper'), at('lower')] } } }
    try {
      await copyTree(root, from, { sources: ['/app'] }, { path: '/copy' }, { plan: layers.plan })
    } catch (error) {
      if (error instanceof Error && /mount/.test(error.message)) skip('the kernel mounts no overlays in user namespaces')
      throw error
    }
    await packLayer(at('diff'), { plan: layers.plan, output: at('packed') })
    expect((await readTar(at('packed'))).map(({ path }) => path)).toEqual(['copy/', 'copy/new', 'copy/tool'])
  })
})

describe('archives', () => {
  const archive = tarArchive([
    { path: 'in/', type: 'directory', mode: 0o700 },
    { path: 'in/file', content: 'unpacked', uid: 3, gid: 4 },
  ])
  const forms: [string, (plain: Buffer) => Buffer | undefined][] = [
    ['plain', (plain) => plain],
    ['gzip', gzipSync],
    ...(['xz', 'bzip2', 'zstd'] as const).map((program): [string, (plain: Buffer) => Buffer | undefined] => [
      program,
      (plain) => {
        const { status, stdout } = spawnSync(program, ['-c'], { input: plain })
        return status === 0 ? stdout : undefined
      },
    ]),
  ]
  test.each(forms)('%s are unpacked where the destination is', async (name, make) => {
    const bytes = make(archive)
    if (bytes === undefined) throw new Error(`the program ${name} is needed`)
    place = await copyPlace({ 'a.tar': bytes, 'b.txt': 'no archive' })
    await place.copy(['a.tar', 'b.txt'], '/to/', { unpack: true })
    expect(await place.entries()).toMatchObject([
      { path: 'to/' },
      { path: 'to/b.txt', content: 'no archive' },
      { path: 'to/in/', mode: 0o700 },
      { path: 'to/in/file', content: 'unpacked', uid: 3, gid: 4 },
    ])
  })

  test('without a slash they are, too, and get the owner that is asked for', async () => {
    place = await copyPlace({ 'a.tar': archive })
    await place.copy('a.tar', '/to', { unpack: true, owner: { uid: 9, gid: 9 } })
    expect(await place.entries()).toMatchObject([{ path: 'to/', uid: 9 }, { path: 'to/in/', uid: 9 }, { path: 'to/in/file', uid: 9 }]) // prettier-ignore
  })

  const copied: [string, Buffer][] = [
    ['text', Buffer.from('hello')],
    ['compressed text', gzipSync('hello'.repeat(1000))],
    ['zeros', Buffer.alloc(4096)],
    ['nothing', Buffer.alloc(0)],
    ['half a compressed block', gzipSync(archive).subarray(0, 12)],
  ]
  test.each(copied)('%s is copied as it is', async (_, bytes) => {
    place = await copyPlace({ file: bytes })
    await place.copy('file', '/file', { unpack: true })
    expect((await place.entries())[0]).toMatchObject({ path: 'file', content: bytes.toString('latin1') })
  })

  test('in folders are left as they are', async () => {
    place = await copyPlace({ 'dir/a.tar': archive })
    await place.copy('dir', '/', { unpack: true })
    expect(await place.paths()).toEqual(['a.tar'])
  })

  test('that are damaged are an error', async () => {
    place = await copyPlace({ 'a.tar.gz': gzipSync(tarArchive([{ path: 'x', content: Buffer.alloc(300_000, 'ab12') }])) })
    const whole = statSync(join(place.context, 'a.tar.gz')).size
    const file = openSync(join(place.context, 'a.tar.gz'), 'r+')
    ftruncateSync(file, whole - 20)
    closeSync(file)
    await expect(place.copy('a.tar.gz', '/x', { unpack: true })).rejects.toMatchObject({ code: 'archive-invalid' })
  })
})

describe('the digest', () => {
  const same: [string, (context: string) => void][] = [
    ['times', (context) => writeFileSync(join(context, 'a.txt'), 'a')],
    ['what is not copied', (context) => writeFileSync(join(context, 'other'), 'x')],
  ]
  test.each(same)('does not change with %s', async (_, change) => {
    place = await copyPlace(tree)
    const sources = ['a.txt', 'dir']
    const before = await place.digest(sources)
    change(place.context)
    expect((await place.digest(sources)).digest).toBe(before.digest)
  })

  const different: [string, (context: string) => void][] = [
    ['content', (context) => writeFileSync(join(context, 'dir/one.txt'), '9')],
    ['a mode', (context) => chmodSync(join(context, 'dir/one.txt'), 0o755)],
    ['a folder’s mode', (context) => chmodSync(join(context, 'dir/sub'), 0o700)],
    ['an empty folder', (context) => mkdirSync(join(context, 'dir/empty'))],
    ['a name', (context) => writeFileSync(join(context, 'dir/one.txt2'), '1')],
  ]
  test.each(different)('changes with %s', async (_, change) => {
    place = await copyPlace(tree)
    const before = await place.digest('dir')
    change(place.context)
    expect((await place.digest('dir')).digest).not.toBe(before.digest)
  })

  test('is what copying gives, for each way to select', async () => {
    place = await copyPlace(tree)
    for (const [source, options] of [
      ['.', {}],
      ['*.txt', {}],
      ['dir', { exclude: ['*.md'] }],
      ['dir/sub', { parents: true }],
    ] as const) {
      const { digest } = await place.digest(source, options)
      expect((await place.copy(source, `/x/`, options)).digest).toBe(digest)
    }
  })

  test('tells names of files apart from each other', async () => {
    place = await copyPlace({ a: 'x', b: 'x' })
    expect((await place.digest('a')).digest).not.toBe((await place.digest('b')).digest)
  })

  test('of a file with holes is that of one with zeros', async () => {
    place = await copyPlace({ 'one/x': Buffer.concat([Buffer.from('begin'), Buffer.alloc(1 << 20), Buffer.from('end')]) })
    writeTree(join(place.context, 'two'), {})
    const copied = spawnSync('cp', ['--sparse=always', join(place.context, 'one/x'), join(place.context, 'two/x')])
    expect(copied.status).toBe(0)
    chmodSync(join(place.context, 'two/x'), statSync(join(place.context, 'one/x')).mode & 0o7777)
    expect((await place.digest('two')).digest).toBe((await place.digest('one')).digest)
  })
})
