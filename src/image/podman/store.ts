import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { isDigest } from '../../base/digest.js'
import type { Digest } from '../../oci/image-spec.js'

/**
 * The store of Podman, Buildah and skopeo (containers/storage), read only. Its documents are replaced by renames, so they
 * are read without its locks; what they say is believed as far as digests bear it out.
 */
export interface PodmanStore {
  readonly graphroot: string
  readonly driver: string
  readonly images: readonly PodmanImage[]
  readonly layers: ReadonlyMap<string, PodmanLayer>
}

export interface PodmanImage {
  readonly id: string
  /** Whole, with tags or digests. */
  readonly names: readonly string[]
  /** The topmost one. */
  readonly layer: string | undefined
}

export interface PodmanLayer {
  readonly id: string
  readonly parent: string | undefined
  readonly diffId: Digest | undefined
  /** Of the archive, uncompressed; undefined where it is not known. */
  readonly size: number | undefined
}

type Table = Readonly<Record<string, unknown>>

const maximumSize = 64 * 1024 * 1024
const maximumDocument = 8 * 1024 * 1024
const drivers = ['overlay', 'vfs', 'btrfs', 'zfs'] as const

/** Opens the store below a folder. */
export function openPodmanStore(graphroot: string, driver: string | undefined): PodmanStore {
  const found = [driver, ...drivers].find((one) => one !== undefined && existsSync(join(graphroot, `${one}-images`)))
  if (found === undefined) throw new TspodError('no-such-image', `there is no store of Podman's in ${graphroot}`)
  const images = readList(join(graphroot, `${found}-images`, 'images.json')).map(imageOf)
  const layers = ['layers.json', 'volatile-layers.json'].flatMap((name) =>
    readList(join(graphroot, `${found}-layers`, name)).map(layerOf),
  )
  return { graphroot, driver: found, images, layers: new Map(layers.map((layer) => [layer.id, layer])) }
}

/** An image's document: `manifest`, or its configuration by its digest. */
export function readImageDocument({ graphroot, driver }: PodmanStore, image: PodmanImage, key: string): Buffer {
  const path = join(graphroot, `${driver}-images`, image.id, fileName(key))
  try {
    if (statSync(path).size > maximumDocument) throw new TspodError('limit-exceeded', `${path} is too large`)
    return readFileSync(path)
  } catch (error) {
    if (error instanceof TspodError) throw error
    throw new TspodError('image-invalid', `Podman's store has no ${key} of image ${image.id}`, { cause: error })
  }
}

/** The layers of an image, the lowest first. */
export function layersOfImage(store: PodmanStore, image: PodmanImage): readonly PodmanLayer[] {
  const found: PodmanLayer[] = []
  for (let id = image.layer; id !== undefined;) {
    const layer = store.layers.get(id)
    if (layer === undefined || found.length > store.layers.size)
      throw new TspodError('image-invalid', `Podman's store has no layer ${id} of image ${image.id}`)
    found.unshift(layer)
    id = layer.parent
  }
  return found
}

/** Where the driver has a layer's files. */
export function layerFolder({ graphroot, driver }: PodmanStore, layer: PodmanLayer): string {
  if (driver === 'overlay') return join(graphroot, 'overlay', layer.id, 'diff')
  if (driver === 'vfs') return join(graphroot, 'vfs', 'dir', layer.id)
  throw new TspodError('not-supported', `layers of Podman's storage driver ${driver} cannot be read`)
}

/** What the archive had besides the files' content. */
export function tarSplitPath({ graphroot, driver }: PodmanStore, layer: PodmanLayer): string {
  return join(graphroot, `${driver}-layers`, `${layer.id}.tar-split.gz`)
}

/** containers/storage: keys that would be no plain names are written in base64. */
function fileName(key: string): string {
  return /^[0-9a-z.-]+$/.test(key) && !key.startsWith('.') ? key : `=${Buffer.from(key).toString('base64')}`
}

function imageOf(table: Table): PodmanImage {
  const { id, names, layer } = table
  return {
    id: requireId(id),
    names: textsOf(names),
    layer: layer === undefined || layer === '' ? undefined : requireId(layer),
  }
}

function layerOf(table: Table): PodmanLayer {
  const { id, parent, 'diff-digest': diffId, 'diff-size': size } = table
  return {
    id: requireId(id),
    parent: parent === undefined || parent === '' ? undefined : requireId(parent),
    diffId: isDigest(diffId) ? diffId : undefined,
    size: typeof size === 'number' && Number.isSafeInteger(size) && size > 0 ? size : undefined,
  }
}

/** An ID becomes part of a path. */
function requireId(value: unknown): string {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return value
  throw new TspodError(
    'image-invalid',
    `Podman's store has an ID that is none: ${JSON.stringify(String(value).slice(0, 80))}`,
  )
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
}

function readList(path: string): readonly Table[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return []
  if (stat.size > maximumSize) throw new TspodError('limit-exceeded', `${path} is too large`)
  let value: unknown
  try {
    value = stat.size === 0 ? [] : JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new TspodError('image-invalid', `${path} is not valid JSON, or not readable`, { cause: error })
  }
  if (!Array.isArray(value)) throw new TspodError('image-invalid', `${path} has no list`)
  return value.filter((one): one is Table => typeof one === 'object' && one !== null)
}
