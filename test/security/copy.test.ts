import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import { busyboxLayer } from '../helpers/images.js'
import { tarArchive, tarEntry, type TarEntry } from '../helpers/tar.js'
import { explain, finish, type TspodStore } from '../helpers/tspod.js'

let tspod: TspodStore
let number = 0
/** What is the host's: nothing of it may be read into or written from a container. */
let outside: string

beforeAll(async () => {
  tspod = await busyboxStore()
})

afterAll(async () => {
  await tspod[Symbol.asyncDispose]()
})

beforeEach(() => {
  outside = join(tspod.folder, `outside-${String(number++)}`)
  mkdirSync(outside)
  writeFileSync(join(outside, 'secret'), 'secret of the host')
})

const untouched = () => {
  expect(readdirSync(outside)).toEqual(['secret'])
  expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret of the host')
}

/** An image of busybox and these entries; answers its ID. */
async function imageWith(entries: readonly TarEntry[]): Promise<string> {
  const archive = join(tspod.folder, 'hostile.tar')
  const base = await busyboxLayer()
  writeFileSync(archive, Buffer.concat([base.subarray(0, -1024), ...entries.map(tarEntry), Buffer.alloc(1024)]))
  return tspod.ok(['import', archive])
}

describe.each(['running', 'stopped'])('links of a container that is %s', (state) => {
  let name: string

  beforeEach(async () => {
    name = `links-${String(number)}`
    const script = `ln -s ${outside} /out && ln -s ${outside}/secret /leak && ln -s ../../../../../..${outside} /up && mkdir /tree && ln -s ${outside} /tree/out`
    if (state === 'stopped') await tspod.ok(['run', '--name', name, image, 'sh', '-ec', script])
    else {
      await tspod.ok(['run', '-d', '--name', name, image, 'sh', '-c', 'exec sleep 100000'])
      await tspod.ok(['exec', name, 'sh', '-ec', script])
    }
  })

  test.each(['/leak', '/out/secret', '/up/secret', '/tree/out/secret', '/../../..{}/secret', '/proc/1/root{}/secret'])(
    '%s reads nothing of the host',
    async (path) => {
      const result = await tspod.run(['cp', `${name}:${path.replace('{}', outside)}`, '-'])
      expect(result.stdout).not.toContain('secret of the host')
      expect(result.status, explain(result)).toBe(125)
    },
  )

  test.each(['/leak', '/out/new', '/up/secret', '/up/new', '/tree/out/secret'])(
    '%s writes nothing of the host',
    async (path) => {
      writeFileSync(join(tspod.folder, 'mine'), 'of the copy')
      await tspod.run(['cp', 'mine', `${name}:${path}`])
      untouched()
    },
  )

  test('a folder with links comes out with links, that nothing is written through', async () => {
    const target = join(tspod.folder, `target-${String(number)}`)
    mkdirSync(target)
    await tspod.ok(['cp', `${name}:/tree`, target])
    const second = join(tspod.folder, `second-${String(number)}`)
    mkdirSync(join(second, 'tree/out'), { recursive: true })
    writeFileSync(join(second, 'tree/out/secret'), 'replaced')
    await tspod.ok(['cp', `${second}/.`, `${name}:/tmp`])
    const refused = await tspod.run(['cp', `${name}:/tmp/tree`, target])
    expect(refused.status, explain(refused)).toBe(125)
    untouched()
    await tspod.ok(['cp', '--overwrite', `${name}:/tmp/tree`, target])
    untouched()
  })

  test.each([
    ['up', [{ path: '../../../../../escaped', content: 'x' }]],
    [
      'through a link',
      [
        { path: 'l', type: 'symlink', link: '{}' },
        { path: 'l/escaped', content: 'x' },
      ],
    ],
    [
      'through a link up',
      [
        { path: 'l', type: 'symlink', link: '../../../../../../../..{}' },
        { path: 'l/escaped', content: 'x' },
      ],
    ],
    [
      'by a hard link',
      [
        { path: 'h', type: 'hardlink', link: '{}/secret' },
        { path: 'h', content: 'x' },
      ],
    ],
    [
      'by a hard link through a link',
      [
        { path: 'l', type: 'symlink', link: '{}' },
        { path: 'h', type: 'hardlink', link: 'l/secret' },
        { path: 'h', content: 'x' },
      ],
    ],
  ] as [string, TarEntry[]][])('an archive does not get out: %s', async (_way, entries) => {
    const archive = tarArchive(
      entries.map((entry) =>
        entry.link === undefined ? entry : { ...entry, link: entry.link.replace('{}', outside) },
      ),
    )
    await tspod.run(['cp', '--overwrite', '-', `${name}:/tmp`], { input: archive })
    untouched()
  })
})

/* CVE-2018-15664: the path is resolved, then used; in between the container makes a link of it. */
test('a container that swaps a folder for a link to the host meanwhile gets nothing written or read there', async () => {
  const swap = `mkdir /a && echo inside > /a/secret && ln -s ${outside} /b; touch /ready; while :; do mv -T /a /c; mv -T /b /a; mv -T /c /b; mv -T /a /c; mv -T /b /a; mv -T /c /b; done`
  await tspod.ok(['run', '-d', '--name', 'swapper', image, 'sh', '-c', swap])
  await tspod.ok(['exec', 'swapper', 'sh', '-c', 'until test -e /ready; do :; done'])
  writeFileSync(join(tspod.folder, 'written'), 'by the copy')
  for (let attempt = 0; attempt < 12; attempt++) {
    await tspod.run(['cp', 'written', 'swapper:/a/written'])
    await tspod.run(['cp', 'written', 'swapper:/a/secret'])
    const { stdout } = await tspod.run(['cp', 'swapper:/a/secret', '-'])
    expect(stdout).not.toContain('secret of the host')
  }
  untouched()
})

/* CVE-2019-14271: a helper that looks up users by the container's own libnss runs the container's code on the host. */
test("nothing of the container's is loaded or run to find its user", async () => {
  const library = 'not a library, and never loaded'
  const id = await imageWith([
    { path: 'etc/nsswitch.conf', content: 'passwd: files evil\ngroup: files evil\n' },
    ...['lib', 'lib64', 'lib/x86_64-linux-gnu'].flatMap((folder): TarEntry[] => [
      { path: `${folder}/libnss_files.so.2`, mode: 0o755, content: library },
      { path: `${folder}/libnss_evil.so.2`, mode: 0o755, content: library },
    ]),
  ])
  await tspod.ok(['create', '--name', 'nss', '--user', 'nobody', id, 'true'])
  writeFileSync(join(tspod.folder, 'mine'), 'x')
  await tspod.ok(['cp', 'mine', 'nss:/tmp/mine'])
  expect(await tspod.ok(['cp', 'nss:/tmp/mine', '-'])).toContain('mine')
  /* Without an interpreter there is nobody to load a library. */
  const program = readFileSync(new URL('../../native/build/tspod-inside', import.meta.url))
  expect(programHeaders(program)).not.toContain(interpreter)
})

/* CVE-2026-41567: an archive is decompressed by a program of the container. */
test('a compressed archive needs no program of the container', async () => {
  const id = await imageWith(
    ['gzip', 'gunzip', 'unpigz', 'zstd'].map((name) => ({
      path: `usr/bin/${name}`,
      mode: 0o755,
      content: '#!/bin/sh\ntouch /run-by-cp\n',
    })),
  )
  await tspod.ok(['run', '-d', '--name', 'unzipper', id, 'sh', '-c', 'exec sleep 100000'])
  const { gzipSync } = await import('node:zlib')
  await tspod.ok(['cp', '-', 'unzipper:/tmp'], { input: gzipSync(tarArchive([{ path: 'x', content: 'unzipped' }])) })
  expect(await tspod.ok(['exec', 'unzipper', 'cat', '/tmp/x'])).toBe('unzipped')
  expect((await tspod.run(['exec', 'unzipper', 'test', '-e', '/run-by-cp'])).status).toBe(1)
})

/* CVE-2026-42306: volumes are mounted for the copy, on a path that the image has made a link. */
test('a volume is mounted within the root, wherever links of the image lead', async () => {
  const id = await imageWith([
    { path: 'data', type: 'symlink', link: outside },
    { path: 'file', type: 'symlink', link: `${outside}/secret` },
  ])
  const host = join(tspod.folder, 'host-file')
  writeFileSync(host, 'bound')
  await tspod.ok(['create', '--name', 'mounter', '-v', 'vol:/data/below', id, 'true'])
  writeFileSync(join(tspod.folder, 'mine'), 'x')
  await tspod.ok(['cp', 'mine', 'mounter:/data/below/mine'])
  untouched()
  expect(await tspod.ok(['run', '--rm', '-v', 'vol:/v', image, 'cat', '/v/mine'])).toBe('x')
  await tspod.ok(['create', '--name', 'file-mounter', '-v', `${host}:/file`, id, 'true'])
  await tspod.run(['cp', 'mine', 'file-mounter:/file'])
  untouched()
  expect(readFileSync(host, 'utf8')).toBe('bound')
})

test('FIFOs, endless files and devices do not hold a copy up', async () => {
  await tspod.ok([
    'run',
    '-d',
    '--name',
    'special',
    image,
    'sh',
    '-ec',
    'mkdir /s && mkfifo /s/fifo && echo x > /s/file && touch /ready; exec sleep 100000',
  ])
  await tspod.ok(['exec', 'special', 'sh', '-c', 'until test -e /ready; do :; done'])
  await tspod.ok(['cp', 'special:/s', join(outside, 'copied')])
  expect(readFileSync(join(outside, 'copied/file'), 'utf8')).toBe('x\n')
  await tspod.ok(['cp', 'special:/dev/zero', join(outside, 'zero')])
  expect(readdirSync(outside).sort()).toEqual(['copied', 'secret'])
})

/* CVE-2023-0778: a volume's export follows a link that the container puts in its way. */
test('an export has links, never what they lead to on the host', async () => {
  const script = `ln -s ${outside} /v/out; ln -s ${outside}/secret /v/leak; ln -s ${outside} /out`
  await tspod.ok(['run', '--name', 'exporter', '-v', 'leaky:/v', image, 'sh', '-c', script])
  for (const args of [
    ['volume', 'export', 'leaky'],
    ['export', 'exporter'],
  ]) {
    const child = tspod.start(args, ['ignore', 'pipe', 'pipe'])
    const result = await finish(args.join(' '), child)
    expect(result.status, result.stderr).toBe(0)
    expect(result.stdout).toContain(outside)
    expect(result.stdout).not.toContain('secret of the host')
  }
})

test('a diff prints names that a terminal does not obey', async () => {
  await tspod.ok(['run', '--name', 'painter', image, 'sh', '-c', 'touch "/$(printf \'a\\033[31mb\\nA c\')"'])
  expect(await tspod.ok(['diff', 'painter'])).toBe('A /a?[31mb?A c')
})

test('a host folder that is a link is the folder it leads to, and nothing above it is touched', async () => {
  const link = join(tspod.folder, `link-${String(number)}`)
  symlinkSync(outside, link)
  await tspod.ok(['create', '--name', 'linked', image, 'true'])
  await tspod.ok(['cp', 'linked:/etc/passwd', link])
  expect(readdirSync(outside).sort()).toEqual(['passwd', 'secret'])
})

const interpreter = 3

/** The types of an ELF program's headers. */
function programHeaders(elf: Buffer): number[] {
  const offset = Number(elf.readBigUInt64LE(32))
  const [size, count] = [elf.readUInt16LE(54), elf.readUInt16LE(56)]
  return Array.from({ length: count }, (_, index) => elf.readUInt32LE(offset + index * size))
}
