import { resolve } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { loadFrom } from '../../image/copy.js'
import { directorySource } from '../../image/archive/directory.js'
import { dockerArchiveImages, dockerArchiveSource } from '../../image/archive/docker-archive.js'
import { layoutImages, layoutSource, type LayoutImage } from '../../image/archive/oci-layout.js'
import { openArchive } from '../../image/archive/open.js'
import type { FileReader } from '../../image/archive/reader.js'
import type { ImageCheck, ImageSource } from '../../image/image.js'
import { completePlatform } from '../../image/platform.js'
import { formatReference, parseReference, withDefaultTag } from '../../image/reference.js'
import type { Platform } from '../../oci/image-spec.js'
import type { Context } from '../context.js'
import { emitImageEvent } from '../events/write.js'
import { withLease } from './collect.js'
import { layoutName } from './local-name.js'
import { bareId } from './record.js'
import { storeImage } from './store-image.js'
import type { Transport } from './transports.js'
import { requireTrusted } from './trust.js'
import type { LoadOptions, PulledImage, PullOptions } from './types.js'

interface LoadTask {
  readonly source: () => ImageSource | Promise<ImageSource>
  readonly names: readonly string[]
}

interface StoreTaskOptions {
  readonly platform?: Partial<Platform> | undefined
  readonly signal?: AbortSignal | undefined
  readonly check: ImageCheck | undefined
}

/** Brings the images of an archive or a folder into the store. Answers a name, or `sha256:ID`, for each that it got. */
export async function loadImages(context: Context, options: LoadOptions): Promise<string[]> {
  const reader = await openArchive(options.input, context.paths.tmp)
  try {
    const loaded: string[] = []
    const { tasks, check } = await tasksOf(context, reader, options.signaturePolicy)
    for (const task of tasks) {
      const image = await storeTask(context, task, { ...options, check })
      emitImageEvent(context, 'loadfromarchive', {
        ID: image.id,
        Name: typeof options.input === 'string' ? options.input : '',
      })
      loaded.push(...(task.names.length === 0 ? [`sha256:${image.id}`] : task.names))
    }
    return loaded
  } finally {
    await reader.close()
  }
}

/** `pull docker-archive:PATH[:REFERENCE]` and its like. */
export async function pullArchive(
  context: Context,
  transport: Transport,
  options: PullOptions,
): Promise<PulledImage[]> {
  if (transport.name === 'containers-storage') return pullFromPodman(context, transport.path, options)
  const check = requireTrusted(context, transport.name, scopeOf(transport), {
    signaturePolicy: options.signaturePolicy,
  })
  const reader = await openArchive(transport.path, context.paths.tmp)
  try {
    const chosen = chooseTasks(await tasksOfTransport(reader, transport), transport)
    const pulled: PulledImage[] = []
    for (const task of chosen) pulled.push(await storeTask(context, task, { ...options, check }))
    return pulled
  } finally {
    await reader.close()
  }
}

async function pullFromPodman(context: Context, text: string, options: PullOptions): Promise<PulledImage[]> {
  const { choosePodmanImage } = await import('./podman-store.js')
  const { scope, names, open } = choosePodmanImage(context, text)
  const check = requireTrusted(context, 'containers-storage', scope, { signaturePolicy: options.signaturePolicy })
  return [await storeTask(context, { source: open, names }, { ...options, check })]
}

async function storeTask(
  context: Context,
  task: LoadTask,
  { platform, signal, check }: StoreTaskOptions,
): Promise<PulledImage> {
  const source = await task.source()
  return withLease(context, async () => {
    const top = await source.manifest(undefined, signal)
    const image = await loadFrom(source, top, completePlatform(platform), signal, check)
    await storeImage(context, source, image, { names: task.names, signal })
    const [name] = task.names
    return { id: bareId(image.id), ...(name === undefined ? {} : { name }), digest: image.raw.digest }
  })
}

/** Which of the formats it is, by the files that are there. What has both is `docker save`'s of today: its names are in manifest.json. */
async function tasksOf(
  context: Context,
  reader: FileReader,
  signaturePolicy: string | undefined,
): Promise<{ readonly tasks: readonly LoadTask[]; readonly check: ImageCheck | undefined }> {
  const kind = await kindOf(reader)
  const check = requireTrusted(context, kind, resolve(reader.path), { signaturePolicy })
  if (kind === 'docker-archive') return { check, tasks: await dockerTasks(reader) }
  if (kind === 'oci-archive') return { check, tasks: await layoutTasks(reader) }
  return { check, tasks: [{ source: () => directorySource(reader), names: [] }] }
}

async function kindOf(reader: FileReader): Promise<'docker-archive' | 'oci-archive' | 'dir'> {
  const hasIndex = (await reader.size('index.json')) !== undefined
  const hasManifest = (await reader.size('manifest.json')) !== undefined
  if (hasManifest && (await reader.size('version')) === undefined) return 'docker-archive'
  if (hasIndex) return 'oci-archive'
  if (hasManifest) return 'dir'
  throw new TspodError(
    'archive-invalid',
    `payload does not match any of the supported image formats: ${reader.path} has neither manifest.json nor index.json`,
  )
}

function tasksOfTransport(
  reader: FileReader,
  transport: Transport,
): Promise<readonly LoadTask[]> | readonly LoadTask[] {
  if (transport.name === 'docker-archive') return dockerTasks(reader)
  if (transport.name === 'dir') return [{ source: () => directorySource(reader), names: [] }]
  return layoutTasks(reader)
}

async function dockerTasks(reader: FileReader): Promise<readonly LoadTask[]> {
  return (await dockerArchiveImages(reader)).map((image) => ({
    source: () => dockerArchiveSource(reader, image),
    names: image.repoTags.map(dockerName),
  }))
}

async function layoutTasks(reader: FileReader): Promise<readonly LoadTask[]> {
  const byDigest = new Map<string, { image: LayoutImage; names: string[] }>()
  for (const image of await layoutImages(reader)) {
    const known = byDigest.get(image.descriptor.digest) ?? { image, names: [] }
    if (image.name !== undefined) known.names.push(layoutName(image.name))
    byDigest.set(image.descriptor.digest, known)
  }
  return [...byDigest.values()].map(({ image, names }) => ({ source: () => layoutSource(reader, image), names }))
}

function chooseTasks(tasks: readonly LoadTask[], transport: Transport): readonly LoadTask[] {
  const { reference, path } = transport
  if (reference === undefined) return tasks
  if (/^@\d+$/.test(reference)) {
    const task = tasks[Number(reference.slice(1))]
    if (task !== undefined) return [task]
    throw new TspodError('no-such-image', `${path} has no image ${reference}, only ${String(tasks.length)}`)
  }
  for (const wanted of [layoutName(reference), dockerName(reference)]) {
    const task = tasks.find(({ names }) => names.includes(wanted))
    if (task !== undefined) return [{ ...task, names: [wanted] }]
  }
  throw new TspodError('no-such-image', `${path} has no image ${JSON.stringify(reference)}`)
}

/** What policy.json calls it (containers-policy.json(5), “Supported transports and their scopes”). */
function scopeOf({ name, path, reference }: Transport): string {
  return name === 'oci' && reference !== undefined ? `${path}:${reference}` : path
}

/** What a name in an archive of Docker's means: `busybox:1` is Docker Hub's. */
function dockerName(text: string): string {
  return formatReference(withDefaultTag(parseReference(text)))
}
