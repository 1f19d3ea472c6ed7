import { TspodError } from '../../base/errors.js'
import { digestAlgorithm, digestHex, digestOf } from '../../base/digest.js'
import { mediaTypes, type Descriptor, type Digest, type ImageManifest } from '../../oci/image-spec.js'
import { maximumConfigSize } from '../config.js'
import { parseManifest, parseObject, requireObject } from '../manifest.js'
import { maximumSignatureSize, mostSignatures, type Signature } from '../trust/signature.js'
import { readVerified } from '../verify.js'
import { header, readBody } from './http.js'
import { responseError, type Repository } from './repository.js'
import { uploadBlob } from './upload.js'

const maximumListSize = 4 * 1024 * 1024

/** Signatures that cosign attached to a manifest: an image of its own under the tag `sha256-HEX.sig`. */
export async function readAttachments(
  repository: Repository,
  digest: Digest,
  signal?: AbortSignal,
): Promise<readonly Signature[]> {
  const manifest = await attachmentManifest(repository, digest, signal)
  if (manifest === undefined) return []
  if (manifest.layers.length > mostSignatures)
    throw new TspodError('limit-exceeded', `${digest} has more than ${String(mostSignatures)} signatures`)
  const found: Signature[] = []
  for (const layer of manifest.layers) {
    const payload = await readVerified(repository.blob(layer, signal), layer, maximumSignatureSize)
    found.push({ kind: 'sigstore', mediaType: layer.mediaType, payload, annotations: layer.annotations ?? {} })
  }
  return found
}

/** Attaches one more signature beside those that are there. */
export async function writeAttachment(
  repository: Repository,
  digest: Digest,
  signature: Extract<Signature, { kind: 'sigstore' }>,
  signal?: AbortSignal,
): Promise<void> {
  const before = await attachmentManifest(repository, digest, signal)
  const { mediaType, payload, annotations } = signature
  const layer = { mediaType, digest: await digestOf(payload), size: payload.length, annotations }
  const config = await configWith(repository, before, layer, signal)
  const configDescriptor = { mediaType: mediaTypes.ociConfig, digest: await digestOf(config), size: config.length }
  await upload(repository, layer, payload, signal)
  await upload(repository, configDescriptor, config, signal)
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: configDescriptor,
    layers: [...(before?.layers ?? []), layer],
    ...(before?.annotations === undefined ? {} : { annotations: before.annotations }),
  }
  const name = attachmentTag(digest)
  const response = await repository.send({
    method: 'PUT',
    path: `manifests/${name}`,
    headers: { 'content-type': mediaTypes.ociManifest },
    body: Buffer.from(JSON.stringify(manifest)),
    signal,
  })
  if (response.status !== 201 && response.status !== 200)
    throw await responseError(response, `writing the signature ${name} to ${repository.name}`)
  response.discard()
}

/** Signatures that a registry keeps itself (OpenShift's extension of the API); undefined if it does not. */
export async function readExtension(
  repository: Repository,
  digest: Digest,
  signal?: AbortSignal,
): Promise<readonly Signature[] | undefined> {
  const ping = await repository.send({ method: 'GET', path: '/v2/', signal })
  ping.discard()
  if (header(ping, 'x-registry-supports-signatures') !== '1') return undefined
  const response = await repository.send({
    method: 'GET',
    path: `/extensions/v2/${repository.path}/signatures/${digest}`,
    signal,
  })
  if (response.status !== 200)
    throw await responseError(response, `reading the signatures of ${digest} in ${repository.name}`)
  const document = parseObject(await readBody(response, maximumListSize, 'a list of signatures'), 'list of signatures')
  const list = document['signatures'] ?? []
  if (!Array.isArray(list)) throw new TspodError('registry-error', `${repository.name} has no valid list of signatures`)
  return list.slice(0, mostSignatures).flatMap((one: unknown): Signature[] => {
    const { schemaVersion, type, content } = requireObject(one, 'a signature')
    if (schemaVersion !== 2 || type !== 'atomic' || typeof content !== 'string') return []
    return [{ kind: 'simple', bytes: Buffer.from(content, 'base64') }]
  })
}

/** cosign's “tag-based discovery”. */
function attachmentTag(digest: Digest): string {
  return `${digestAlgorithm(digest)}-${digestHex(digest)}.sig`
}

async function attachmentManifest(
  repository: Repository,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<ImageManifest | undefined> {
  const tag = attachmentTag(digest)
  if (!(await hasManifest(repository, tag, signal))) return undefined
  const raw = await repository.manifest(tag, signal)
  const parsed = parseManifest(raw.bytes, raw.mediaType)
  if (parsed.kind === 'image') return parsed.image
  throw new TspodError('image-invalid', `${repository.name}:${tag} is an index, not a signature`)
}

async function hasManifest(repository: Repository, tag: string, signal: AbortSignal | undefined): Promise<boolean> {
  const headers = { accept: mediaTypes.ociManifest }
  const response = await repository.send({ method: 'HEAD', path: `manifests/${tag}`, headers, signal })
  response.discard()
  return response.status !== 404
}

/** The configuration of a signature's image names its layers, and says nothing else. */
async function configWith(
  repository: Repository,
  before: ImageManifest | undefined,
  layer: Descriptor,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const config =
    before === undefined
      ? {}
      : parseObject(
          await readVerified(repository.blob(before.config, signal), before.config, maximumConfigSize),
          'configuration of the signatures',
        )
  const rootfs = config['rootfs'] === undefined ? {} : requireObject(config['rootfs'], 'its rootfs')
  const diffIds = Array.isArray(rootfs['diff_ids']) ? (rootfs['diff_ids'] as unknown[]) : []
  return Buffer.from(
    JSON.stringify({
      architecture: '',
      os: '',
      config: {},
      ...config,
      rootfs: { type: 'layers', diff_ids: [...diffIds, layer.digest] },
    }),
  )
}

async function upload(
  repository: Repository,
  descriptor: Descriptor,
  bytes: Buffer,
  signal: AbortSignal | undefined,
): Promise<void> {
  async function* once(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(bytes)
  }
  await uploadBlob(repository, descriptor, once, { signal })
}
