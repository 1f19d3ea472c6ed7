import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { mediaTypes, type Descriptor } from '../../src/oci/image-spec.js'
import { hostArchitecture } from './images.js'
import { digestOf } from './registry.js'
import { tarArchive, tarEntry, type TarEntry } from './tar.js'

export interface PodmanTestImage {
  readonly id: string
  /** Of each layer, the lowest first: where its files are. */
  readonly folders: readonly string[]
  readonly tarSplits: readonly string[]
}

/**
 * Writes a store as Podman's driver overlay has it (containers/storage): one image under `name`, its layers unpacked, with
 * what tar-split keeps of their archives. Only files and folders are unpacked.
 */
export async function makePodmanStore(
  graphroot: string,
  name: string,
  layers: readonly (readonly TarEntry[])[],
): Promise<PodmanTestImage> {
  const folder = (...parts: string[]): string => join(graphroot, ...parts)
  await mkdir(folder('overlay-images'), { recursive: true })
  await mkdir(folder('overlay-layers'), { recursive: true })
  const records: object[] = []
  const archives = layers.map((entries) => tarArchive(entries))
  let parent: string | undefined
  for (const [number, entries] of layers.entries()) {
    const archive = archives[number] ?? Buffer.alloc(0)
    const id = createHash('sha256')
      .update(`${parent ?? ''} ${digestOf(archive)}`)
      .digest('hex')
    await unpack(folder('overlay', id, 'diff'), entries)
    await writeFile(folder('overlay-layers', `${id}.tar-split.gz`), gzipSync(tarSplit(entries)))
    records.push({
      id,
      ...(parent === undefined ? {} : { parent }),
      'diff-digest': digestOf(archive),
      'diff-size': archive.length,
      'compressed-diff-digest': `sha256:${'0'.repeat(64)}`,
    })
    parent = id
  }
  await writeFile(folder('overlay-layers', 'layers.json'), JSON.stringify(records))
  const id = await writeImage(graphroot, archives)
  const image = { id, names: [name], layer: parent, 'big-data-names': ['manifest'] }
  await writeFile(folder('overlay-images', 'images.json'), JSON.stringify([image]))
  const ids = records.map((record) => (record as { id: string }).id)
  return {
    id,
    folders: ids.map((one) => folder('overlay', one, 'diff')),
    tarSplits: ids.map((one) => folder('overlay-layers', `${one}.tar-split.gz`)),
  }
}

/** The manifest that it was pulled with, which names compressed layers that are nowhere. */
async function writeImage(graphroot: string, archives: readonly Buffer[]): Promise<string> {
  const config = Buffer.from(
    JSON.stringify({
      architecture: hostArchitecture,
      os: 'linux',
      config: { Cmd: ['/bin/true'] },
      rootfs: { type: 'layers', diff_ids: archives.map(digestOf) },
    }),
  )
  const layers = archives.map((archive): Descriptor => {
    const bytes = gzipSync(archive)
    return { mediaType: mediaTypes.ociLayerGzip, digest: digestOf(bytes), size: bytes.length }
  })
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length },
    layers,
  }
  const id = digestOf(config).slice('sha256:'.length)
  await mkdir(join(graphroot, 'overlay-images', id))
  const key = `=${Buffer.from(digestOf(config)).toString('base64')}`
  await writeFile(join(graphroot, 'overlay-images', id, key), config)
  await writeFile(join(graphroot, 'overlay-images', id, 'manifest'), JSON.stringify(manifest))
  return id
}

async function unpack(folder: string, entries: readonly TarEntry[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const entry of entries) {
    const path = join(folder, entry.path)
    if (entry.type === 'directory') await mkdir(path, { recursive: true })
    else if (entry.type === undefined || entry.type === 'file') await writeFile(path, entry.content ?? '')
  }
}

/** vbatts/tar-split, version 1: an object a line, segments (2) and files (1). */
function tarSplit(entries: readonly TarEntry[]): string {
  const lines: object[] = []
  let segment: Buffer = Buffer.alloc(0)
  for (const entry of entries) {
    const whole = tarEntry(entry)
    const content = Buffer.from(entry.content ?? '')
    const headers = whole.length - Math.ceil(content.length / 512) * 512
    lines.push({
      type: 2,
      payload: Buffer.concat([segment, whole.subarray(0, headers)]).toString('base64'),
      position: lines.length,
    })
    const size = content.length === 0 ? {} : { size: content.length }
    const isText = Buffer.from(entry.path).toString('utf8') === entry.path
    const name = isText ? { name: entry.path } : { name_raw: Buffer.from(entry.path, 'latin1').toString('base64') }
    lines.push({
      type: 1,
      ...name,
      ...size,
      payload: size.size === undefined ? null : 'AAAAAAAAAAA=',
      position: lines.length,
    })
    segment = whole.subarray(headers + content.length)
  }
  lines.push({
    type: 2,
    payload: Buffer.concat([segment, Buffer.alloc(1024)]).toString('base64'),
    position: lines.length,
  })
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}
