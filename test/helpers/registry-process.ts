import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import type { Descriptor, ImageIndex, ImageManifest } from '../../src/oci/image-spec.js'
import { mediaTypes } from '../../src/oci/image-spec.js'
import { blobPath, type Layout } from './images.js'

/** Debian's docker-registry on a free port of the loopback, with storage that goes when it is closed. */
export interface RegistryProcess extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** Copies a layout's image to `NAME:TAG` and returns the whole reference. */
  push(layout: Layout, name: string): Promise<string>
}

/**
 * Starts the registry; resolves once it listens. `settings`: more YAML lines, `http`: more members of its http section. Over
 * TLS, or with logins, `push` does not reach it.
 */
export async function startRegistry(
  settings = '',
  http: Readonly<Record<string, unknown>> = {},
): Promise<RegistryProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'tspod-registry-'))
  const configuration = join(folder, 'config.yml')
  await writeFile(
    configuration,
    `version: 0.1
log: {level: info, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: ${folder}/data}, delete: {enabled: true}}
http: ${JSON.stringify({ addr: '127.0.0.1:0', ...http })}
${settings}`,
  )
  const child = spawn('docker-registry', ['serve', configuration], { stdio: ['ignore', 'ignore', 'pipe'], env: {} })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const close = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const host = await listening(child)
    return { host, push: (layout, name) => pushLayout(host, layout, name), [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

async function listening(child: ReturnType<typeof spawn>): Promise<string> {
  if (child.stderr === null) throw new Error('the registry has no stderr')
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  const found = (async (): Promise<string> => {
    let said = ''
    for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
      const match = /listening on (127\.0\.0\.1:\d+)/.exec(line)
      said += `${line}\n`
      if (match?.[1] !== undefined) return match[1]
    }
    throw new Error(`docker-registry ended before it listened:\n${said}`)
  })()
  const host = await Promise.race([found, failed])
  child.stderr.resume()
  return host
}

/** Copies a layout's image to `NAME:TAG`. distribution-spec, “Pushing a blob monolithically” and “Pushing manifests”. */
export async function pushLayout(host: string, layout: Layout, name: string): Promise<string> {
  const [repository = name, tag = 'latest'] = name.split(':')
  const base = `http://${host}/v2/${repository}`
  await pushManifest(base, layout.folder, layout.descriptor, tag)
  return `${host}/${repository}:${tag}`
}

async function pushManifest(base: string, folder: string, descriptor: Descriptor, reference: string): Promise<void> {
  const body = await readFile(blobPath(folder, descriptor.digest))
  if (descriptor.mediaType === mediaTypes.ociIndex) {
    const index = JSON.parse(body.toString()) as ImageIndex
    for (const one of index.manifests) await pushManifest(base, folder, one, one.digest)
  } else {
    const manifest = JSON.parse(body.toString()) as ImageManifest
    for (const blob of [manifest.config, ...manifest.layers]) await pushBlob(base, folder, blob)
  }
  await send('PUT', `${base}/manifests/${reference}`, body, descriptor.mediaType)
}

async function pushBlob(base: string, folder: string, blob: Descriptor): Promise<void> {
  const upload = await send('POST', `${base}/blobs/uploads/`)
  const location = new URL(upload.headers.get('location') ?? '', `${base}/`)
  location.searchParams.set('digest', blob.digest)
  await send('PUT', location.href, await readFile(blobPath(folder, blob.digest)), 'application/octet-stream')
}

async function send(method: string, url: string, body?: Buffer, type?: string): Promise<Response> {
  const response = await fetch(url, {
    method,
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    ...(type === undefined ? {} : { headers: { 'content-type': type } }),
  })
  if (!response.ok) throw new Error(`${method} ${url}: ${String(response.status)} ${await response.text()}`)
  await response.arrayBuffer()
  return response
}
