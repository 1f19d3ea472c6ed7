import { join } from 'node:path'
import { hostMapping } from '../../../rootless/ladder.js'
import { digestOf } from '../../base/digest.js'
import { TspodError } from '../../base/errors.js'
import type { CompleteSpec } from '../../container/complete-spec.js'
import type { ContainerRecord } from '../../container/record.js'
import { loadImage, rawManifest } from '../../image/copy.js'
import type { ImageSource } from '../../image/image.js'
import { completePlatform } from '../../image/platform.js'
import {
  mediaTypes,
  type Descriptor,
  type Digest,
  type ImageConfig,
  type ImageHistory,
  type ImageManifest,
  type ImageRunConfig,
} from '../../oci/image-spec.js'
import { ImageStore } from '../../storage/images.js'
import { packLayer, type Packed } from '../../storage/pack.js'
import { tarRoot } from '../../storage/root-archive.js'
import type { Context } from '../context.js'
import { emitContainerEvent } from '../events/write.js'
import { applyChanges } from '../images/changes.js'
import { withLease } from '../images/collect.js'
import { layerStore } from '../images/layers.js'
import { localName } from '../images/local-name.js'
import { findImage } from '../images/lookup.js'
import { bareId, recordOfEntry, type ImageRecord } from '../images/record.js'
import { nameImage } from '../images/store-image.js'
import { withCopies } from './changes.js'
import { takeEarlyPack } from './early-pack.js'
import { stubArguments } from './mount-stubs.js'
import { observe } from './observe.js'
import { copiedRoot, layerFolders } from './rootfs.js'
import { withContainerRoot } from './root-source.js'
import { containerPaths, findContainer } from './store.js'

export interface CommitOptions {
  readonly reference?: string
  readonly author?: string
  readonly message?: string
  /** Containerfile instructions: `CMD=…`, `ENV A=b`. */
  readonly changes?: readonly string[]
  /** All of the image in one layer. */
  readonly squash?: boolean
  readonly format?: 'oci' | 'docker'
  /** The container's volumes are the image's, too. */
  readonly includeVolumes?: boolean
  /** Its processes stand still meanwhile. */
  readonly pause?: boolean
}

/** What an image is put together from. */
interface Base {
  readonly layers: readonly Descriptor[]
  readonly diffIds: readonly Digest[]
  readonly history: readonly ImageHistory[]
}

/** Makes an image of a container: the layers of its own image, and one of what the container has changed. Answers its ID. */
export async function commitContainer(
  context: Context,
  nameOrId: string,
  options: CommitOptions = {},
): Promise<string> {
  const record = findContainer(context, nameOrId)
  const asItIs = options.squash !== true && options.pause !== true
  await using early = await takeEarlyPack(context, asItIs ? record.id : '')
  const names = options.reference === undefined || options.reference === '' ? [] : [localName(options.reference)]
  const image = await imageOf(context, record)
  const run = applyChanges(runConfig(record.spec, image, options), options.changes ?? [])
  const store = new ImageStore(context.paths)
  const id = await withLease(context, async () => {
    const base = options.squash === true ? emptyBase : (image ?? emptyBase)
    const draft = early?.draft ?? (await store.draft())
    const make = (): Promise<Packed> =>
      layerStore(context).makeLayer((unpackTo) =>
        pack(context, record, { output: draft.path, unpackTo }, options.squash === true),
      )
    try {
      const packed = await (early?.finish() ?? whilePaused(context, record, options.pause === true, make))
      store.adopt(draft, packed.digest)
      const config = configOf(context, record, base, packed, run, options)
      return await keep(context, store, await sourceOf(base, packed, config, options), names)
    } catch (error) {
      draft.release({ unlink: true })
      throw error
    } finally {
      draft.release()
    }
  })
  emitContainerEvent(context, record, 'commit')
  return id
}

async function whilePaused<T>(
  context: Context,
  { id }: ContainerRecord,
  pause: boolean,
  work: () => Promise<T>,
): Promise<T> {
  if (!pause || observe(context, id).status !== 'running') return work()
  const { pauseContainer, unpauseContainer } = await import('./pause.js')
  await pauseContainer(context, id)
  try {
    return await work()
  } finally {
    await unpauseContainer(context, id)
  }
}

const emptyBase: Base = { layers: [], diffIds: [], history: [] }

/** The image that a container was made of: its layers are described there. Undefined for a rootfs. */
async function imageOf(context: Context, { spec, name }: ContainerRecord): Promise<ImageRecord | undefined> {
  if (spec.rootfs) return undefined
  const store = new ImageStore(context.paths)
  const found = await findImage(context, store.entries(), spec.image.id)
  if (found === undefined) {
    throw new TspodError('no-such-image', `the image ${spec.image.name} of container ${name} was removed`)
  }
  return recordOfEntry(context, store, found.entry)
}

/** One layer's archive, and its files. Not compressed: it is read here first, and only a registry wants it small. */
async function pack(
  context: Context,
  record: ContainerRecord,
  to: { readonly output: string; readonly unpackTo: string },
  whole: boolean,
): Promise<Packed> {
  const { spec, storageDriver, id } = record
  const { plan } = await hostMapping()
  const how = { ...to, plan, stubs: stubArguments() }
  if (whole || spec.rootfs) {
    return withContainerRoot(context, record, { mounts: false }, (open) =>
      tarRoot(open.root, { ...how, oneFileSystem: true }),
    )
  }
  if (storageDriver !== 'copy') return packLayer(join(containerPaths(context.paths, id).folder, 'upper'), how)
  const root = await copiedRoot(context, record)
  return withCopies(context, layerFolders(context, spec.image.layers), (base) => packLayer(root, { ...how, base }))
}

/** What a container of the new image starts with: as this one was started. */
function runConfig(spec: CompleteSpec, image: ImageRecord | undefined, options: CommitOptions): ImageRunConfig {
  const own = new Set(['container'])
  const volumes = options.includeVolumes === true ? spec.mounts.filter((mount) => mount.type === 'volume') : []
  const ports = spec.expose.flatMap(({ port, range, protocol }) =>
    Array.from({ length: range }, (_, index) => [`${String(port + index)}/${protocol}`, {}] as const),
  )
  const published = spec.publish.map(
    ({ containerPort, protocol }) => [`${String(containerPort)}/${protocol}`, {}] as const,
  )
  const exposed = { ...image?.config.ExposedPorts, ...Object.fromEntries([...ports, ...published]) }
  const allVolumes = { ...image?.config.Volumes, ...Object.fromEntries(volumes.map(({ target }) => [target, {}])) }
  return {
    ...image?.config,
    Env: spec.env.filter((text) => !own.has(text.split('=', 1)[0] ?? '')),
    ...(spec.command.length === 0 ? { Cmd: null } : { Cmd: spec.command }),
    ...(spec.entrypoint.length === 0 ? { Entrypoint: null } : { Entrypoint: spec.entrypoint }),
    WorkingDir: spec.workdir,
    ...(spec.user === '' ? {} : { User: spec.user }),
    ...(Object.keys(spec.labels).length === 0 ? {} : { Labels: spec.labels }),
    ...(Object.keys(exposed).length === 0 ? {} : { ExposedPorts: exposed }),
    ...(Object.keys(allVolumes).length === 0 ? {} : { Volumes: allVolumes }),
  }
}

function configOf(
  context: Context,
  { spec }: ContainerRecord,
  base: Base,
  packed: Packed,
  config: ImageRunConfig,
  options: CommitOptions,
): ImageConfig {
  const created = context.clock().toISOString()
  const entry: ImageHistory = {
    created,
    created_by: [...spec.entrypoint, ...spec.command].join(' '),
    ...(options.author === undefined ? {} : { author: options.author }),
    ...(options.message === undefined ? {} : { comment: options.message }),
  }
  return {
    created,
    ...(options.author === undefined ? {} : { author: options.author }),
    ...completePlatform(spec.image.architecture === '' ? {} : { architecture: spec.image.architecture }),
    config: withoutNulls(config),
    rootfs: { type: 'layers', diff_ids: [...base.diffIds, packed.diffId] },
    history: [...base.history, entry],
  }
}

function withoutNulls(config: ImageRunConfig): ImageRunConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null))
}

async function sourceOf(
  base: Base,
  packed: Packed,
  config: ImageConfig,
  { format = 'oci' }: CommitOptions,
): Promise<ImageSource> {
  const docker = format === 'docker'
  const bytes = Buffer.from(JSON.stringify(config))
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: docker ? mediaTypes.dockerManifest : mediaTypes.ociManifest,
    config: {
      mediaType: docker ? mediaTypes.dockerConfig : mediaTypes.ociConfig,
      digest: await digestOf(bytes),
      size: bytes.length,
    },
    layers: [
      ...base.layers.map((layer) => ({ ...layer, mediaType: layerType(layer.mediaType, docker) })),
      {
        mediaType: docker ? mediaTypes.dockerLayer : mediaTypes.ociLayer,
        digest: packed.digest,
        size: packed.size,
      },
    ],
  }
  const raw = await rawManifest(Buffer.from(JSON.stringify(manifest)), manifest.mediaType ?? mediaTypes.ociManifest)
  return {
    description: 'the committed container',
    manifest: () => Promise.resolve(raw),
    async *blob() {
      yield await Promise.resolve(bytes)
    },
    close: () => Promise.resolve(),
  }
}

/** The same bytes under the name that the other form has for them. */
function layerType(type: string, docker: boolean): string {
  const gzip = /[.+]gzip$/.test(type)
  const zstd = /[.+]zstd$/.test(type)
  if (!docker) return gzip ? mediaTypes.ociLayerGzip : zstd ? mediaTypes.ociLayerZstd : mediaTypes.ociLayer
  if (zstd) throw new TspodError('not-supported', "Docker's manifests have no zstd layers: commit with --format oci")
  return gzip ? mediaTypes.dockerLayerGzip : mediaTypes.dockerLayer
}

async function keep(
  context: Context,
  store: ImageStore,
  source: ImageSource,
  names: readonly string[],
): Promise<string> {
  const image = await loadImage(source, completePlatform())
  await store.putBytes(image.id, image.configBytes)
  await store.putBytes(image.raw.digest, image.raw.bytes)
  await nameImage(context, store, image, names)
  return bareId(image.id)
}
