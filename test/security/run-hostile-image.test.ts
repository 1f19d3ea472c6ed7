import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ImageRunConfig } from '../../src/oci/image-spec.js'
import { busyboxLayer, makeLayout } from '../helpers/images.js'
import { tarArchive, type TarEntry } from '../helpers/tar.js'
import { type Result, tspodStore, type TspodStore } from '../helpers/tspod.js'

/** Images that point out of their root, each in a whole `tspod run`. */

let store: TspodStore
let outside: string
const secret = 'not for containers'

beforeAll(async () => {
  store = await tspodStore()
  outside = store.folder
  await writeFile(join(outside, 'secret'), secret)
})
afterAll(async () => {
  await store[Symbol.asyncDispose]()
})

let count = 0

/** Busybox with these entries above it. */
async function image(entries: readonly TarEntry[], config: ImageRunConfig = {}): Promise<string> {
  const tag = `hostile${String(++count)}`
  const folder = join(store.folder, tag)
  const layers = [await busyboxLayer(), tarArchive(entries)]
  await makeLayout(folder, { layers, tag, config: { Env: ['PATH=/bin'], Cmd: ['sh'], ...config } })
  return (await store.ok(['pull', '-q', `oci:${folder}:${tag}`])).split('\n').at(-1) ?? ''
}

/** Run without a network, which is another test’s subject. */
function run(...args: string[]): Promise<Result> {
  return store.run(['run', '--rm', '--network', 'none', ...args])
}

async function expectNothingOutside(before: readonly string[]): Promise<void> {
  expect((await readdir(outside)).filter((name) => !before.includes(name))).toEqual([])
  expect(await readFile(join(outside, 'secret'), 'utf8')).toBe(secret)
}

const link = (path: string, to: string): TarEntry => ({ path, type: 'symlink', link: to, mode: 0o777 })

describe('an image whose', () => {
  test.each(['dev', 'proc', 'sys'])('/%s is a link out of the root is refused', async (name) => {
    const id = await image([link(name, outside)])
    const before = await readdir(outside)
    const result = await run(id, 'cat', `/${name}/secret`)
    expect(result).toMatchObject({ status: 125, stdout: '' })
    expect(result.stderr).toContain(`/${name}`)
    expect(result.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2)
    await expectNothingOutside(before)
  })

  test.each(['etc/hosts', 'etc/resolv.conf', 'etc/hostname'])(
    '/%s is a link has it made inside the root',
    async (name) => {
      const id = await image([link(name, join(outside, 'secret'))])
      const before = await readdir(outside)
      const result = await run(id, 'cat', `/${name}`)
      expect(result.stdout).not.toContain(secret)
      expect([0, 125]).toContain(result.status)
      await expectNothingOutside(before)
    },
  )

  test('WORKDIR leads out of the root works inside it', async () => {
    const id = await image([link('place', outside)], { WorkingDir: '/place/new' })
    const before = await readdir(outside)
    const result = await run(id, 'sh', '-c', 'readlink /proc/self/cwd; cat /place/secret')
    expect(result.stdout).toBe(`${outside}/new\n`)
    await expectNothingOutside(before)
  })

  test('WORKDIR is a descriptor is refused', async () => {
    const id = await image([], { WorkingDir: '/proc/self/fd/3' })
    const result = await run(id, 'cat', '../../../../../../etc/shadow')
    expect(result.status).toBeGreaterThanOrEqual(125)
    expect(result.stdout).toBe('')
    expect(result.stderr).toContain('/proc/self/fd/3')
  })

  test('mount target is a link has the volume inside the root', async () => {
    const id = await image([link('data', outside)])
    const before = await readdir(outside)
    const result = await run(
      '-v',
      '/data/volume',
      id,
      'sh',
      '-c',
      'echo in >/data/volume/file && cat /data/volume/file; cat /data/secret',
    )
    expect(result.stdout).toBe('in\n')
    await expectNothingOutside(before)
  })

  test.each(['passwd', 'group'])('/etc/%s is a link out of the root does not say who is who', async (name) => {
    const text = name === 'passwd' ? 'hero:x:77:77::/:/bin/sh\n' : 'hero:x:77:\n'
    await writeFile(join(outside, 'accounts'), text)
    const id = await image([link(`etc/${name}`, join(outside, 'accounts'))])
    const result = await run('-u', name === 'passwd' ? 'hero' : '0:hero', id, 'id')
    expect(result).toMatchObject({ status: 125, stdout: '' })
    expect(result.stderr).toContain(`/etc/${name}`)
  })

  test('/etc/passwd is a FIFO does not hold anybody up', async () => {
    const id = await image([{ path: 'etc/passwd', type: 'fifo' }])
    expect(await run('-u', 'hero', id, 'id')).toMatchObject({ status: 125, stdout: '' })
    expect(await run('-u', '0', id, 'echo', 'ran')).toMatchObject({ status: 0, stdout: 'ran\n' })
  })

  test('/etc/passwd is a gigabyte is not read', async () => {
    const id = await image([{ path: 'etc/passwd', content: Buffer.alloc(2 << 20, 'x') }])
    const result = await run('-u', 'hero', id, 'id')
    expect(result).toMatchObject({ status: 125, stdout: '' })
    expect(result.stderr).toContain('passwd')
  })

  test('entrypoint is #!/proc/self/exe runs none of ours', async () => {
    const id = await image([{ path: 'evil', content: '#!/proc/self/exe\n', mode: 0o755 }], { Entrypoint: ['/evil'] })
    const { status, stdout, stderr } = await run(id, 'launch')
    expect(status).not.toBe(0)
    expect(stdout).toBe('')
    expect(stderr).not.toMatch(/usage|unknown verb/i)
  })

  /* 126 where it is taken for a name that nobody has, as in Podman; 125 where it could not be one. */
  test.each([
    ['1000000000000', 125],
    ['4294967295', 125],
    ['4294967296', 125],
    [' 0', 125],
    [':', 125],
    ['1:2:3', 125],
    ['-1', 126],
    ['0x0', 126],
    ['1e3', 126],
    ['0:-1', 126],
    ['0:0x0', 126],
  ])('user is asked for as "%s" is refused with %i', async (user, status) => {
    const id = await plain()
    const result = await run(`--user=${user}`, id, 'id', '-u')
    expect(result.stdout).toBe('')
    expect(result.status).toBe(status)
  })

  test('accounts have numbers for names gives nobody’s number to another', async () => {
    const id = await image([{ path: 'etc/passwd', content: '1000:x:0:0::/:/bin/sh\n0:x:5:5::/:/bin/sh\n' }])
    expect(await run('-u', '1000', id, 'id', '-u')).toMatchObject({ status: 0, stdout: '1000\n' })
    expect(await run('-u', '0', id, 'id', '-u')).toMatchObject({ status: 0, stdout: '0\n' })
  })
})

describe('a volume', () => {
  test.each(['/proc', '/proc/self', '/proc/sys/kernel'])('is refused at %s', async (target) => {
    const result = await run('-v', `${outside}:${target}`, await plain(), 'ls', target)
    expect(result).toMatchObject({ status: 125, stdout: '' })
    expect(result.stderr).toContain('/proc')
  })

  test('is refused where a link leads to /proc', async () => {
    const id = await image([link('p', 'proc')])
    const result = await run('-v', `${outside}:/p/self`, id, 'ls', '/proc/self')
    expect(result).toMatchObject({ status: 125, stdout: '' })
  })
})

let plainId: Promise<string> | undefined
function plain(): Promise<string> {
  plainId ??= image([])
  return plainId
}
