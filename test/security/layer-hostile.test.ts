import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Digest } from '../../src/oci/image-spec.js'
import { LayerStore } from '../../src/storage/layers.js'
import { unpackLayer, type UnpackOptions } from '../../src/storage/unpack.js'
import { alteredEntry, archiveOf, bareHeader, base256, extension, gnuSparse } from '../helpers/broken-tar.js'
import { layerFolder, type LayerFolder } from '../helpers/layer-folder.js'
import { tarArchive, tarEntry, type TarEntry } from '../helpers/tar.js'

let layers: LayerFolder
beforeEach(async () => {
  layers = await layerFolder()
  await writeFile(join(layers.path, 'victim'), 'untouched')
})
afterEach(async () => {
  await layers[Symbol.asyncDispose]()
})

/** Unpacks into `layer`; afterwards nothing beside it may have changed. */
async function unpackHostile(blob: Uint8Array, options: Partial<UnpackOptions> = {}): Promise<unknown> {
  const error = await layers.apply('layer', blob, options).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect((await readdir(layers.path)).sort()).toEqual(['layer', 'layer.blob', 'victim'])
  expect(await readFile(join(layers.path, 'victim'), 'utf8')).toBe('untouched')
  return error
}

describe('an entry that would leave the root is refused', () => {
  const cases: [string, TarEntry[]][] = [
    ['a file above', [{ path: '../victim', content: 'x' }]],
    ['a file far above', [{ path: 'a/../../../../victim', content: 'x' }]],
    ['a folder above', [{ path: '../new/', type: 'directory' }]],
    ['an absolute name above', [{ path: '/../victim', content: 'x' }]],
    ['a hard link to a file above', [{ path: 'l', type: 'hardlink', link: '../victim' }]],
    ['a symbolic link upwards', [{ path: 'l', type: 'symlink', link: '../victim' }]],
    ['a symbolic link upwards by a detour', [{ path: 'a/l', type: 'symlink', link: 'b/../../../victim' }]],
    ['a whiteout of the folder', [{ path: 'a/.wh..' }]],
    ['a whiteout of the parent', [{ path: 'a/.wh...' }]],
    ['a whiteout of nothing', [{ path: 'a/.wh.' }]],
    ['a file instead of the root', [{ path: './', type: 'file', content: 'x' }]],
    ['a link instead of the root', [{ path: '.', type: 'symlink', link: '/etc' }]],
  ]
  test.each(cases)('%s', async (_, entries) => {
    expect(await unpackHostile(tarArchive(entries))).toMatchObject({ code: 'archive-invalid' })
  })
})

describe('an entry behind a link that leaves the root', () => {
  test.each<[string, string]>([
    ['an absolute one', '/'],
    ['an absolute one to a folder of the host', '/tmp'],
    ['one through the process', '/proc/self/cwd'],
    ['one that climbs', '/../../..'],
  ])('is written within the root: %s', async (_, link) => {
    const entries = tarArchive([
      { path: 'out', type: 'symlink', link },
      { path: 'out/planted', content: 'x' },
      { path: 'out/.wh.victim' },
    ])
    expect(await unpackHostile(entries)).toBeUndefined()
    const found = (await layers.entries('layer')).map((entry) => entry.path)
    expect(found.filter((path) => path.endsWith('planted'))).toHaveLength(1)
  })

  test('cannot be the target of a hard link outside', async () => {
    const entries = tarArchive([
      { path: 'out', type: 'symlink', link: layersParent() },
      { path: 'l', type: 'hardlink', link: 'out/victim' },
    ])
    expect(await unpackHostile(entries)).toMatchObject({ message: expect.stringContaining('hard link') as string })
  })

  test('is refused when the links never end', async () => {
    const entries = tarArchive([
      { path: 'a', type: 'symlink', link: 'b' },
      { path: 'b', type: 'symlink', link: 'a' },
      { path: 'a/f', content: 'x' },
    ])
    expect(await unpackHostile(entries)).toMatchObject({ code: 'io' })
  })

  test('a hard link to a symbolic link does not write through it', async () => {
    const entries = tarArchive([
      { path: 's', type: 'symlink', link: '/victim' },
      { path: 'h', type: 'hardlink', link: 's' },
      { path: 'h', content: 'x' },
    ])
    expect(await unpackHostile(entries)).toBeUndefined()
    expect(await readFile(join(layers.path, 'layer/h'), 'utf8')).toBe('x')
  })

  function layersParent(): string {
    return layers.path
  }
})

test('what lies in the folder already is never followed', async () => {
  const folder = await layers.folder('layer')
  await symlink(layers.path, join(folder, 'out'))
  await writeFile(join(layers.path, 'layer.blob'), tarArchive([{ path: 'out/victim', content: 'x' }]))
  await unpackLayer(join(layers.path, 'layer.blob'), folder, { plan: layers.plan })
  expect(await readFile(join(layers.path, 'victim'), 'utf8')).toBe('untouched')
})

describe('a blob that is not what it should be', () => {
  const tar = tarArchive([{ path: 'f', content: 'x'.repeat(5000) }])
  const blob = gzipSync(tar)
  const other: Digest = `sha256:${'0'.repeat(64)}`

  test.each<[string, Uint8Array, Partial<UnpackOptions>, string]>([
    ['another digest', blob, { digest: other }, 'digest-mismatch'],
    ['another DiffID', blob, { diffId: other }, 'digest-mismatch'],
    ['shorter than said', blob, { size: blob.length + 1 }, 'digest-mismatch'],
    ['longer than said', blob, { size: blob.length - 1 }, 'digest-mismatch'],
    ['truncated gzip', blob.subarray(0, -9), {}, 'archive-invalid'],
    ['garbage behind gzip', Buffer.concat([blob, Buffer.from('junk')]), {}, 'archive-invalid'],
    ['truncated tar', tar.subarray(0, 3000), {}, 'archive-invalid'],
    ['a header cut in half', tar.subarray(0, 300), {}, 'archive-invalid'],
    ['no archive', Buffer.alloc(2048, 'no archive at all '), {}, 'archive-invalid'],
    ['HTML', Buffer.from('<!doctype html>'), {}, 'archive-invalid'],
    ['an unknown compression', Buffer.from('fd377a585a00'.padEnd(2000, '0'), 'hex'), {}, 'archive-invalid'],
  ])('is refused: %s', async (_, bytes, options, code) => {
    expect(await unpackHostile(bytes, options)).toMatchObject({ code })
  })

  test('is refused whichever bit of it was flipped', async () => {
    const digest: Digest = `sha256:${createHash('sha256').update(blob).digest('hex')}`
    for (let bit = 3; bit < blob.length * 8; bit += 97) {
      const flipped = Buffer.from(blob)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      await expect(layers.apply(`flipped-${String(bit)}`, flipped, { digest })).rejects.toMatchObject({
        code: expect.stringMatching(/^(digest-mismatch|archive-invalid|limit-exceeded|host-requirement)$/) as string,
      })
    }
  })
})

describe('a damaged archive is refused', () => {
  const sparse = (map: string): Buffer =>
    archiveOf(
      extension('x', record('GNU.sparse.size', '1000') + record('GNU.sparse.map', map)),
      tarEntry({ path: 'f', content: 'abc' }),
    )

  test.each<[string, Buffer, string]>([
    ['a wrong checksum', archiveOf(alteredEntry({ path: 'f' }, { checksum: '0000000\0' })), 'archive-invalid'],
    ['a size that is no number', archiveOf(alteredEntry({ path: 'f' }, { size: 'abcdefghijkl' })), 'archive-invalid'],
    ['a negative size', archiveOf(alteredEntry({ path: 'f' }, { size: base256(-1n, 12) })), 'archive-invalid'],
    ['a size of 2^63', archiveOf(alteredEntry({ path: 'f' }, { size: base256(2n ** 63n - 1n, 12) })), 'limit-exceeded'],
    ['a type that nobody knows', archiveOf(alteredEntry({ path: 'f' }, { type: '\u0001' })), 'archive-invalid'],
    ['no name', archiveOf(alteredEntry({ path: 'f' }, { name: '' })), 'archive-invalid'],
    ['an owner of -1', archiveOf(alteredEntry({ path: 'f' }, { uid: base256(-1n, 8) })), 'host-requirement'],
    ['a link to nothing', archiveOf(tarEntry({ path: 'f', type: 'symlink', link: '' })), 'archive-invalid'],
    ['a hard link to what is not there', tarArchive([{ path: 'f', type: 'hardlink', link: 'g' }]), 'archive-invalid'],
    [
      'a hard link to a folder',
      tarArchive([
        { path: 'd/', type: 'directory' },
        { path: 'f', type: 'hardlink', link: 'd' },
      ]),
      'archive-invalid',
    ],
    ['a pax record without length', archiveOf(extension('x', 'path=f\n'), tarEntry({ path: 'g' })), 'archive-invalid'],
    [
      'a pax record longer than its header',
      archiveOf(extension('x', '99 path=f\n'), tarEntry({ path: 'g' })),
      'archive-invalid',
    ],
    [
      'a pax length that overflows',
      archiveOf(extension('x', '99999999999999999999 path=f\n'), tarEntry({ path: 'g' })),
      'archive-invalid',
    ],
    [
      'a pax length shorter than itself',
      archiveOf(extension('x', '2 path=f\n'), tarEntry({ path: 'g' })),
      'archive-invalid',
    ],
    [
      'a pax name with a zero in it',
      archiveOf(extension('x', record('path', 'a\0b')), tarEntry({ path: 'g' })),
      'archive-invalid',
    ],
    [
      'a pax size that is none',
      archiveOf(extension('x', record('size', '-1')), tarEntry({ path: 'g' })),
      'archive-invalid',
    ],
    ['an extended header and nothing behind', extension('x', record('path', 'f')), 'archive-invalid'],
    ['a sparse map that overlaps', sparse('0,2,1,1'), 'archive-invalid'],
    ['a sparse map beyond the file', sparse('999,3'), 'archive-invalid'],
    ['a sparse map that overflows', sparse('18446744073709551615,3'), 'archive-invalid'],
    ['a sparse map with less than is stored', sparse('0,2'), 'archive-invalid'],
    [
      'an old sparse map with more than is stored',
      archiveOf(gnuSparse('f', [[0, 600]], 1000, 'abc')),
      'archive-invalid',
    ],
  ])('%s', async (_, archive, code) => {
    expect(await unpackHostile(archive)).toMatchObject({ code })
  })
})

describe('a limit ends it', () => {
  const many = tarArchive(Array.from({ length: 50 }, (_, number) => ({ path: `f${String(number)}` })))

  test.each<[string, Uint8Array, Partial<UnpackOptions>]>([
    ['entries', many, { limits: { entries: 49 } }],
    ['inflated bytes (a bomb)', gzipSync(Buffer.alloc(64 << 20)), { limits: { size: 1 << 20 } }],
    [
      'inflated bytes of an archive',
      gzipSync(tarArchive([{ path: 'f', content: Buffer.alloc(8 << 20) }])),
      { limits: { size: 1 << 20 } },
    ],
    ['a gigantic sparse file', archiveOf(gnuSparse('f', [[0, 3]], 8 ** 11 - 1, 'abc')), { limits: { file: 1 << 30 } }],
    [
      'a file that claims a petabyte',
      archiveOf(bareHeader('f', '0', 0), alteredEntry({ path: 'g' }, { size: base256(1n << 50n, 12) })),
      {},
    ],
    ['a long name', tarArchive([{ path: 'd/'.repeat(3000) + 'f' }]), {}],
    ['a long part of a name', tarArchive([{ path: 'n'.repeat(256) }]), {}],
    ['a long name in L', archiveOf(extension('L', 'n'.repeat(1 << 20)), tarEntry({ path: 'f' })), {}],
    [
      'an extended header',
      archiveOf(extension('x', record('comment', 'c'.repeat(2 << 20))), tarEntry({ path: 'f' })),
      {},
    ],
    ['an extended header that only claims to be large', bareHeader('x', 'x', 8 ** 10), {}],
    ['a global header', bareHeader('g', 'g', 8 ** 10), {}],
    [
      'many attributes',
      archiveOf(
        extension('x', Array.from({ length: 300 }, (_, n) => record(`SCHILY.xattr.user.${String(n)}`, 'v')).join('')),
        tarEntry({ path: 'f' }),
      ),
      {},
    ],
    [
      'a large attribute',
      archiveOf(extension('x', record('SCHILY.xattr.user.x', 'v'.repeat(70000))), tarEntry({ path: 'f' })),
      {},
    ],
  ])('%s', async (_, archive, options) => {
    expect(await unpackHostile(archive, options)).toMatchObject({ code: 'limit-exceeded' })
  })

  test('a tree as deep as a path can be is written and removed', async () => {
    await layers.apply('layer', tarArchive([{ path: 'd/'.repeat(1900) + 'f', content: 'x' }]))
    expect(await layers.entries('layer')).toHaveLength(1901)
  })
})

test('an error never shows control characters of an archive', async () => {
  const error = (await unpackHostile(tarArchive([{ path: '../\u001b[2Jevil\n', content: 'x' }]))) as Error
  expect(error.message).toContain('evil')
  expect(error.message).not.toMatch(/[\u0000-\u001f]/)
})

test('a layer that is refused leaves nothing in the store', async () => {
  const paths = {
    layers: join(layers.path, 'layers'),
    tmp: join(layers.path, 'tmp'),
    locks: join(layers.path, 'locks'),
  }
  await mkdir(paths.locks)
  const store = new LayerStore(paths, () => Promise.resolve(layers.plan))
  const blob = tarArchive([
    { path: 'ok', content: 'x' },
    { path: '../victim', content: 'x' },
  ])
  const diffId: Digest = `sha256:${createHash('sha256').update(blob).digest('hex')}`
  await writeFile(join(layers.path, 'blob'), blob)
  await expect(
    store.ensureLayer({ digest: diffId, size: blob.length }, diffId, () => join(layers.path, 'blob')),
  ).rejects.toMatchObject({ code: 'archive-invalid' })
  expect(store.has(diffId)).toBe(false)
  expect(await readdir(paths.tmp)).toEqual([])
  expect(await readdir(paths.locks)).toEqual([])
})

/** `LENGTH KEY=VALUE\n` */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`.length
  const length = rest + String(rest + String(rest).length).length
  return `${String(length)} ${key}=${value}\n`
}
