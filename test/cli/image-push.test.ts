import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ImageManifest } from '../../src/oci/image-spec.js'
import { mediaTypes } from '../../src/oci/image-spec.js'
import { makeLayout } from '../helpers/images.js'
import { startRegistry, type RegistryProcess } from '../helpers/registry-process.js'
import { startTestRegistry } from '../helpers/registry.js'
import { tarArchive } from '../helpers/tar.js'
import { tspodStore, type TspodStore } from '../helpers/tspod.js'

const run = promisify(execFile)
let registry: RegistryProcess
let store: TspodStore

beforeEach(async () => {
  registry = await startRegistry()
  store = await tspodStore()
})

afterEach(async () => {
  await store[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
})

const accepted = [mediaTypes.ociManifest, mediaTypes.dockerManifest, mediaTypes.ociIndex].join(', ')

/** The manifest that the registry has, and its digest. */
async function stored(name: string, tag: string): Promise<{ manifest: ImageManifest; digest: string; type: string }> {
  const url = `http://${registry.host}/v2/${name}/manifests/${tag}`
  const response = await fetch(url, { headers: { accept: accepted } })
  const bytes = Buffer.from(await response.arrayBuffer())
  expect(response.status, bytes.toString()).toBe(200)
  return {
    manifest: JSON.parse(bytes.toString()) as ImageManifest,
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    type: response.headers.get('content-type') ?? '',
  }
}

const file = (content: string): Buffer => tarArchive([{ path: 'file', content }])

/** Brings an image of two layers into the store by the registry; the digest of its manifest there. */
async function pulled(name: string): Promise<string> {
  const layout = await makeLayout(join(store.folder, 'layout'), { layers: [file('one'), file('two')] })
  await store.ok(['pull', '-q', await registry.push(layout, name)])
  return layout.descriptor.digest
}

describe('push', () => {
  test('of what was pulled keeps every digest', async () => {
    const digest = await pulled('from')
    const digestFile = join(store.folder, 'digest')
    await store.ok(['push', '-q', '--digestfile', digestFile, `${registry.host}/from`, `${registry.host}/to:1`])
    expect(await readFile(digestFile, 'utf8')).toBe(digest)
    const [from, to] = [await stored('from', 'latest'), await stored('to', '1')]
    expect(to.digest).toBe(digest)
    expect(to.manifest).toEqual(from.manifest)
  })

  test('skips what is there and mounts what another repository has', async () => {
    await pulled('from')
    const push = (): Promise<string> =>
      store.run(['push', `${registry.host}/from`, `${registry.host}/to`]).then(({ stderr }) => stderr)
    expect((await push()).match(/Mounted blob/g)).toHaveLength(3)
    expect((await push()).match(/already there/g)).toHaveLength(3)
  })

  test('without a destination goes where the name says', async () => {
    await store.ok(['import', '-q', '-', `${registry.host}/mine:2`], { input: file('x') })
    await store.ok(['push', '-q', `${registry.host}/mine:2`])
    const { manifest } = await stored('mine', '2')
    expect(manifest.layers.map(({ mediaType }) => mediaType)).toEqual([mediaTypes.ociLayerGzip])
  })

  test('compresses anew and writes the kind of manifest that is asked for', async () => {
    const digest = await pulled('from')
    const push = (...args: string[]): Promise<string> => store.ok(['push', '-q', ...args])
    const source = `${registry.host}/from`
    await push('--compression-format', 'zstd', '--compression-level', '10', source, `${registry.host}/zstd`)
    const zstd = await stored('zstd', 'latest')
    expect(zstd.manifest.layers.map(({ mediaType }) => mediaType)).toEqual([
      mediaTypes.ociLayerZstd,
      mediaTypes.ociLayerZstd,
    ])
    await push('--format', 'v2s2', source, `${registry.host}/docker`)
    const docker = await stored('docker', 'latest')
    expect(docker.type).toBe(mediaTypes.dockerManifest)
    expect(docker.manifest.config.digest).toBe(zstd.manifest.config.digest)
    await store.ok(['rmi', source])
    const ids = await Promise.all(
      ['zstd', 'docker'].map((name) => store.ok(['pull', '-q', `${registry.host}/${name}`])),
    )
    expect(new Set(ids).size).toBe(1)
    await push('--format', 'oci', `${registry.host}/docker`, `${registry.host}/again`)
    expect((await stored('again', 'latest')).manifest.layers).toHaveLength(2)
    expect(digest).not.toBe(zstd.digest)
  })

  test('to an archive and a folder is read by skopeo', async () => {
    await pulled('from')
    const source = `${registry.host}/from`
    const places = [
      'oci:layout-out:name:1',
      'oci-archive:out.oci.tar:name:1',
      'docker-archive:out.tar:name:1',
      'dir:out',
    ]
    for (const place of places) {
      await store.ok(['push', '-q', source, place])
      const { stdout } = await run('skopeo', ['inspect', place], { cwd: store.folder })
      expect((JSON.parse(stdout) as { Layers: string[] }).Layers, place).toHaveLength(2)
    }
  })

  test.each([
    [['push', 'nothing'], /nothing: image not known/],
    [['push', 'localhost/app'], /local name/],
    [['push', 'localhost/app', 'UPPER/x'], /lowercase/],
    [['push', '--retry', '0', 'localhost/app', '127.0.0.1:1/x'], /ECONNREFUSED/],
    [['push', '--compression-format', 'zstd', '--format', 'v2s2', 'localhost/app', '127.0.0.1:1/x'], /no .*zstd/],
    [['push', '--compression-level', '99', 'localhost/app', '127.0.0.1:1/x'], /compression-level/],
  ])('%j fails in one line', async (args, message) => {
    await store.ok(['import', '-q', '-', 'localhost/app'], { input: file('x') })
    const { status, stderr } = await store.run(args)
    expect(status).toBe(125)
    expect(stderr).toMatch(message)
  })
})

test('a broken upload goes on where it broke', async () => {
  await using fake = await startTestRegistry()
  const size = 6 * 1024 * 1024
  const uploads = new Uploads(1024 * 1024)
  fake.misbehave = (request, response, url) => uploads.answer(request, response, url)
  await store.ok(['import', '-q', '-', 'localhost/app'], {
    input: tarArchive([{ path: 'file', content: randomBytes(size) }]),
  })
  await store.ok(['push', '-q', '--retry-delay', '10ms', 'localhost/app', `${fake.host}/app`])
  expect(uploads.starts.length).toBeGreaterThan(1)
  expect(uploads.starts[1]).toBeGreaterThanOrEqual(1024 * 1024)
  expect(uploads.blobs.size).toBe(2)
})

/** The uploading half of a registry, which hangs up once in the middle of the first PATCH. */
class Uploads {
  readonly blobs = new Map<string, Buffer>()
  /** Where each PATCH began. */
  readonly starts: number[] = []
  readonly #breakAfter: number
  readonly #sessions = new Map<string, Buffer>()
  #broken = false

  constructor(breakAfter: number) {
    this.#breakAfter = breakAfter
  }

  answer(request: IncomingMessage, response: ServerResponse, url: URL): boolean {
    if (request.method === 'HEAD') {
      const digest = url.pathname.replace(/.*\//, '')
      response.writeHead(this.blobs.has(digest) ? 200 : 404).end()
      return true
    }
    void this.#change(request, response, url)
    return true
  }

  async #change(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const session = url.searchParams.get('session') ?? ''
    const there = (id: string, status: number): void => {
      const length = this.#sessions.get(id)?.length ?? 0
      response.writeHead(status, { location: `/v2/app/up?session=${id}`, range: `0-${String(length - 1)}` }).end()
    }
    if (request.method === 'POST') {
      const id = String(this.#sessions.size)
      this.#sessions.set(id, Buffer.alloc(0))
      there(id, 202)
      return
    }
    if (request.method === 'GET') {
      there(session, 204)
      return
    }
    if (request.method === 'PATCH') this.starts.push(Number(/^\d+/.exec(request.headers['content-range'] ?? '')?.[0]))
    const chunks = [this.#sessions.get(session) ?? Buffer.alloc(0)]
    let length = 0
    for await (const chunk of request) {
      chunks.push(chunk as Buffer)
      length += (chunk as Buffer).length
      if (request.method === 'PATCH' && !this.#broken && length >= this.#breakAfter) {
        this.#broken = true
        this.#sessions.set(session, Buffer.concat(chunks))
        request.socket.destroy()
        return
      }
    }
    const bytes = Buffer.concat(chunks)
    this.#sessions.set(session, bytes)
    if (request.method === 'PATCH') {
      there(session, 202)
      return
    }
    const digest = url.searchParams.get('digest')
    if (digest !== null) {
      const found = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
      if (found === digest) this.blobs.set(digest, bytes)
      response.writeHead(found === digest ? 201 : 400).end()
      return
    }
    response.writeHead(201).end()
  }
}
