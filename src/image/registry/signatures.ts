import { TspodError } from '../../base/errors.js'
import { digestAlgorithm, digestHex, digestOf } from '../../base/digest.js'
import { mediaTypes, type Descriptor, type Digest, type ImageManifest } from '../../oci/image-spec.js'
import { maximumConfigSize } from '../config.js'
import { parseManifest, parseObject, requireObject } from '../manifest.js'
import { maximumSignatureSize, mostSignatures, type Signature, type SigstoreSignature } from '../trust/signature.js'
import { requireModest } from '../trust/signature-set.js'
import { readVerified } from '../verify.js'
import { responseError, type Repository } from './repository.js'
import { uploadBlob } from './upload.js'

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
  requireModest(
    manifest.layers.reduce((sum, { size }) => sum + size, 0),
    digest,
  )
  const found: Signature[] = []
  for (const layer of manifest.layers) {
    const payload = await readVerified(repository.blob(layer, signal), layer, maximumSignatureSize)
    found.push({ kind: 'sigstore', mediaType: layer.mediaType, payload, annotations: layer.annotations ?? {} })
  }
  return found
}

/** Attaches signatures beside those that are there. One that is there already is not attached again. */
export async function writeAttachments(
  repository: Repository,
  digest: Digest,
  signatures: readonly SigstoreSignature[],
  signal?: AbortSignal,
): Promise<void> {
  const before = await attachmentManifest(repository, digest, signal)
  const layers = [...(before?.layers ?? [])]
  const added: { readonly layer: Descriptor; readonly payload: Buffer }[] = []
  for (const { mediaType, payload, annotations } of signatures) {
    const layer = { mediaType, digest: await digestOf(payload), size: payload.length, annotations }
    if (layers.some((one) => isSame(one, layer))) continue
    layers.push(layer)
    added.push({ layer, payload })
  }
  if (added.length === 0) return
  const config = await configWith(
    repository,
    before,
    added.map(({ layer }) => layer),
    signal,
  )
  const configDescriptor = { mediaType: mediaTypes.ociConfig, digest: await digestOf(config), size: config.length }
  for (const { layer, payload } of added) await upload(repository, layer, payload, signal)
  await upload(repository, configDescriptor, config, signal)
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: configDescriptor,
    layers,
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

function isSame(one: Descriptor, other: Descriptor): boolean {
  const [have, want] = [one, other].map(({ annotations = {} }) => Object.entries(annotations).sort())
  return (
    one.mediaType === other.mediaType && one.digest === other.digest && JSON.stringify(have) === JSON.stringify(want)
  )
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
  layers: readonly Descriptor[],
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
      rootfs: { type: 'layers', diff_ids: [...diffIds, ...layers.map(({ digest }) => digest)] },
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
