import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Digest } from '../../src/oci/image-spec.js'
import { unpackLayer } from '../../src/storage/unpack.js'
import { alteredEntry, archiveOf, base256, extension, gnuSparse, octal } from '../helpers/broken-tar.js'
import { layerFolder, type LayerFolder } from '../helpers/layer-folder.js'
import { tarArchive, tarEntry } from '../helpers/tar.js'

let layers: LayerFolder
beforeEach(async () => {
  layers = await layerFolder()
})
afterEach(async () => {
  await layers[Symbol.asyncDispose]()
})

const hasZstd = spawnSync('zstd', ['--version']).status === 0

function digestOf(bytes: Uint8Array, algorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}

describe('a layer', () => {
  const tar = tarArchive([
    { path: 'etc/', type: 'directory', mode: 0o700, mtime: 1000.25 },
    { path: 'etc/motd', content: 'hello\n', mode: 0o640, uid: 7, gid: 8, mtime: 1234.5 },
    { path: 'bin/su', content: '#!', mode: 0o4755 },
    { path: 'etc/link', type: 'symlink', link: '/etc/motd' },
    { path: 'etc/hard', type: 'hardlink', link: 'etc/motd' },
    { path: 'run/pipe', type: 'fifo', mode: 0o622 },
    { path: 'srv/shared/', type: 'directory', mode: 0o2775, gid: 5 },
    { path: 'srv/shared/file', content: 'x', gid: 0 },
  ])

  test('is written with owners, modes, times and links', async () => {
    const result = await layers.apply('layer', tar)
    expect(result).toMatchObject({ diffId: digestOf(tar), digest: digestOf(tar), size: tar.length, entries: 8, skipped: 0 })
    expect(await layers.entries('layer')).toMatchObject([
      { path: 'bin/', mode: 0o755 },
      { path: 'bin/su', mode: 0o4755, content: '#!' },
      { path: 'etc/', type: '5', mode: 0o700, mtime: 1000.25 },
      { path: 'etc/hard', mode: 0o640, uid: 7, gid: 8, mtime: 1234.5, content: 'hello\n' },
      { path: 'etc/link', type: '2', link: '/etc/motd' },
      { path: 'etc/motd', type: '1', link: 'etc/hard' },
      { path: 'run/' },
      { path: 'run/pipe', type: '6', mode: 0o622 },
      { path: 'srv/' },
      { path: 'srv/shared/', mode: 0o2775, gid: 5 },
      { path: 'srv/shared/file', gid: 0 },
    ])
  })

  test('that is damaged is refused at once, though no end of it comes', async () => {
    const blob = gzipSync(Array.from({ length: 400_000 }, (_, number) => String(number)).join())
    expect(blob.length).toBeGreaterThan(600_000)
    blob.fill(0xff, 1000, 2000)
    const endless = new PassThrough()
    endless.write(blob)
    const unpacked = unpackLayer(endless, await layers.folder('endless'), { plan: layers.plan })
    await expect(unpacked).rejects.toThrow('the gzip data is damaged')
    endless.destroy()
  })

  const forms: [string, () => Uint8Array][] = [
    ['plain', () => tar],
    ['gzip', () => gzipSync(tar)],
    ['gzip in two members', () => Buffer.concat([gzipSync(tar.subarray(0, 700)), gzipSync(tar.subarray(700))])],
    ['gzip with zeros behind', () => Buffer.concat([gzipSync(tar), Buffer.alloc(1000)])],
  ]
  test.each(forms)('is read from %s', async (_, blob) => {
    const bytes = blob()
    const expected = { digest: digestOf(bytes), size: bytes.length, diffId: digestOf(tar) }
    expect(await layers.apply('layer', bytes, expected)).toMatchObject(expected)
    expect(await readFile(join(layers.path, 'layer/bin/su'), 'utf8')).toBe('#!')
  })

  test.skipIf(!hasZstd)('is read from zstd (needs the program zstd)', async () => {
    const blob = spawnSync('zstd', ['-c'], { input: tar }).stdout
    expect(await layers.apply('layer', blob, { diffId: digestOf(tar) })).toMatchObject({ digest: digestOf(blob) })
  })

  test('is read from a stream in pieces of one byte', async () => {
    const blob = gzipSync(tar)
    const pieces = Readable.from(Array.from(blob, (byte) => Buffer.of(byte)))
    const result = await unpackLayer(pieces, await layers.folder('layer'), { plan: layers.plan, digest: digestOf(blob) })
    expect(result.diffId).toBe(digestOf(tar))
  })

  test('is read from a file that streams', async () => {
    await writeFile(join(layers.path, 'blob'), tar)
    const stream = createReadStream(join(layers.path, 'blob'))
    expect(await unpackLayer(stream, await layers.folder('layer'), { plan: layers.plan })).toMatchObject({ entries: 8 })
  })

  test('is checked by sha512 where that is its digest', async () => {
    const digest = digestOf(tar, 'sha512')
    expect(await layers.apply('layer', tar, { digest, diffId: digest })).toMatchObject({ digest, diffId: digest })
  })

  test('may be empty', async () => {
    expect(await layers.apply('layer', archiveOf())).toMatchObject({ entries: 0 })
    expect(await layers.apply('nothing', Buffer.alloc(0))).toMatchObject({ entries: 0, size: 0 })
  })
})

describe('a name', () => {
  const long = `${'d'.repeat(120)}/${'f'.repeat(200)}`

  test.each([
    ['in a pax record', tarEntry({ path: long, content: 'x' })],
    ["in GNU tar's L entry", Buffer.concat([extension('L', `${long}\0`), alteredEntry({ path: 'short', content: 'x' }, {})])],
    ['in the prefix', alteredEntry({ path: 'short', content: 'x' }, { prefix: 'd'.repeat(120), name: 'f'.repeat(90) })],
  ])('may be long: %s', async (_, entry) => {
    await layers.apply('layer', archiveOf(entry))
    const [file] = await readdir(join(layers.path, 'layer', 'd'.repeat(120)))
    expect(file).toMatch(/^f{90,200}$/)
  })

  test('stays the bytes it was, decomposed or not UTF-8', async () => {
    const names = ['e\u0301', '\u00e9', Buffer.from([0x66, 0xff, 0xfe])]
    await layers.apply('layer', archiveOf(...names.map((name) => alteredEntry({ path: 'x' }, { name }))))
    const found = await readdir(join(layers.path, 'layer'), { encoding: 'buffer' })
    expect(found.map((name) => name.toString('hex')).sort()).toEqual(names.map((name) => Buffer.from(name).toString('hex')).sort())
  })

  test.each(['/etc/motd', './etc/motd', 'etc//motd', 'etc/./motd', 'usr/../etc/motd', '///etc/motd'])(
    'is made clean: %s',
    async (path) => {
      await layers.apply('layer', tarArchive([{ path, content: 'x' }]))
      expect(await readFile(join(layers.path, 'layer/etc/motd'), 'utf8')).toBe('x')
    },
  )

  test('that differs only in case is another', async () => {
    await layers.apply('layer', tarArchive([{ path: 'readme', content: 'a' }, { path: 'README', content: 'b' }]))
    expect(await readFile(join(layers.path, 'layer/readme'), 'utf8')).toBe('a')
  })
})

describe('an entry that comes again', () => {
  test.each([
    ['file over file', [{ path: 'a', content: '1' }, { path: 'a', content: '2' }]],
    ['file over link', [{ path: 'a', type: 'symlink', link: '/b' }, { path: 'a', content: '2' }]],
    ['file over folder', [{ path: 'a/b/c', content: '1' }, { path: 'a', content: '2' }]],
  ] as const)('replaces the first: %s', async (_, entries) => {
    await layers.apply('layer', tarArchive(entries))
    expect(await readFile(join(layers.path, 'layer/a'), 'utf8')).toBe('2')
    expect((await lstat(join(layers.path, 'layer/a'))).isFile()).toBe(true)
  })

  test('as a folder keeps what is in it', async () => {
    await layers.apply('layer', tarArchive([{ path: 'a/b', content: '1' }, { path: 'a/', type: 'directory', mode: 0o750 }]))
    expect(await layers.entries('layer')).toMatchObject([{ path: 'a/', mode: 0o750 }, { path: 'a/b' }])
  })

  test('as something beneath a file makes the file a folder', async () => {
    await layers.apply('layer', tarArchive([{ path: 'a', content: '1' }, { path: 'a/b', content: '2' }]))
    expect(await readFile(join(layers.path, 'layer/a/b'), 'utf8')).toBe('2')
  })

  test('as a hard link to itself changes nothing', async () => {
    await layers.apply('layer', tarArchive([{ path: 'a', content: '1' }, { path: 'a', type: 'hardlink', link: 'a' }]))
    expect(await readFile(join(layers.path, 'layer/a'), 'utf8')).toBe('1')
  })
})

describe('a whiteout', () => {
  test('becomes the overlay mark', async () => {
    await layers.apply('layer', tarArchive([{ path: 'etc/.wh.gone' }, { path: 'var/.wh..wh..opq' }]))
    const mark = await stat(join(layers.path, 'layer/etc/gone'))
    expect([mark.isCharacterDevice(), mark.rdev]).toEqual([true, 0])
    expect((await layers.entries('layer')).map((entry) => entry.path)).toEqual(['etc/', 'etc/.wh.gone', 'var/', 'var/.wh..wh..opq'])
  })

  test('does not hide what its own layer has, whatever the order', async () => {
    await layers.apply('layer', tarArchive([{ path: 'a', content: '1' }, { path: '.wh.a' }, { path: '.wh.b' }, { path: 'b', content: '2' }]))
    expect((await layers.entries('layer')).map(({ path, content }) => path + content)).toEqual(['a1', 'b2'])
  })

  test.each([
    ['before', [{ path: '.wh.d' }, { path: 'd/new', content: '1' }]],
    ['before its entry', [{ path: '.wh.d' }, { path: 'd/', type: 'directory' }, { path: 'd/new', content: '1' }]],
    ['behind', [{ path: 'd/new', content: '1' }, { path: '.wh.d' }]],
  ] as const)('of a folder that the layer makes anew hides only what is below: %s', async (_, entries) => {
    await layers.apply('layer', tarArchive(entries))
    expect((await layers.entries('layer')).map((entry) => entry.path)).toEqual(['d/', 'd/.wh..wh..opq', 'd/new'])
  })

  test("of AUFS' own is left out", async () => {
    await layers.apply('layer', tarArchive([{ path: '.wh..wh.plnk/' }, { path: '.wh..wh.aufs' }]))
    expect(await readdir(join(layers.path, 'layer'))).toEqual([])
  })
})

describe('a folder that is a symbolic link in the same layer', () => {
  test.each([
    ['lib', 'usr/lib'],
    ['lib', '/usr/lib'],
    ['a/b/lib', '../../usr/lib'],
    ['a/b/lib', '/a/../../usr/./lib/'],
  ])('is followed within the root: %s -> %s', async (path, link) => {
    const entries = tarArchive([
      { path: 'usr/lib/', type: 'directory' },
      { path, type: 'symlink', link },
      { path: `${path}/x.so`, content: '1' },
    ])
    await layers.apply('layer', entries)
    expect(await readFile(join(layers.path, 'layer/usr/lib/x.so'), 'utf8')).toBe('1')
    expect(await readlink(join(layers.path, 'layer', path))).toBe(link)
  })

  test('may point at what is made by the way', async () => {
    await layers.apply('layer', tarArchive([{ path: 'lib', type: 'symlink', link: 'usr/lib' }, { path: 'lib/x.so', content: '1' }]))
    expect(await readFile(join(layers.path, 'layer/usr/lib/x.so'), 'utf8')).toBe('1')
  })
})

describe('an attribute', () => {
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex').toString('latin1')

  test('is kept: user ones, and capabilities as the container reads them', async () => {
    const body = Buffer.from(`${record('SCHILY.xattr.user.note', 'hi')}${record('SCHILY.xattr.security.capability', capability)}`, 'latin1')
    await layers.apply('layer', archiveOf(extension('x', body), tarEntry({ path: 'ping', content: '1', uid: 3 })))
    expect(await layers.entries('layer')).toMatchObject([{ path: 'ping', uid: 3, xattrs: { 'user.note': 'hi', 'security.capability': capability } }])
  })

  test("in libarchive's form is kept", async () => {
    const body = record('LIBARCHIVE.xattr.user.a%3Db', Buffer.from('va lue').toString('base64').replace(/=+$/, ''))
    await layers.apply('layer', archiveOf(extension('x', body), tarEntry({ path: 'f' })))
    expect(await layers.entries('layer')).toMatchObject([{ path: 'f' }])
  })

  test.each(['user.overlay.opaque', 'trusted.overlay.opaque', 'user.fuseoverlayfs.opaque', 'user.overlay.redirect', 'user.containers.override_stat'])(
    'that speaks to the storage driver is not taken from an image: %s',
    async (name) => {
      await layers.apply('layer', archiveOf(extension('x', record(`SCHILY.xattr.${name}`, 'y')), tarEntry({ path: 'd/', type: 'directory' })))
      expect((await layers.entries('layer')).map((entry) => entry.path)).toEqual(['d/'])
    },
  )

  function record(key: string, value: string): string {
    const rest = ` ${key}=${value}\n`.length
    const length = rest + String(rest + String(rest).length).length
    return `${String(length)} ${key}=${value}\n`
  }
})

describe('a sparse file', () => {
  const pieces = [
    [0, 3],
    [1_000_000, 3],
  ] as const
  const record = (key: string, value: string | number): string => {
    const rest = ` GNU.sparse.${key}=${String(value)}\n`.length
    return `${String(rest + String(rest + String(rest).length).length)} GNU.sparse.${key}=${String(value)}\n`
  }

  test.each([
    ['old GNU', gnuSparse('file', pieces, 2_000_000, 'abcdef')],
    [
      'pax 0.0',
      Buffer.concat([
        extension('x', record('size', 2_000_000) + record('numblocks', 2) + pieces.map(([offset, size]) => record('offset', offset) + record('numbytes', size)).join('')),
        tarEntry({ path: 'file', content: 'abcdef' }),
      ]),
    ],
    [
      'pax 0.1',
      Buffer.concat([
        extension('x', record('size', 2_000_000) + record('name', 'file') + record('map', '0,3,1000000,3')),
        tarEntry({ path: 'GNUSparseFile.1/file', content: 'abcdef' }),
      ]),
    ],
    [
      'pax 1.0',
      Buffer.concat([
        extension('x', record('major', 1) + record('minor', 0) + record('name', 'file') + record('realsize', 2_000_000)),
        tarEntry({ path: 'GNUSparseFile.1/file', content: '2\n0\n3\n1000000\n3\n'.padEnd(512, '\0') + 'abcdef' }),
      ]),
    ],
  ])('is written with its holes: %s', async (_, entry) => {
    await layers.apply('layer', archiveOf(entry, tarEntry({ path: 'next', content: 'n' })))
    const content = await readFile(join(layers.path, 'layer/file'))
    expect(content.length).toBe(2_000_000)
    expect([content.toString('latin1', 0, 3), content.toString('latin1', 1_000_000, 1_000_003)]).toEqual(['abc', 'def'])
    expect(content.filter((byte) => byte !== 0).length).toBe(6)
    expect((await stat(join(layers.path, 'layer/file'))).blocks * 512).toBeLessThan(200_000)
    expect(await readFile(join(layers.path, 'layer/next'), 'utf8')).toBe('n')
  })
})

describe('numbers', () => {
  test('may be in base 256, before 1970 too', async () => {
    await layers.apply('layer', archiveOf(alteredEntry({ path: 'f', content: 'x' }, { mtime: base256(-5n, 12), uid: base256(9n, 8), size: base256(1n, 12) })))
    expect(await layers.entries('layer')).toMatchObject([{ uid: 9, mtime: -5 }])
  })

  test('may have spaces around them', async () => {
    await layers.apply('layer', archiveOf(alteredEntry({ path: 'f', content: 'x' }, { mode: '   644 \0', uid: '     7 \0', size: `         1 \0` })))
    expect(await layers.entries('layer')).toMatchObject([{ uid: 7, mode: 0o644, content: 'x' }])
  })

  test('a size of a link or a folder means nothing', async () => {
    const link = alteredEntry({ path: 'l', type: 'symlink', link: 'f' }, { size: octal(100, 12) })
    await layers.apply('layer', archiveOf(tarEntry({ path: 'f', content: 'x' }), link, tarEntry({ path: 'g', content: 'y' })))
    expect(await readFile(join(layers.path, 'layer/g'), 'utf8')).toBe('y')
  })
})

test('a device is left out and counted', async () => {
  const devices = tarArchive([
    { path: 'dev/null', type: 'char', device: { major: 1, minor: 3 } },
    { path: 'dev/fake-whiteout', type: 'char', device: { major: 0, minor: 0 } },
    { path: 'dev/sda', type: 'block', device: { major: 8, minor: 0 } },
  ])
  expect(await layers.apply('layer', devices)).toMatchObject({ skipped: 3 })
  expect(await readdir(join(layers.path, 'layer/dev'))).toEqual([])
})

test('without subordinate ids owners are recorded, and packed again', async () => {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0]
  const plan = {
    mode: 'new',
    writer: 'self',
    uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
  } as const
  const single = await layerFolder(plan)
  try {
    await single.apply('layer', tarArchive([{ path: 'var/', type: 'directory', uid: 33, gid: 44 }, { path: 'var/f', uid: 5, mode: 0o4755 }, { path: 'l', type: 'symlink', link: 'x', uid: 5 }]))
    expect((await stat(join(single.path, 'layer/var/f'))).uid).toBe(uid)
    expect(await single.entries('layer')).toMatchObject([{ path: 'l' }, { path: 'var/', uid: 33, gid: 44 }, { path: 'var/f', uid: 5, mode: 0o4755 }])
  } finally {
    await single[Symbol.asyncDispose]()
  }
})

test('an owner without an id in the namespace is named', async () => {
  await expect(layers.apply('layer', archiveOf(alteredEntry({ path: 'f' }, { uid: octal(0o1777777, 8) })))).rejects.toMatchObject({
    code: 'host-requirement',
    message: expect.stringContaining('524287:0') as string,
  })
})
