import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import type { BuildEvent, BuildOptions, Engine, openEngine as open } from '../../../src/index.js'
import { busyboxStore, image } from '../../helpers/busybox-store.js'
import { startGitServer, type GitServer } from '../../helpers/git-server.js'
import { tarArchive, type TarEntry } from '../../helpers/tar.js'
import type { TspodStore } from '../../helpers/tspod.js'

const library = fileURLToPath(new URL('../../../dist/index.js', import.meta.url))

let store: TspodStore
let engine: Engine
let git: GitServer
let web: Server
let pages: Record<string, Buffer | undefined>
let requests: string[]
let folder: string
let count = 0

beforeAll(async () => {
  store = await busyboxStore()
  const { openEngine } = (await import(library)) as { openEngine: typeof open }
  engine = await openEngine({ root: store.root, runroot: store.runroot })
  mkdirSync(join(store.folder, 'git'))
  git = await startGitServer(join(store.folder, 'git'))
  web = createServer((request, response) => {
    requests.push(request.headers['if-none-match'] === undefined ? 'GET' : 'GET again')
    const page = pages[request.url ?? '']
    if (page === undefined) response.writeHead(404).end()
    else if (request.headers['if-none-match'] === `"${String(page.length)}"`) response.writeHead(304).end()
    else response.writeHead(200, { etag: `"${String(page.length)}"` }).end(page)
  }).listen(0, '127.0.0.1')
  await once(web, 'listening')
})

afterAll(async () => {
  web.close()
  await git[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})

beforeEach(() => {
  pages = {}
  requests = []
  folder = join(store.folder, `context-${String(++count)}`)
  mkdirSync(folder)
})

const at = (path: string): string => `http://127.0.0.1:${String((web.address() as AddressInfo).port)}${path}`

/** Builds from instructions; answers what `path` has in the image's files, and which steps were in the cache. */
async function build(instructions: string, path: string, options: BuildOptions = {}): Promise<[string, number]> {
  const target = join(store.folder, `out-${String(++count)}`)
  const text = `FROM scratch\n${instructions}\n`
  const names = new Map<number, string>()
  let cached = 0
  await engine.builds.build({
    context: folder,
    files: [{ name: 'Dockerfile', text }],
    outputs: [{ type: 'local', path: target }],
    ...options,
    onEvent(event) {
      options.onEvent?.(event)
      if (event.type === 'step-started') names.set(event.step, event.name)
      if (event.type === 'step-finished' && event.cached && /COPY|ADD/.test(names.get(event.step) ?? '')) cached++
    },
  })
  return [readFileSync(join(target, path), 'utf8'), cached]
}

test('a file that changes while it is copied is not kept for what it was', async () => {
  const file = join(folder, 'a')
  writeFileSync(file, 'one')
  const onEvent = (event: BuildEvent): void => {
    if (event.type === 'step-started' && event.name.includes('COPY')) writeFileSync(file, 'two')
  }
  expect(await build('COPY a /', 'a', { onEvent })).toEqual(['two', 0])
  writeFileSync(file, 'one')
  expect(await build('COPY a /', 'a')).toEqual(['one', 0])
  expect(await build('COPY a /', 'a')).toEqual(['one', 1])
})

test('ADD of a git repository is in the cache as long as the commit is the same', async () => {
  writeFileSync(join(git.tree('app'), 'a'), 'one')
  git.publish('app')
  const add = `ADD ${git.url}/smart/app.git /app`
  expect(await build(add, 'app/a')).toEqual(['one', 0])
  git.requests.length = 0
  expect(await build(add, 'app/a')).toEqual(['one', 1])
  expect(git.requests.filter((request) => request.startsWith('POST') && request.includes('upload-pack')).length).toBeLessThan(2) // prettier-ignore
  writeFileSync(join(git.tree('app'), 'a'), 'two')
  const commit = git.publish('app')
  expect(await build(add, 'app/a')).toEqual(['two', 0])
  expect(await build(`ADD --checksum=${commit} ${git.url}/smart/app.git /app`, 'app/a')).toEqual(['two', 1])
  await expect(build(`ADD --checksum=${'0'.repeat(40)} ${git.url}/smart/app.git /app`, 'app/a')).rejects.toThrow('expected commit') // prettier-ignore
})

test('ADD of a URL is in the cache as long as the server says that it is the same', async () => {
  pages['/f'] = Buffer.from('one')
  const add = `ADD ${at('/f')} /to/`
  expect(await build(add, 'to/f')).toEqual(['one', 0])
  expect(await build(add, 'to/f')).toEqual(['one', 1])
  expect(requests).toEqual(['GET', 'GET again'])
  pages['/f'] = Buffer.from('three')
  expect(await build(add, 'to/f')).toEqual(['three', 0])
})

test('an archive from a URL is unpacked only if that is asked for', async () => {
  pages['/x.tar.gz'] = gzipSync(tarArchive([{ path: 'in', content: 'unpacked' }]))
  expect((await build(`ADD --unpack ${at('/x.tar.gz')} /to/`, 'to/in'))[0]).toBe('unpacked')
  expect((await build(`ADD ${at('/x.tar.gz')} /to/`, 'to/x.tar.gz'))[0]).not.toBe('')
})

test('a context is an archive, a URL of one, or a repository', async () => {
  const entries: TarEntry[] = [
    { path: 'd/', type: 'directory', mode: 0o555 },
    { path: 'd/a', content: 'a', uid: 4711, mode: 0o600 },
  ]
  const archive = gzipSync(tarArchive(entries))
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(archive)
  }
  pages['/ctx'] = archive
  writeFileSync(join(git.tree('ctx'), 'a'), 'a')
  git.publish('ctx')
  expect((await build('COPY d/a /', 'a', { context: bytes() }))[0]).toBe('a')
  expect((await build('COPY d/a /', 'a', { context: at('/ctx') }))[0]).toBe('a')
  expect((await build('COPY a /', 'a', { context: `${git.url}/smart/ctx.git#main` }))[0]).toBe('a')
  expect(readdirSync(join(store.root, 'tmp')).filter((name) => name.startsWith('build-'))).toEqual([])
})

test('a build from a Dockerfile alone finds nothing to copy', async () => {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from(`FROM ${image}\nCOPY a /\n`))
  }
  await expect(engine.builds.build({ context: bytes() })).rejects.toThrow()
})
