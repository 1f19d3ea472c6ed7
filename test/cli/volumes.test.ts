import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import { readTar } from '../helpers/read-tar.js'
import { tarArchive } from '../helpers/tar.js'
import { openTerminal } from '../helpers/terminal.js'
import { explain, type TspodStore } from '../helpers/tspod.js'

let tspod: TspodStore

beforeAll(async () => {
  tspod = await busyboxStore()
})

afterAll(async () => {
  await tspod[Symbol.asyncDispose]()
})

beforeEach(async () => {
  await tspod.ok(['rm', '--all', '--force', '--time', '0'])
  await tspod.ok(['volume', 'prune', '--force'])
})

const run = (options: readonly string[], script: string) =>
  tspod.ok(['run', '--rm', '--network', 'none', ...options, image, 'sh', '-ec', script])

const names = async (...filters: string[]) =>
  (await tspod.ok(['volume', 'ls', '-q', ...filters.flatMap((filter) => ['--filter', filter])])).split('\n')

describe('volume create', () => {
  test('makes a volume with labels, once', async () => {
    expect(await tspod.ok(['volume', 'create', '--label', 'a=b', '-l', 'c', 'data'])).toBe('data')
    const again = await tspod.run(['volume', 'create', 'data'])
    expect(again.status, explain(again)).toBe(125)
    expect(again.stderr).toContain('volume with name data already exists')
    expect(await tspod.ok(['volume', 'create', '--ignore', 'data'])).toBe('data')
    const [volume] = JSON.parse(await tspod.ok(['volume', 'inspect', 'data'])) as Record<string, unknown>[]
    expect(volume).toMatchObject({ Name: 'data', Driver: 'local', Labels: { a: 'b', c: '' }, Anonymous: false })
  })

  test('makes up a name', async () => {
    expect(await tspod.ok(['volume', 'create'])).toMatch(/^[0-9a-f]{64}$/)
  })

  test.each([
    [['--driver', 'nfs', 'x'], 'only local is'],
    [['../x'], 'is not a name'],
    [['--opt', 'size=1g', 'x'], 'unknown option "size"'],
    [['--opt', 'type=ext4', '--opt', 'device=/dev/sda', 'x'], 'cannot be mounted without root'],
  ])('refuses %j', async (args, message) => {
    const result = await tspod.run(['volume', 'create', ...args])
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toContain(message)
    expect(await names()).toEqual([''])
  })

  test('of a tmpfs, and of a folder of the host', async () => {
    await tspod.ok(['volume', 'create', '--opt', 'type=tmpfs', '--opt', 'o=size=1m', 'memory'])
    expect(await run(['-v', 'memory:/m'], 'df -k /m | tail -1')).toMatch(/^tmpfs +1024 /)
    const bind = ['--opt', 'type=none', '--opt', 'o=bind', '--opt', `device=${tspod.folder}`]
    await tspod.ok(['volume', 'create', ...bind, 'host'])
    writeFileSync(join(tspod.folder, 'here'), 'x')
    expect(await run(['-v', 'host:/h'], 'cat /h/here')).toBe('x')
  })
})

describe('volume ls', () => {
  test('lists names, tables and JSON', async () => {
    await tspod.ok(['volume', 'create', 'one'])
    expect(await tspod.ok(['volume', 'ls'])).toBe('DRIVER      VOLUME NAME\nlocal       one')
    expect(await tspod.ok(['volume', 'ls', '--format', '{{.Name}} {{.Scope}}'])).toBe('one local')
    expect(JSON.parse(await tspod.ok(['volume', 'ls', '--format', 'json']))).toMatchObject([{ Name: 'one' }])
  })

  test('filters', async () => {
    await tspod.ok(['volume', 'create', '--label', 'a=b', 'one'])
    await tspod.ok(['volume', 'create', 'two'])
    await tspod.ok(['create', '-v', 'two:/d', image, 'true'])
    expect(await names('label=a')).toEqual(['one'])
    expect(await names('label!=a')).toEqual(['two'])
    expect(await names('label=a=c')).toEqual([''])
    expect(await names('dangling=true')).toEqual(['one'])
    expect(await names('dangling=false')).toEqual(['two'])
    expect(await names('name=^t')).toEqual(['two'])
    expect(await names('name=one', 'name=two')).toEqual(['one', 'two'])
    expect((await tspod.run(['volume', 'ls', '--filter', 'colour=red'])).status).toBe(125)
  })
})

describe('volume rm', () => {
  test('says by its status that a volume is missing or in use', async () => {
    expect((await tspod.run(['volume', 'rm', 'none'])).status).toBe(1)
    const id = await tspod.ok(['create', '-v', 'used:/d', image, 'true'])
    const result = await tspod.run(['volume', 'rm', 'used'])
    expect(result.status, explain(result)).toBe(2)
    expect(result.stderr).toContain(id)
    expect(await tspod.ok(['volume', 'rm', '--force', 'used'])).toBe('used')
    expect(await tspod.ok(['ps', '-aq'])).toBe('')
    expect(readdirSync(join(tspod.root, 'volumes'))).toEqual([])
  })

  test('takes the beginning of a name, if it is the only one', async () => {
    await tspod.ok(['volume', 'create', 'alpha'])
    await tspod.ok(['volume', 'create', 'alps'])
    expect((await tspod.run(['volume', 'rm', 'al'])).status).toBe(125)
    expect(await tspod.ok(['volume', 'rm', 'alph'])).toBe('alpha')
  })

  test('removes what belongs to ids of the container', async () => {
    await run(['-v', 'owned:/d'], 'mkdir -p /d/a/b && touch /d/a/b/c && chown -R 7:7 /d/a && chmod 0 /d/a')
    expect(await tspod.ok(['volume', 'rm', 'owned'])).toBe('owned')
    expect(readdirSync(join(tspod.root, 'tmp'))).toEqual([])
  })
})

test('volume exists goes by the whole name', async () => {
  await tspod.ok(['volume', 'create', 'whole'])
  expect((await tspod.run(['volume', 'exists', 'whole'])).status).toBe(0)
  expect((await tspod.run(['volume', 'exists', 'who'])).status).toBe(1)
})

test('prune without an answer removes nothing, and fails', async () => {
  await tspod.ok(['volume', 'create', 'kept'])
  const result = await tspod.run(['volume', 'prune'])
  expect(result.status, result.stderr).toBe(125)
  expect(result.stderr).toContain('the standard input ended before an answer came')
  expect(await tspod.ok(['volume', 'ls', '-q'])).toContain('kept')
  using terminal = openTerminal(tspod, 'tspod volume prune')
  await terminal.until(/continue\?/)
  terminal.type('\x03')
  expect(await terminal.end(), terminal.output).toBe(130)
  await tspod.ok(['volume', 'rm', 'kept'])
})

test('volume prune removes what no container uses', async () => {
  await tspod.ok(['volume', 'create', '--label', 'keep', 'kept'])
  await tspod.ok(['volume', 'create', 'unused'])
  await tspod.ok(['create', '-v', 'used:/d', image, 'true'])
  expect(await tspod.ok(['volume', 'prune', '--force', '--filter', 'label!=keep'])).toBe('unused')
  expect(await names()).toEqual(['kept', 'used'])
})

describe('the first container', () => {
  test("puts in what its image has there, its folder's owner included", async () => {
    await tspod.ok(['run', '--name', 'maker', image, 'sh', '-ec', 'mkdir /v && echo one > /v/f && chown -R 7:8 /v'])
    await tspod.ok(['commit', 'maker', 'with-data'])
    const script = ['with-data', 'sh', '-ec', 'cat /v/f; stat -c %u:%g /v']
    expect(await tspod.ok(['run', '--rm', '-v', 'filled:/v', ...script])).toBe('one\n7:8')
    await run(['-v', 'filled:/v'], 'echo two > /v/f')
    expect(await tspod.ok(['run', '--rm', '-v', 'filled:/v', ...script])).toBe('two\n7:8')
    expect(await tspod.ok(['run', '--rm', '-v', 'bare:/v:nocopy', 'with-data', 'ls', '/v'])).toBe('')
  })
})

describe('anonymous volumes', () => {
  test('go with --rm and rm -v, named ones stay', async () => {
    await run(['-v', '/a', '-v', 'named:/b'], 'touch /a/x /b/x')
    expect(await names()).toEqual(['named'])
    const id = await tspod.ok(['create', '-v', '/a', '-v', 'named:/b', image, 'true'])
    expect(await names()).toHaveLength(2)
    await tspod.ok(['rm', '-v', id])
    expect(await names()).toEqual(['named'])
    await tspod.ok(['rm', await tspod.ok(['create', '-v', '/a', image, 'true'])])
    expect(await names('anonymous=true')).toHaveLength(1)
  })

  test('stand for the VOLUMEs of an image', async () => {
    await tspod.ok(['create', '--name', 'plain', image, 'true'])
    await tspod.ok(['commit', '--change', 'VOLUME /var/v', 'plain', 'with-volume'])
    expect(await tspod.ok(['run', '--rm', 'with-volume', 'grep', '-c', ' /var/v ', '/proc/mounts'])).toBe('1')
    expect(await names()).toEqual([''])
  })
})

describe('--volumes-from', () => {
  test("has the other container's volumes and binds, with other options", async () => {
    const folder = tspod.folder
    await tspod.ok(['create', '--name', 'donor', '-v', 'shared:/s', '-v', `${folder}:/h:ro`, image, 'true'])
    expect(await run(['--volumes-from', 'donor'], 'echo x > /s/f; touch /h/f 2>/dev/null || echo refused')).toBe(
      'refused',
    )
    expect(await run(['--volumes-from', 'donor:ro'], 'cat /s/f; touch /s/g 2>/dev/null || echo refused')).toBe(
      'x\nrefused',
    )
  })

  test('refuses options that mean nothing', async () => {
    await tspod.ok(['create', '--name', 'donor', '-v', 'shared:/s', image, 'true'])
    await tspod.ok(['create', '--name', 'bare', image, 'true'])
    for (const name of ['donor', 'bare']) {
      const result = await tspod.run(['run', '--rm', '--volumes-from', `${name}:exec`, image, 'true'])
      expect(result.status, explain(result)).toBe(125)
    }
  })
})

test('export and import carry files with their owners', async () => {
  await run(['-v', 'from:/d'], 'echo hi > /d/f && chown 7:8 /d/f')
  const archive = join(tspod.folder, 'volume.tar')
  await tspod.ok(['volume', 'export', '-o', archive, 'from'])
  expect(await readTar(archive)).toMatchObject([{ path: 'f', uid: 7, gid: 8, content: 'hi\n' }])
  await tspod.ok(['volume', 'create', 'to'])
  await tspod.ok(['volume', 'import', 'to', archive])
  expect(await run(['-v', 'to:/d'], 'cat /d/f; stat -c %u:%g /d/f')).toBe('hi\n7:8')
  const stdin = tarArchive([{ path: 'g', content: 'stdin' }])
  await tspod.ok(['volume', 'import', 'to', '-'], { input: stdin })
  expect(await run(['-v', 'to:/d'], 'cat /d/g')).toBe('stdin')
})

test('inspect finds a volume that nothing else hides', async () => {
  await tspod.ok(['volume', 'create', 'looked-at'])
  const id = await tspod.ok(['create', '--name', 'looked-at', image, 'true'])
  const name = (...more: string[]) => tspod.ok(['inspect', '-f', '{{.Name}}', ...more, 'looked-at'])
  expect([await name(), await name('--type', 'volume')]).toEqual(['looked-at', 'looked-at'])
  expect(await tspod.ok(['inspect', '-f', '{{.Id}}', 'looked-at'])).toBe(id)
  await tspod.ok(['rm', 'looked-at'])
  expect(await tspod.ok(['inspect', '-f', '{{.Name}} {{.Driver}}', 'looked-at'])).toBe('looked-at local')
  const missing = await tspod.run(['inspect', 'localhost/no/such'])
  expect(missing).toMatchObject({ status: 125, stderr: 'Error: no such object: "localhost/no/such"\n' })
})

test('mount says where the files are', async () => {
  await tspod.ok(['volume', 'create', 'plain'])
  const path = await tspod.ok(['volume', 'mount', 'plain'])
  expect(existsSync(path)).toBe(true)
  expect(await tspod.ok(['volume', 'unmount', 'plain'])).toBe('plain')
})
