import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { Descriptor, Digest } from '../../src/oci/image-spec.js'
import { mediaTypes } from '../../src/oci/image-spec.js'
import { hostArchitecture } from './images.js'

/** A registry in the test's own process that keeps what it is given and misbehaves as it is told. */
export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** Every request: method, path, and the headers that tests look at. */
  readonly requests: SeenRequest[]
  readonly blobs: Map<string, Buffer>
  /** By digest, and by `NAME:TAG`. */
  readonly manifests: Map<string, StoredManifest>
  /** What to do instead of answering; looked at for each request. Answers true if it has dealt with it. */
  misbehave: (request: IncomingMessage, response: ServerResponse, url: URL) => boolean
  putBlob(content: Buffer, mediaType: string): Descriptor
  putManifest(name: string, tag: string, document: unknown, mediaType?: string): Descriptor
  /** An image of these layers, plain tar archives; compressed by gzip. */
  putImage(name: string, tag: string, layers: readonly Buffer[], change?: (image: TestImage) => TestImage): Descriptor
}

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly range: string | undefined
}

export interface StoredManifest {
  readonly bytes: Buffer
  readonly mediaType: string
}

export interface TestImage {
  readonly config: Record<string, unknown>
  readonly manifest: Record<string, unknown>
}

export async function startTestRegistry(): Promise<TestRegistry> {
  const requests: SeenRequest[] = []
  const blobs = new Map<string, Buffer>()
  const manifests = new Map<string, StoredManifest>()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://registry')
    requests.push({
      method: request.method ?? '',
      path: url.pathname,
      authorization: request.headers.authorization,
      range: request.headers.range,
    })
    response.on('error', () => undefined)
    if (registry.misbehave(request, response, url)) return
    answer(response, url, request, blobs, manifests)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const registry: TestRegistry = {
    host: `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    requests,
    blobs,
    manifests,
    misbehave: () => false,
    putBlob(content, mediaType) {
      const digest = digestOf(content)
      blobs.set(digest, content)
      return { mediaType, digest, size: content.length }
    },
    putManifest(name, tag, document, mediaType = mediaTypes.ociManifest) {
      const bytes = Buffer.isBuffer(document) ? document : Buffer.from(JSON.stringify(document))
      const stored = { bytes, mediaType }
      manifests.set(`${name}:${tag}`, stored)
      manifests.set(digestOf(bytes), stored)
      return { mediaType, digest: digestOf(bytes), size: bytes.length }
    },
    putImage(name, tag, layers, change = (image) => image) {
      const descriptors = layers.map((layer) => registry.putBlob(gzipSync(layer), mediaTypes.ociLayerGzip))
      const first: TestImage = {
        config: {
          architecture: hostArchitecture,
          os: 'linux',
          config: { Cmd: ['/bin/true'] },
          rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
        },
        manifest: { schemaVersion: 2, mediaType: mediaTypes.ociManifest, layers: descriptors },
      }
      const { config, manifest } = change(first)
      const configDescriptor = registry.putBlob(Buffer.from(JSON.stringify(config)), mediaTypes.ociConfig)
      return registry.putManifest(name, tag, { config: configDescriptor, ...manifest })
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return registry
}

/** `sha256:…` of bytes. */
export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function answer(
  response: ServerResponse,
  url: URL,
  request: IncomingMessage,
  blobs: ReadonlyMap<string, Buffer>,
  manifests: ReadonlyMap<string, StoredManifest>,
): void {
  const [, name = '', kind, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs|tags)\/(.+)$/.exec(url.pathname) ?? []
  if (url.pathname === '/v2/') {
    response.writeHead(200).end('{}')
    return
  }
  if (kind === 'manifests') {
    const found = manifests.get(reference) ?? manifests.get(`${name}:${reference}`)
    if (found === undefined) return notFound(response, 'MANIFEST_UNKNOWN', 'manifest unknown')
    response.writeHead(200, { 'content-type': found.mediaType, 'docker-content-digest': digestOf(found.bytes) })
    response.end(found.bytes)
    return
  }
  if (kind === 'tags') {
    const tags = [...manifests.keys()].flatMap((key) =>
      key.startsWith(`${name}:`) ? [key.slice(name.length + 1)] : [],
    )
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ name, tags }))
    return
  }
  const blob = blobs.get(reference)
  if (blob === undefined) return notFound(response, 'BLOB_UNKNOWN', 'blob unknown to registry')
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  if (from > 0) {
    const range = `bytes ${String(from)}-${String(blob.length - 1)}/${String(blob.length)}`
    response.writeHead(206, { 'content-range': range, 'content-length': blob.length - from })
  } else response.writeHead(200, { 'content-length': blob.length })
  response.end(blob.subarray(from))
}

function notFound(response: ServerResponse, code: string, message: string): void {
  response.writeHead(404, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ errors: [{ code, message }] }))
}
