import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { tryLockFolder } from '../../src/state/lock.js'
import { removalsEnd } from '../helpers/removals.js'
import { startTestRegistry, type TestRegistry } from '../helpers/registry.js'
import { tarArchive } from '../helpers/tar.js'
import { program as tspod, tspodStore, type TspodStore } from '../helpers/tspod.js'

const run = promisify(execFile)
let registry: TestRegistry
let store: TspodStore

beforeEach(async () => {
  registry = await startTestRegistry()
  store = await tspodStore()
})

afterEach(async () => {
  await store[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
})

const layer = (content: string): Buffer => tarArchive([{ path: 'file', content }])

/** Puts an image into the registry and fetches it; its ID. */
async function pulled(name: string, ...contents: string[]): Promise<string> {
  registry.putImage(name, 'latest', contents.map(layer))
  return store.ok(['pull', '-q', `${registry.host}/${name}`])
}

const list = (...args: string[]): Promise<string> =>
  store.ok(['images', '--format', '{{.Repository}}:{{.Tag}}', ...args])

/** Files of the store that an image makes: blobs, layers, rests. */
async function rests(): Promise<string[]> {
  const folders = ['images/blobs/sha256', 'layers', 'tmp', 'cache/images']
  await removalsEnd(join(store.root, 'tmp'))
  const lists = await Promise.all(folders.map((folder) => readdir(join(store.root, folder)).catch(() => [])))
  return lists.flat()
}

describe('pull', () => {
  test('prints the ID, and asks once for what is there', async () => {
    const id = await pulled('app', 'one', 'two')
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    const before = registry.requests.length
    expect(await store.ok(['pull', '-q', `${registry.host}/app`])).toBe(id)
    expect(registry.requests.length - before).toBe(1)
  })

  test('fetches a layer that two images share once', async () => {
    await pulled('one', 'shared', 'a')
    await pulled('two', 'shared', 'b')
    const blobs = registry.requests.flatMap(({ path }) => (path.includes('/blobs/') ? [path.replace(/.*\//, '')] : []))
    expect(new Set(blobs).size).toBe(blobs.length)
  })

  test('of the same image by eight commands at once fetches everything once', async () => {
    registry.putImage('app', 'latest', ['a', 'b', 'c'].map(layer))
    const results = await Promise.all(
      Array.from({ length: 8 }, () => store.run(['pull', '-q', `${registry.host}/app`])),
    )
    expect(results.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 0))
    const layers = registry.requests.filter(({ path }) => path.includes('/blobs/')).map(({ path }) => path)
    const counts = new Map<string, number>()
    for (const path of layers) counts.set(path, (counts.get(path) ?? 0) + 1)
    /* The configuration is read by each, to know what the layers are; the layers only by one. */
    expect([...counts.values()].filter((count) => count === 1).length).toBe(3)
    expect(await list()).toBe(`${registry.host}/app:latest`)
  })

  test('by digest has no tag until it gets one, and takes every tag with --all-tags', async () => {
    const { digest } = registry.putImage('app', 'latest', [layer('x')])
    registry.putImage('app', 'other', [layer('y')])
    await store.ok(['pull', '-q', `${registry.host}/app@${digest}`])
    expect(await list()).toBe(`${registry.host}/app:<none>`)
    await store.ok(['pull', '-q', '-a', `${registry.host}/app:latest@${digest}`])
    expect((await list('--sort', 'tag')).split('\n')).toEqual([
      `${registry.host}/app:latest`,
      `${registry.host}/app:other`,
    ])
    await store.ok(['rmi', `${registry.host}/app:latest`])
    expect((await list('--sort', 'tag')).split('\n')).toEqual([
      `${registry.host}/app:<none>`,
      `${registry.host}/app:other`,
    ])
  })

  test.each([
    [['pull'], 125, /requires at least 1/i],
    [['pull', 'UPPER/x'], 125, /must be lowercase/],
    [['pull', '127.0.0.1:1/x'], 125, /ECONNREFUSED/],
    [['pull', '--policy', 'never', 'nothing'], 125, /nothing: image not known/],
  ])('%j fails with %i', async (args, status, message) => {
    const result = await store.run(args)
    expect(result.status, result.stderr).toBe(status)
    expect(result.stderr).toMatch(message)
  })

  test('of a layer that is not what its configuration says keeps nothing', async () => {
    registry.putImage('app', 'latest', [layer('x')], ({ config, manifest }) => ({
      config: { ...config, rootfs: { type: 'layers', diff_ids: [`sha256:${'a'.repeat(64)}`] } },
      manifest,
    }))
    const result = await store.run(['pull', `${registry.host}/app`])
    expect(result.status, result.stderr).toBe(125)
    expect(result.stderr).toMatch(/layer sha256:[0-9a-f]{64}: the layer's DiffID is /)
    expect(await list()).toBe('')
    expect(await rests()).toEqual([])
  })
})

describe('names', () => {
  test('tag and untag, and rmi takes one name after the other', async () => {
    const id = await pulled('app', 'x')
    await store.ok(['tag', 'app', 'a:1', 'b'])
    expect(await list()).toBe(`localhost/b:latest\nlocalhost/a:1\n${registry.host}/app:latest`)
    expect(await store.ok(['rmi', 'a:1'])).toBe('Untagged: localhost/a:1')
    await store.ok(['untag', 'b'])
    expect(await list()).toBe('<none>:<none>')
    expect(await store.ok(['rmi', id.slice(0, 8)])).toBe(`Deleted: ${id}`)
    expect(await rests()).toEqual([])
  })

  test('rmi by ID wants force for several names', async () => {
    const id = await pulled('app', 'x')
    await store.ok(['tag', 'app', 'a:1'])
    const result = await store.run(['rmi', id])
    expect(result.status).toBe(125)
    expect(result.stderr).toMatch(/more than one tag/)
    expect(await store.ok(['rmi', '-f', id])).toBe(
      `Untagged: localhost/a:1\nUntagged: ${registry.host}/app:latest\nDeleted: ${id}`,
    )
  })

  test('rmi of what is not there is 1, and no failure with --ignore', async () => {
    expect((await store.run(['rmi', 'nothing'])).status).toBe(1)
    expect((await store.run(['rmi', '--ignore', 'nothing'])).status).toBe(0)
    expect((await store.run(['image', 'exists', 'nothing'])).status).toBe(1)
  })

  test('a name that moves leaves the old image without, and prune takes that', async () => {
    const old = await pulled('app', 'old')
    await pulled('app', 'new')
    expect(await store.ok(['images', '-q', '--no-trunc', '--filter', 'dangling=true'])).toBe(`sha256:${old}`)
    expect(await store.ok(['image', 'prune', '-f'])).toBe(old)
    expect(await list()).toBe(`${registry.host}/app:latest`)
  })

  test('what rmi was killed at is cleared by the next command, unless somebody is at it', async () => {
    const [left, busy] = ['going-left', 'going-busy'].map((name) => join(store.root, 'tmp', name)) as [string, string]
    for (const folder of [left, busy]) await mkdir(join(folder, '0', 'diff'), { recursive: true })
    const lock = tryLockFolder(busy)
    expect(lock).toBeDefined()
    await store.ok(['ps'])
    expect(await readdir(join(store.root, 'tmp'))).toEqual(['going-busy'])
    lock?.release()
    await store.ok(['ps'])
    expect(await rests()).toEqual([])
  })

  test('rmi keeps the layers that another image has', async () => {
    await pulled('one', 'shared', 'a')
    await pulled('two', 'shared', 'b')
    await store.ok(['rmi', 'one'])
    expect((await readdir(join(store.root, 'layers'))).length).toBe(2)
    await store.ok(['rmi', 'two'])
    expect(await rests()).toEqual([])
  })
})

describe('archives', () => {
  test.each(['docker-archive', 'oci-archive'])('%s goes out and comes back as the same image', async (format) => {
    const id = await pulled('app', 'x', 'y')
    const path = join(store.folder, 'image.tar')
    await store.ok(['save', '-q', '--format', format, '-o', path, 'app'])
    await store.ok(['rmi', '-a'])
    expect(await store.ok(['load', '-q', '-i', path])).toBe(`Loaded image: ${registry.host}/app:latest`)
    expect(await store.ok(['images', '-q', '--no-trunc'])).toBe(`sha256:${id}`)
    await store.ok(['rmi', '-a'])
    const compressed = gzipSync(await readFile(path))
    expect((await store.run(['load', '-q'], { input: compressed })).stdout).toBe(
      `Loaded image: ${registry.host}/app:latest\n`,
    )
  })

  test.each(['zstd', 'xz', 'bzip2'])(
    'that %s has compressed are read, from a file and from a pipe',
    async (program) => {
      const id = await pulled('app', 'one')
      const path = join(store.folder, 'image.tar')
      await store.ok(['save', '-q', '-o', path, 'app'])
      await run(program, ['-k', path])
      const [name] = (await readdir(store.folder)).filter((one) => one.startsWith('image.tar.'))
      const compressed = join(store.folder, name ?? '')
      for (const [args, input] of [
        [['-i', compressed], ''],
        [[], await readFile(compressed)],
      ] as const) {
        await store.ok(['rmi', '-a'])
        expect(await store.ok(['load', '-q', ...args], { input })).toBe(`Loaded image: ${registry.host}/app:latest`)
        expect(await store.ok(['images', '-q', '--no-trunc'])).toBe(`sha256:${id}`)
      }
    },
  )

  test('go into what is there and is no file', async () => {
    await pulled('app', 'one')
    await store.ok(['save', '-q', '-o', '/dev/null', 'app'])
    const path = join(store.folder, 'image.tar')
    // A FIFO under its own name, and a pipe as /dev/stdout: written to, not replaced.
    await run('sh', ['-ec', `mkfifo "$0/fifo"; cat "$0/fifo" > "$0/image.tar" 2>/dev/null &`, store.folder])
    await store.ok(['save', '-q', '-o', join(store.folder, 'fifo'), 'app'])
    await expect.poll(async () => (await store.run(['load', '-q', '-i', path])).status).toBe(0)
    const words = [tspod, '--root', store.root, '--runroot', store.runroot, 'save', '-q', '-o', '/dev/stdout', 'app']
    const piped = await run('sh', ['-ec', '"$@" | tar -t', 'sh', ...words], { env: store.env })
    expect(piped.stdout).toContain('manifest.json')
    expect((await store.run(['save', '-q', '-o', store.folder, 'app'])).stderr).toContain('EISDIR')
  })

  test('several images in one', async () => {
    await pulled('one', 'x')
    await pulled('two', 'x', 'y')
    const path = join(store.folder, 'image.tar')
    await store.ok(['save', '-qm', '-o', path, 'one', 'two'])
    await store.ok(['rmi', '-a'])
    const names = (await store.ok(['load', '-q', '-i', path])).split('\n')
    expect(names).toEqual([`Loaded image: ${registry.host}/one:latest`, `Loaded image: ${registry.host}/two:latest`])
  })

  test('a damaged one leaves nothing', async () => {
    await pulled('app', 'x'.repeat(5000))
    const path = join(store.folder, 'image.tar')
    await store.ok(['save', '-q', '-o', path, 'app'])
    await store.ok(['rmi', '-a'])
    const bytes = await readFile(path)
    bytes.fill(0x79, 1024, 1100)
    await writeFile(path, bytes)
    expect((await store.run(['load', '-i', path])).status).toBe(125)
    await writeFile(path, bytes.subarray(0, 3000))
    expect((await store.run(['load', '-i', path])).status).toBe(125)
    await writeFile(path, 'no archive')
    expect((await store.run(['load', '-i', path])).status).toBe(125)
    expect(await list()).toBe('')
    expect(await rests()).toEqual([])
  })

  test('the store itself is a layout that skopeo copies from', async (context) => {
    if ((await run('skopeo', ['--version']).catch(() => undefined)) === undefined) context.skip('needs skopeo')
    await pulled('app', 'x')
    const target = join(store.folder, 'copy')
    const source = `oci:${join(store.root, 'images')}:${registry.host}/app:latest`
    await run('skopeo', ['copy', '--insecure-policy', source, `dir:${target}`])
    expect((await stat(join(target, 'manifest.json'))).isFile()).toBe(true)
  })
})

describe('import', () => {
  test('makes an image of a file, a stream and a URL', async () => {
    const archive = layer('imported')
    const path = join(store.folder, 'root.tar')
    await writeFile(path, archive)
    const server = createServer((_, response) => response.end(gzipSync(archive)))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/root.tar.gz`
    try {
      expect(await store.ok(['import', '-q', path, 'file:1'])).toMatch(/^sha256:[0-9a-f]{64}$/)
      await store.ok(['import', '-q', '-', 'stream:1'], { input: gzipSync(archive) })
      await store.ok(['import', '-q', '--change', 'CMD ["/file"]', '-m', 'from afar', url, 'url:1'])
    } finally {
      server.close()
    }
    expect((await list('--sort', 'repository')).split('\n')).toEqual([
      'localhost/file:1',
      'localhost/stream:1',
      'localhost/url:1',
    ])
    expect((await readdir(join(store.root, 'layers'))).length).toBe(1)
    expect(await store.ok(['image', 'inspect', '--format', '{{.Config.Cmd}} {{.Comment}}', 'url:1'])).toBe(
      '[/file] from afar',
    )
  })

  test('of what is no archive keeps nothing', async () => {
    expect((await store.run(['import', '-q', '-', 'a'], { input: 'no archive' })).status).toBe(125)
    expect(await rests()).toEqual([])
  })
})

describe('images', () => {
  test('filters by label, reference and time', async () => {
    for (const label of ['a', 'b']) {
      registry.putImage(`app-${label}`, 'latest', [layer(label)], ({ config, manifest }) => ({
        config: {
          ...config,
          created: label === 'a' ? '2020-01-01T00:00:00Z' : '2021-01-01T00:00:00Z',
          config: { Labels: { is: label } },
        },
        manifest,
      }))
      await store.ok(['pull', '-q', `${registry.host}/app-${label}`])
    }
    const [a, b] = [`${registry.host}/app-a:latest`, `${registry.host}/app-b:latest`]
    expect(await list()).toBe(`${b}\n${a}`)
    expect(await list('--filter', 'label=is=a')).toBe(a)
    expect(await list('--filter', 'label!=is=a')).toBe(b)
    expect(await list('--filter', 'label=is')).toBe(`${b}\n${a}`)
    expect(await list('--filter', 'reference=*/app-b')).toBe(b)
    for (const pattern of ['app-?', `${registry.host}/*`, '*:latest', '*[ab]'])
      expect(await list('--filter', `reference=${pattern}`), pattern).toBe(`${b}\n${a}`)
    for (const pattern of ['a', 'p*', '*host*', '127*'])
      expect(await list('--filter', `reference=${pattern}`), pattern).toBe('')
    expect(await list('--filter', 'before=app-b')).toBe(a)
    expect(await list('--filter', 'since=app-a')).toBe(b)
    expect(await list('app-a')).toBe(a)
    const wrong = await store.run(['images', '--filter', 'nonsense'])
    expect(wrong.status).toBe(125)
  })

  test('the JSON has what Podman has', async () => {
    const id = await pulled('app', 'x')
    const [image] = JSON.parse(await store.ok(['images', '--format', 'json'])) as Record<string, unknown>[]
    expect(image).toMatchObject({ Id: id, Names: [`${registry.host}/app:latest`], Containers: 0, ParentId: '' })
    expect(Object.keys(image ?? {})).toEqual(
      expect.arrayContaining(['RepoDigests', 'Size', 'VirtualSize', 'Created', 'CreatedAt', 'Digest', 'History']),
    )
  })
})
