import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { digestOf } from '../../base/digest.js'
import { mediaTypes, type Descriptor, type Digest, type ImageManifest } from '../../oci/image-spec.js'
import type { ImageStore } from '../../storage/images.js'
import { verified } from '../../image/verify.js'
import type { Context } from '../context.js'
import { mediaTypeOf } from './media-type.js'
import { artifactName, artifactStore, findArtifact, nameArtifact, withArtifactLease } from './store.js'
import type { ArtifactAddOptions } from './types.js'

export const titleKey = 'org.opencontainers.image.title'
/** image-spec, “Guidance for an Empty Descriptor”. */
const emptyConfig = Buffer.from('{}')
/** image-spec wants a type where the configuration is the empty one. */
const unknownType = 'application/vnd.unknown.artifact.v1'
const mediaTypePattern = /^[A-Za-z0-9][\w!#$&^.+-]{0,126}\/[A-Za-z0-9][\w!#$&^.+-]{0,126}$/

/** Makes an artifact of files, or adds files to one; answers its digest. */
export async function addArtifact(
  context: Context,
  name: string,
  files: readonly string[],
  options: ArtifactAddOptions = {},
): Promise<Digest> {
  requireSane(options)
  const whole = artifactName(name)
  const store = artifactStore(context)
  return withArtifactLease(store, async () => {
    const before = manifestToExtend(store, whole, options)
    const layers: Descriptor[] = [...before.layers]
    for (const file of files) {
      const layer = await addFile(store, file, options)
      if (layers.some(({ annotations }) => annotations?.[titleKey] === layer.annotations?.[titleKey]))
        throw new TspodError('name-in-use', `${basename(file)}: file already exists in artifact`)
      layers.push(layer)
    }
    await put(store, emptyConfig)
    const bytes = Buffer.from(JSON.stringify({ ...before, layers }))
    const digest = await put(store, bytes)
    await nameArtifact(store, whole, digest, bytes.length)
    return digest
  })
}

function requireSane({ append, replace, type, fileType, annotations = [] }: ArtifactAddOptions): void {
  if (append === true && type !== undefined)
    throw new TspodError('usage', 'append option is not compatible with type option')
  if (append === true && replace === true)
    throw new TspodError('usage', 'append option is not compatible with replace option')
  for (const one of [type, fileType])
    if (one !== undefined && !mediaTypePattern.test(one))
      throw new TspodError('invalid-argument', `${JSON.stringify(one)} is no media type, such as application/x-thing`)
  if (titleKey in annotationsOf(annotations))
    throw new TspodError('invalid-argument', `cannot override filename with ${titleKey} annotation`)
}

function manifestToExtend(store: ImageStore, name: string, options: ArtifactAddOptions): ImageManifest {
  if (options.append === true) {
    /* As it is written: what others put there stays. */
    const { entry } = findArtifact(store, name)
    return JSON.parse(store.readBlob(entry.manifest).toString('utf8')) as ImageManifest
  }
  if (options.replace !== true && store.entries().some((entry) => entry.name === name))
    throw new TspodError('name-in-use', `${name}: artifact already exists: use --replace or --append`)
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType: options.type ?? unknownType,
    config: {
      mediaType: mediaTypes.empty,
      digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
      size: emptyConfig.length,
      data: emptyConfig.toString('base64'),
    },
    layers: [],
  }
}

/** The file is read twice: a blob's name is known before the store takes it. If it changes meanwhile, nothing is kept. */
async function addFile(store: ImageStore, path: string, options: ArtifactAddOptions): Promise<Descriptor> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new TspodError(
      'io',
      `open ${path}: ${cause.code === 'ENOENT' ? 'no such file or directory' : cause.message}`,
      { cause },
    )
  })
  if (!found.isFile()) throw new TspodError('io', `${path} is no regular file`)
  const { createHash } = await import('node:crypto')
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of bytesOf(path)) {
    hash.update(chunk)
    size += chunk.length
  }
  const digest: Digest = `sha256:${hash.digest('hex')}`
  await store.putBlob({ digest, size }, () => verified(bytesOf(path), { digest, size }))
  return {
    mediaType: options.fileType ?? (await mediaTypeOfFile(path)),
    digest,
    size,
    annotations: { ...annotationsOf(options.annotations ?? []), [titleKey]: basename(path) },
  }
}

async function mediaTypeOfFile(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const start = Buffer.alloc(512)
    const { bytesRead } = await file.read(start, 0, start.length, 0)
    return mediaTypeOf(start.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}

function bytesOf(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Uint8Array>
}

async function put(store: ImageStore, bytes: Buffer): Promise<Digest> {
  const digest = await digestOf(bytes)
  async function* once(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(bytes)
  }
  await store.putBlob({ digest, size: bytes.length }, once)
  return digest
}

function annotationsOf(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.map((one) => {
      const equals = one.indexOf('=')
      if (equals < 1) throw new TspodError('usage', `annotation ${JSON.stringify(one)} is not KEY=VALUE`)
      return [one.slice(0, equals), one.slice(equals + 1)]
    }),
  )
}
