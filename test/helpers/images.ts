import { createHash } from 'node:crypto'
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'

import type {
  Descriptor,
  Digest,
  ImageConfig,
  ImageIndex,
  ImageManifest,
  ImageRunConfig,
} from '../../src/oci/image-spec.js'
import { mediaTypes } from '../../src/oci/image-spec.js'
import { tarArchive, type TarEntry } from './tar.js'

/**
 * Images made by the tests themselves, from the host's busybox: no engine is involved, so that what is
 * tested is never made by what is tested.
 */

export interface LayoutOptions {
  /** Lowest first: tar archives, not compressed. */
  readonly layers: readonly Buffer[]
  readonly config?: ImageRunConfig
  /** `org.opencontainers.image.ref.name`. Default: `latest`. */
  readonly tag?: string
  /** More than one: an index of as many manifests with the same layers. Default: the machine's own. */
  readonly architectures?: readonly string[]
  /** Default: gzip. */
  readonly compression?: 'gzip' | 'none'
}

/** An OCI image layout and the descriptor that its index.json has for the image. */
export interface Layout {
  readonly folder: string
  readonly tag: string
  readonly descriptor: Descriptor
}

/** Go's name of the architecture that the tests run on. */
export const hostArchitecture = process.arch === 'x64' ? 'amd64' : process.arch

/** Writes an OCI image layout with one image. */
export async function makeLayout(folder: string, options: LayoutOptions): Promise<Layout> {
  const tag = options.tag ?? 'latest'
  await mkdir(join(folder, 'blobs', 'sha256'), { recursive: true })
  const layers: Descriptor[] = []
  for (const layer of options.layers) {
    const compressed = options.compression !== 'none'
    layers.push(
      await putBlob(
        folder,
        compressed ? gzipSync(layer, { level: 1 }) : layer,
        compressed ? mediaTypes.ociLayerGzip : mediaTypes.ociLayer,
      ),
    )
  }
  const diffIds = options.layers.map((layer) => digestOf(layer))
  const manifests: Descriptor[] = []
  for (const architecture of options.architectures ?? [hostArchitecture]) {
    const descriptor = await putManifest(folder, architecture, layers, diffIds, options.config ?? {})
    manifests.push({ ...descriptor, platform: { architecture, os: 'linux' } })
  }
  const [only] = manifests
  if (only === undefined) throw new Error('an image needs an architecture')
  const top = manifests.length === 1 ? only : await putJson(folder, indexOf(manifests), mediaTypes.ociIndex)
  const descriptor: Descriptor = { ...top, annotations: { 'org.opencontainers.image.ref.name': tag } }
  await writeFile(join(folder, 'index.json'), JSON.stringify(indexOf([descriptor])))
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  return { folder, tag, descriptor }
}

/** An image of one layer: busybox with all its names, /etc/passwd, /etc/group and the usual empty folders. */
export async function busyboxLayout(folder: string, options: Partial<LayoutOptions> = {}): Promise<Layout> {
  const config = { Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['/bin/sh'] }
  return makeLayout(folder, { layers: [await busyboxLayer()], config, ...options })
}

/** Busybox below, and so many layers above it, each with a file `/layer/N` and its own version of `/top`. */
export async function manyLayersLayout(
  folder: string,
  count: number,
  options: Partial<LayoutOptions> = {},
): Promise<Layout> {
  const layers = [await busyboxLayer()]
  for (let number = 1; number < count; number++) {
    layers.push(
      tarArchive([
        { path: 'layer/', type: 'directory' },
        { path: `layer/${String(number)}`, content: `${String(number)}\n` },
        { path: 'top', content: `${String(number)}\n` },
      ]),
    )
  }
  return busyboxLayout(folder, { ...options, layers })
}

/** The host's static busybox as a root file system, a tar archive. */
export async function busyboxLayer(): Promise<Buffer> {
  return tarArchive(await busyboxEntries())
}

export async function busyboxEntries(): Promise<TarEntry[]> {
  const program = await busyboxProgram()
  const { stdout } = await promisify(execFile)(program, ['--list'])
  const names = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')
  const folders = ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'usr', 'usr/bin', 'usr/sbin', 'sbin', 'var']
  return [
    ...folders.map((name): TarEntry => ({ path: `${name}/`, type: 'directory' })),
    { path: 'tmp/', type: 'directory', mode: 0o1777 },
    { path: 'bin/busybox', mode: 0o755, content: await readFile(program) },
    ...names.map((name): TarEntry => ({ path: `bin/${name}`, type: 'symlink', link: 'busybox', mode: 0o777 })),
    { path: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' },
    { path: 'etc/group', content: 'root:x:0:\nnogroup:x:65534:\n' },
  ]
}

async function busyboxProgram(): Promise<string> {
  for (const path of ['/bin/busybox', '/usr/bin/busybox', '/bin/busybox.static']) {
    const found = await access(path).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  throw new Error('no busybox on this machine: apt-get install busybox-static')
}

/**
 * A Debian made by debootstrap, as a tar archive, kept in the user's cache folder; undefined where
 * TSPOD_TEST_DEBIAN names none and none has been made before. Making one takes root and a minute, so
 * it is scripts/test's work and not a test's.
 */
export async function debianArchive(): Promise<string | undefined> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(process.env['HOME'] ?? '/nonexistent', '.cache')
  for (const path of [process.env['TSPOD_TEST_DEBIAN'], join(cache, 'tspod-test', 'debian.tar')]) {
    if (
      path !== undefined &&
      (await access(path).then(
        () => true,
        () => false,
      ))
    )
      return path
  }
  return undefined
}

/** `sha256:…` of these bytes. */
export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** Where a layout keeps a blob. */
export function blobPath(folder: string, digest: string): string {
  return join(folder, 'blobs', digest.replace(':', '/'))
}

async function putManifest(
  folder: string,
  architecture: string,
  layers: readonly Descriptor[],
  diffIds: readonly Digest[],
  run: ImageRunConfig,
): Promise<Descriptor> {
  const config: ImageConfig = {
    created: '2024-01-01T00:00:00Z',
    architecture,
    os: 'linux',
    config: run,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: diffIds.map((_, number) => ({ created_by: `test layer ${String(number)}` })),
  }
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: await putJson(folder, config, mediaTypes.ociConfig),
    layers,
  }
  return putJson(folder, manifest, mediaTypes.ociManifest)
}

function indexOf(manifests: readonly Descriptor[]): ImageIndex {
  return { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }
}

/** Writes a JSON blob and describes it. */
export async function putJson(folder: string, value: unknown, mediaType: string): Promise<Descriptor> {
  return putBlob(folder, Buffer.from(JSON.stringify(value)), mediaType)
}

/** Writes a blob and describes it. */
export async function putBlob(folder: string, content: Buffer, mediaType: string): Promise<Descriptor> {
  const digest = digestOf(content)
  const path = blobPath(folder, digest)
  const temporary = `${path}.${String(process.pid)}`
  await writeFile(temporary, content)
  await rename(temporary, path).finally(() => rm(temporary, { force: true }))
  return { mediaType, digest, size: content.length }
}
