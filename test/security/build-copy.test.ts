import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digestTree } from '../../src/storage/copy-tree.js'
import { copyPlace, type CopyPlace } from '../helpers/copy-place.js'
import { tarArchive, type TarEntry } from '../helpers/tar.js'

let place: CopyPlace
/** What is the host's. */
let outside: string

async function open(base: readonly TarEntry[] = []): Promise<void> {
  place = await copyPlace({ 'a.txt': 'a', 'dir/x': 'x' }, base)
  outside = join(place.layers.path, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'secret'), 'secret of the host')
}
const untouched = (): void => {
  expect(readdirSync(outside)).toEqual(['secret'])
  expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret of the host')
}
const secrets = async (): Promise<string[]> =>
  (await place.entries()).map(({ content }) => content).filter((content) => content.includes('secret'))

afterEach(async () => {
  await place[Symbol.asyncDispose]()
})

describe('links of the context', () => {
  beforeEach(() => open())
  const targets: [string, (outside: string) => string][] = [
    ['an absolute path', (path) => path],
    ['a relative path', (path) => `../../../../../../../../../../..${path}`],
    ['the process’s root', (path) => `/proc/self/root${path}`],
    ['the process’s folder', () => '/proc/self/cwd'],
  ]
  test.each(targets)('to %s lead nowhere outside', async (_, target) => {
    symlinkSync(target(outside), join(place.context, 'out'))
    for (const source of ['out', 'out/secret', 'out/*', '*/secret', '/../out/secret'])
      await place.copy(source, '/to/').catch(() => undefined)
    await place.copy('out', '/to/', { parents: true })
    await place.copy('out/secret', '/to/', { parents: true }).catch(() => undefined)
    expect(await secrets()).toEqual([])
  })

  test('are copied as links within folders', async () => {
    symlinkSync(outside, join(place.context, 'dir/out'))
    await place.copy('dir', '/to')
    expect(await place.paths()).toContain(`to/out -> ${outside}`)
    expect(await secrets()).toEqual([])
  })

  test('in circles are an error', async () => {
    symlinkSync('one', join(place.context, 'two'))
    symlinkSync('two', join(place.context, 'one'))
    await expect(place.copy('one', '/x')).rejects.toMatchObject({ code: 'invalid-argument' })
  })
})

describe('links of the root', () => {
  const links: [string, string, string][] = [
    ['to an absolute path', '/lib', '/lib/x'],
    ['to an absolute path, at the end', '/lib', '/lib'],
    ['through many folders up', '../../../../../../../../../..', '/lib/x'],
    ['to the process’s root', '/proc/self/root', '/lib/x'],
  ]
  test.each(links)('%s lead nowhere outside', async (_, target, to) => {
    await open([{ path: 'placeholder', content: '' }])
    const link = target === '/lib' ? outside : `${target}${outside}`
    symlinkSync(link, join(place.layers.path, 'root/lib'))
    await place.copy('a.txt', to)
    untouched()
    expect((await place.entries()).find(({ content }) => content === 'a')?.path).toMatch(/^.+\/.+/)
  })

  test('with the name of a folder that is copied are not gone through', async () => {
    await open()
    symlinkSync(outside, join(place.layers.path, 'root/dir'))
    await expect(place.copy('.', '/')).rejects.toThrow('cannot replace')
    untouched()
  })

  test('with the name of a file are replaced', async () => {
    await open()
    symlinkSync(join(outside, 'secret'), join(place.layers.path, 'root/a.txt'))
    await place.copy('*', '/')
    untouched()
    expect(readFileSync(join(place.layers.path, 'root/a.txt'), 'utf8')).toBe('a')
  })

  test('and `..` in the destination end at the root', async () => {
    await open()
    await expect(place.copy('a.txt', `/../../..${outside}/x`)).rejects.toThrow('leads out of the root')
    untouched()
  })
})

describe('what is no file', () => {
  beforeEach(() => open())

  test('a FIFO is made again, and never opened', async () => {
    expect(spawnSync('mkfifo', [join(place.context, 'dir/pipe')]).status).toBe(0)
    const { digest } = await place.digest(['dir', 'dir/pipe'])
    expect((await place.copy(['dir', 'dir/pipe'], '/to/', { unpack: true })).digest).toBe(digest)
    expect((await place.entries()).map(({ path, type }) => [path, type])).toContainEqual(['to/pipe', '6'])
  })

  test('a socket is left out', async () => {
    const server = createServer().listen(join(place.context, 's'))
    await once(server, 'listening')
    try {
      expect(await place.copy('.', '/')).toMatchObject({ skipped: 1 })
    } finally {
      server.close()
    }
  })

  test('a file of a terabyte of nothing takes no time and no room', async ({ skip }) => {
    const fd = openSync(join(place.context, 'dir/huge'), 'w')
    try {
      ftruncateSync(fd, 2 ** 40)
    } catch {
      skip('the file system has no files of this size')
    } finally {
      closeSync(fd)
    }
    const { digest } = await place.digest('dir')
    expect((await place.copy('dir', '/to')).digest).toBe(digest)
    expect(statSync(join(place.layers.path, 'root/to/huge'))).toMatchObject({ size: 2 ** 40 })
    rmSync(join(place.layers.path, 'root/to/huge'))
  })
})

describe('patterns and paths', () => {
  beforeEach(() => open())

  test.each(['*a'.repeat(60), '**/'.repeat(60) + 'b', '?*'.repeat(100), `${'[a-z]*'.repeat(80)}!`])(
    'a pattern like %s ends soon',
    async (pattern) => {
      writeFileSync(join(place.context, 'a'.repeat(250)), '')
      await place.digest('.', { exclude: [pattern, `!${pattern}`] })
      await place.digest([pattern.replaceAll('**', '*')])
    },
  )

  test.each(['[', 'a[', '[]a]', 'a\\', '[a-]', '!'])('the pattern %s is an error', async (pattern) => {
    await expect(place.digest('.', { exclude: [pattern] })).rejects.toMatchObject({ code: 'invalid-argument' })
  })

  test('a tree that is too deep is an error', async () => {
    const script = 'const d = "d".repeat(250); for (let i = 0; i < 20; i++) { fs.mkdirSync(d); process.chdir(d) }'
    expect(spawnSync(process.execPath, ['-e', script], { cwd: join(place.context, 'dir') }).status).toBe(0)
    await expect(place.copy('dir', '/to')).rejects.toMatchObject({ code: 'limit-exceeded' })
    /* By descriptor: its path is longer than any. */
    expect(spawnSync('rm', ['-rf', join(place.context, 'dir')]).status).toBe(0)
  })

  test('a source beyond the root is the root’s', async () => {
    await place.copy('../../../a.txt', '/x')
    expect(await place.paths()).toEqual(['x'])
  })
})

describe('archives', () => {
  const hostile: [string, (outside: string) => TarEntry[]][] = [
    ['names that go up', () => [{ path: '../../outside/new', content: 'x' }]],
    ['a link out and a name through it', (path) => [{ path: 'l', type: 'symlink', link: path }, { path: 'l/new', content: 'x' }]], // prettier-ignore
    [
      'a hard link out',
      (path) => [
        { path: 'h', type: 'hardlink', link: `${path}/secret` },
        { path: 'h', content: 'x' },
      ],
    ],
    ['a hard link through a link out', (path) => [{ path: 'l', type: 'symlink', link: path }, { path: 'h', type: 'hardlink', link: 'l/secret' }]], // prettier-ignore
    ['a hard link up', () => [{ path: 'h', type: 'hardlink', link: '../../outside/secret' }]],
  ]
  test.each(hostile)('with %s write nothing outside', async (_, entries) => {
    await open()
    writeFileSync(join(place.context, 'a.tar.gz'), gzipSync(tarArchive(entries(outside))))
    await place.copy('a.tar.gz', '/to/', { unpack: true }).catch(() => undefined)
    untouched()
    expect(await secrets()).toEqual([])
  })

  test('are unpacked beneath the destination, not only beneath the root', async () => {
    await open([{ path: 'etc/passwd', content: 'root' }])
    const entries: TarEntry[] = [
      { path: 'l', type: 'symlink', link: '/etc' },
      { path: 'l/passwd', content: 'x' },
    ]
    writeFileSync(join(place.context, 'a.tar'), tarArchive(entries))
    await place.copy('a.tar', '/to/', { unpack: true })
    expect(readFileSync(join(place.layers.path, 'root/etc/passwd'), 'utf8')).toBe('root')
  })
})

test('a folder that becomes a link while it is copied leads nowhere', async () => {
  await open()
  for (let i = 0; i < 300; i++) writeFileSync(join(place.context, 'dir', `f${String(i)}`), 'x')
  mkdirSync(join(outside, '..', 'trap'))
  for (let i = 0; i < 300; i++) linkSync(join(outside, 'secret'), join(outside, '..', 'trap', `f${String(i)}`))
  symlinkSync(join(outside, '..', 'trap'), join(place.layers.path, 'link'))
  const swap = `
    const fs = require('node:fs')
    const [dir, link, aside] = process.argv.slice(1)
    process.stdout.write('ready')
    for (;;) {
      fs.renameSync(dir, aside); fs.renameSync(link, dir)
      fs.renameSync(dir, link); fs.renameSync(aside, dir)
    }`
  const dir = join(place.context, 'dir')
  const paths = [dir, join(place.layers.path, 'link'), join(place.layers.path, 'aside')]
  const swapper = spawn(process.execPath, ['-e', swap, ...paths], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(swapper.stdout, 'data')
    let copied = 0
    for (let i = 0; i < 8; i++) {
      for (const source of ['dir', '.', 'd*', 'dir/f*']) {
        const done = await place.copy(source, `/to${String(i)}/`).catch(() => undefined)
        copied += done === undefined ? 0 : 1
      }
    }
    expect(copied).toBeGreaterThan(0)
  } finally {
    swapper.kill('SIGKILL')
    await once(swapper, 'close')
  }
  rmSync(join(place.layers.path, 'link'), { force: true })
  expect(await secrets()).toEqual([])
})

describe('the cache of digests', () => {
  let cacheFile: string
  beforeEach(async () => {
    await open()
    cacheFile = join(place.layers.path, 'digests')
  })
  const digest = async (): Promise<{ digest: string; read: number }> =>
    digestTree({ folder: place.context }, { sources: ['.'] }, { plan: place.layers.plan, cacheFile })
  /** Until the files are old enough to be remembered. */
  const remembered = async (): Promise<{ digest: string; read: number }> => {
    await expect.poll(async () => (await digest()).read, { interval: 20 }).toBe(0)
    return digest()
  }

  test('is asked for files that have not changed', async () => {
    const plain = await place.digest('.')
    expect((await remembered()).digest).toBe(plain.digest)
  })

  test('sees a change that keeps size and time', async () => {
    const before = await remembered()
    const path = join(place.context, 'a.txt')
    const { atime, mtime } = statSync(path)
    writeFileSync(path, 'b')
    utimesSync(path, atime, mtime)
    const after = await digest()
    expect(after.read).toBe(1)
    expect(after.digest).not.toBe(before.digest)
  })

  test('sees that one file took another’s place', async () => {
    writeFileSync(join(place.context, 'b.txt'), 'b')
    const before = await remembered()
    renameSync(join(place.context, 'b.txt'), join(place.context, 'a.txt'))
    expect((await digest()).digest).not.toBe(before.digest)
  })

  const damages: [string, (bytes: Buffer) => Buffer][] = [
    ['cut short', (bytes) => bytes.subarray(0, bytes.length - 7)],
    ['of zeros', (bytes) => Buffer.alloc(bytes.length)],
    ['empty', () => Buffer.alloc(0)],
    ['of another version', (bytes) => Buffer.concat([Buffer.from('tspodFD0'), bytes.subarray(8)])],
    ['with a size that is none', (bytes) => Buffer.concat([bytes.subarray(0, 8), Buffer.alloc(8, 0xff), bytes.subarray(16)])], // prettier-ignore
  ]
  test.each(damages)('is made anew if it is %s', async (_, damage) => {
    const before = await remembered()
    writeFileSync(cacheFile, damage(readFileSync(cacheFile)))
    const after = await digest()
    expect(after.digest).toBe(before.digest)
    expect(after.read).toBeGreaterThan(0)
    expect((await remembered()).digest).toBe(before.digest)
  })

  test('that is a link or a FIFO is not gone through', async () => {
    const victim = join(outside, 'secret')
    symlinkSync(victim, cacheFile)
    await digest()
    untouched()
    rmSync(cacheFile, { force: true })
    spawnSync('mkfifo', [cacheFile])
    await digest()
  })
})
