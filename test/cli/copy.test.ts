import { mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import { readTar } from '../helpers/read-tar.js'
import { tarArchive } from '../helpers/tar.js'
import { explain, type TspodStore } from '../helpers/tspod.js'

let tspod: TspodStore
let number = 0
/** A folder of the host for one test. */
let here: string

const prepare =
  'mkdir -p /d/in && echo one > /d/f && echo two > /d/in/g && ln -s /d /link && ln -s f /d/l && echo 3 > /top'

beforeAll(async () => {
  tspod = await busyboxStore()
  await tspod.ok(['run', '--name', 'stopped', '-v', 'vol:/vol', image, 'sh', '-ec', `${prepare}; echo v > /vol/file`])
  await tspod.ok(['run', '-d', '--name', 'running', '-v', 'vol2:/vol', image, 'sh', '-c', 'exec sleep 100000'])
  await tspod.ok(['exec', 'running', 'sh', '-ec', `${prepare}; echo v > /vol/file`])
})

afterAll(async () => {
  await tspod[Symbol.asyncDispose]()
})

beforeEach(() => {
  here = join(tspod.folder, `here-${String(number++)}`)
  mkdirSync(here)
})

const cp = (...args: string[]) => tspod.run(['cp', ...args], { cwd: here })
const done = (...args: string[]) => tspod.ok(['cp', ...args], { cwd: here })
const read = (path: string) => readFileSync(join(here, path), 'utf8')

describe.each(['running', 'stopped'])('from a container that is %s', (container) => {
  test('a file gets the name of the target, or goes into a folder', async () => {
    await done(`${container}:/d/f`, 'new')
    expect(read('new')).toBe('one\n')
    await done(`${container}:/d/in/g`, 'new')
    expect(read('new')).toBe('two\n')
    await done(`${container}:/d/f`, '.')
    expect(read('f')).toBe('one\n')
  })

  test('a folder becomes the target, goes into it, or only its content does', async () => {
    await done(`${container}:/d`, 'as')
    expect(read('as/in/g')).toBe('two\n')
    await done(`${container}:/d`, 'as')
    expect(read('as/d/f')).toBe('one\n')
    mkdirSync(join(here, 'content'))
    await done(`${container}:/d/.`, 'content')
    expect(readdirSync(join(here, 'content')).sort()).toEqual(['f', 'in', 'l'])
  })

  test('links lead where they lead in the container', async () => {
    await done(`${container}:/d/l`, 'file')
    expect(read('file')).toBe('one\n')
    await done(`${container}:link/in`, 'folder')
    expect(read('folder/g')).toBe('two\n')
  })

  test('a volume is part of what it sees', async () => {
    await done(`${container}:/vol/file`, 'v')
    expect(read('v')).toBe('v\n')
  })

  test('- is an archive on stdout', async () => {
    const archive = join(here, 'archive')
    const { stdout, status } = await cp(`${container}:/d`, '-')
    expect(status).toBe(0)
    writeFileSync(archive, stdout, 'latin1')
    const paths = (await readTar(archive)).map(({ path }) => path)
    expect(paths).toEqual(['d/', 'd/f', 'd/in/', 'd/in/g', 'd/l'])
  })

  test.each([
    ['/nothing', 'x', 'no such file or directory'],
    ['/d/f', 'no/such/folder', 'no such file or directory'],
    ['/d/f', 'missing/', 'no such file or directory'],
    ['/d', 'plain', 'cannot copy folder'],
  ])('%s to %s is refused', async (from, to, message) => {
    writeFileSync(join(here, 'plain'), '')
    const result = await cp(`${container}:${from}`, to)
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toContain(message)
    expect(readdirSync(here)).toEqual(['plain'])
  })
})

describe.each(['running', 'stopped'])('into a container that is %s', (container) => {
  const content = async (path: string) => (await readTarOf(container, path)).map((entry) => entry.path)

  test('a file gets the name of the target, or goes into a folder, as the root of the container', async () => {
    writeFileSync(join(here, 'f'), 'host')
    await done('f', `${container}:/one`)
    await done('f', `${container}:/tmp`)
    await done('f', `${container}:/tmp/`)
    for (const path of ['/one', '/tmp/f']) {
      expect(await readTarOf(container, path)).toMatchObject([{ content: 'host', uid: 0, gid: 0 }])
    }
  })

  test('a folder becomes the target, goes into it, or only its content does', async () => {
    mkdirSync(join(here, 'dir/sub'), { recursive: true })
    writeFileSync(join(here, 'dir/sub/f'), 'host')
    symlinkSync('../../up', join(here, 'dir/sub/l'))
    await done('dir', `${container}:/as`)
    expect(await content('/as')).toEqual(['as/', 'as/sub/', 'as/sub/f', 'as/sub/l'])
    await done('dir', `${container}:/as`)
    expect(await content('/as/dir')).toEqual(['dir/', 'dir/sub/', 'dir/sub/f', 'dir/sub/l'])
    await done('dir/.', `${container}:/home`)
    expect(await content('/home/sub')).toEqual(['sub/', 'sub/f', 'sub/l'])
  })

  test('a link at the end is gone through, and a volume written into', async () => {
    writeFileSync(join(here, 'f'), 'host')
    await done('f', `${container}:/link`)
    expect(await content('/d/f')).toEqual(['f'])
    await done('f', `${container}:/vol/`)
    const volume = container === 'running' ? 'vol2' : 'vol'
    expect(await tspod.ok(['run', '--rm', '-v', `${volume}:/vol`, image, 'cat', '/vol/f'])).toBe('host')
  })

  test('- is an archive from stdin, compressed or not, into a folder', async () => {
    const archive = tarArchive([{ path: 'x/y', content: 'stdin', uid: 5, gid: 6 }])
    await tspod.ok(['cp', '-', `${container}:/tmp`], { input: archive })
    expect(await readTarOf(container, '/tmp/x/y')).toMatchObject([{ content: 'stdin', uid: 0 }])
    await tspod.ok(['cp', '--archive=false', '-', `${container}:/tmp`], { input: gzipSync(archive) })
    expect(await readTarOf(container, '/tmp/x/y')).toMatchObject([{ content: 'stdin', uid: 5, gid: 6 }])
    const result = await tspod.run(['cp', '-', `${container}:/etc/passwd`], { input: archive })
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toContain('not a folder')
  })

  test('what is of another kind stays, unless with --overwrite', async () => {
    mkdirSync(join(here, 'dir/top'), { recursive: true })
    const refused = await cp('dir/.', `${container}:/`)
    expect(refused.status, explain(refused)).toBe(125)
    expect(refused.stderr).toContain('cannot overwrite a non-folder with a folder')
    await done('--overwrite', 'dir/.', `${container}:/`)
    expect(await content('/top')).toEqual(['top/'])
  })

  test('owner, mode and time of folders that are there stay', async () => {
    const before = await readTarOf(container, '/tmp')
    mkdirSync(join(here, 'dir'), { mode: 0o700 })
    writeFileSync(join(here, 'dir/new'), '')
    await done('dir/.', `${container}:/tmp`)
    expect((await readTarOf(container, '/tmp'))[0]?.mode).toBe(before[0]?.mode)
  })
})

test("what goes into a container belongs to the container's user", async () => {
  await tspod.ok(['create', '--name', 'nobodys', '--user', 'nobody', image, 'true'])
  writeFileSync(join(here, 'f'), '')
  await done('f', 'nobodys:/tmp/f')
  expect(await readTarOf('nobodys', '/tmp/f')).toMatchObject([{ uid: 65534, gid: 65534 }])
  await tspod.ok(['create', '--name', 'numbered', '--user', '7:8', image, 'true'])
  await done('f', 'numbered:/tmp/f')
  expect(await readTarOf('numbered', '/tmp/f')).toMatchObject([{ uid: 7, gid: 8 }])
})

test('between two containers', async () => {
  await done('running:/d/in', 'stopped:/from-running')
  expect(await readTarOf('stopped', '/from-running/g')).toMatchObject([{ content: 'two\n' }])
})

test('into the volume of a container that was never started', async () => {
  await tspod.ok(['create', '--name', 'fresh', '-v', 'fresh-data:/not/there', image, 'cat', '/not/there/f'])
  writeFileSync(join(here, 'f'), 'early')
  await done('f', 'fresh:/not/there/f')
  expect(await tspod.ok(['start', '--attach', 'fresh'])).toBe('early')
})

test('into what is mounted read-only is refused', async () => {
  await tspod.ok(['create', '--name', 'reader', '-v', `${here}:/ro:ro`, image, 'true'])
  writeFileSync(join(here, 'f'), '')
  const result = await cp('f', 'reader:/ro/g')
  expect(result.status, explain(result)).toBe(125)
  expect(result.stderr).toContain('read-only file system')
})

test('what comes out belongs to the caller, without set-user-ID bits', async () => {
  await tspod.ok(['exec', 'running', 'sh', '-ec', 'echo > /suid && chown 7:7 /suid && chmod 6755 /suid'])
  await done('running:/suid', '.')
  const stat = statSync(join(here, 'suid'))
  expect([stat.uid, stat.mode & 0o7777]).toEqual([process.getuid?.(), 0o755])
})

test.each([
  [['a', 'b'], 'at least one end'],
  [['running:/d'], 'requires'],
  [['-', '-'], 'at least one end'],
  [[':/d', 'x'], 'names no container'],
  [['none:/d', 'x'], 'no such container'],
])('cp %j is refused', async (args, message) => {
  const result = await cp(...args)
  expect(result.status, explain(result)).toBe(125)
  expect(result.stderr).toContain(message)
})

/** What `cp -` gives of a path. */
async function readTarOf(container: string, path: string) {
  const { stdout } = await tspod.run(['cp', `${container}:${path}`, '-'])
  const file = join(tspod.folder, 'read-tar-of')
  writeFileSync(file, stdout, 'latin1')
  return readTar(file)
}
