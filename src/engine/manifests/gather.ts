import { TspodError } from '../../base/errors.js'
import { copyLoaded, loadFrom } from '../../image/copy.js'
import type { RawManifest } from '../../image/image.js'
import { choosePlatform, parseManifest } from '../../image/manifest.js'
import { completePlatform } from '../../image/platform.js'
import { formatReference, parseReference, withDefaultTag } from '../../image/reference.js'
import { RegistrySource } from '../../image/registry/source.js'
import type { Signature } from '../../image/trust/signature.js'
import type { SignatureSet } from '../../image/trust/signature-set.js'
import type { Descriptor, Digest, ImageConfig, Platform } from '../../oci/image-spec.js'
import type { ImageStore } from '../../storage/images.js'
import type { Context } from '../context.js'
import { registryOptions } from '../images/access.js'
import { keptSignatures } from '../images/kept-signatures.js'
import { findImage } from '../images/lookup.js'
import { recordOf } from '../images/record.js'
import { storeDestination } from '../images/store-image.js'
import { parseTransport } from '../images/transports.js'
import { requireTrusted } from '../images/trust.js'
import type { ManifestAddOptions } from './types.js'

export interface Gathered {
  readonly descriptors: readonly Descriptor[]
  /** What signatures they came with. */
  readonly signatures: SignatureSet
}

/** The images that a name stands for, as a list names them: local ones, or else a registry's, whose blobs are fetched. The caller holds a lease. */
export async function gatherManifests(
  context: Context,
  store: ImageStore,
  name: string,
  options: Pick<ManifestAddOptions, 'all'> & Parameters<typeof registryOptions>[1],
): Promise<Gathered> {
  const transport = parseTransport(name)
  if (transport !== undefined && transport.name !== 'docker')
    throw new TspodError('not-supported', `${transport.name}: images of archives are loaded first, then added by name`)
  if (transport === undefined) {
    const found = await findImage(context, store.entries(), name)
    if (found !== undefined)
      return localManifests(context, store, found.entry.original ?? found.entry.manifest, options)
  }
  return remoteManifests(context, store, transport?.path ?? name, options)
}

async function localManifests(
  context: Context,
  store: ImageStore,
  digest: Digest,
  { all }: Pick<ManifestAddOptions, 'all'>,
): Promise<Gathered> {
  const bytes = store.readBlob(digest)
  const parsed = parseManifest(bytes)
  const descriptors =
    parsed.kind === 'index'
      ? all === true
        ? parsed.index.manifests
        : [choosePlatform(parsed.index, completePlatform())]
      : [descriptorOf({ bytes, digest, mediaType: parsed.mediaType }, await recordOf(context, store, digest))]
  const signatures = new Map<Digest, readonly Signature[]>()
  for (const member of descriptors) {
    const kept = await keptSignatures(store, member.digest)
    if (kept.length > 0) signatures.set(member.digest, kept)
  }
  return { descriptors, signatures }
}

async function remoteManifests(
  context: Context,
  store: ImageStore,
  name: string,
  options: Pick<ManifestAddOptions, 'all'> & Parameters<typeof registryOptions>[1],
): Promise<Gathered> {
  const reference = parseReference(name)
  const whole = withDefaultTag(reference)
  const check = requireTrusted(context, 'docker', formatReference(whole), { reference: whole })
  const source = new RegistrySource(reference, registryOptions(context, options))
  const { signal } = options
  try {
    const top = await source.manifest(undefined, signal)
    const parsed = parseManifest(top.bytes, top.mediaType)
    const wanted: readonly RawManifest[] =
      parsed.kind === 'image'
        ? [top]
        : await Promise.all(
            (options.all === true ? parsed.index.manifests : [choosePlatform(parsed.index, completePlatform())]).map(
              ({ digest }) => source.manifest(digest, signal),
            ),
          )
    const descriptors: Descriptor[] = []
    const signatures = new Map<Digest, readonly Signature[]>()
    for (const raw of wanted) {
      const image = await loadFrom(source, raw, completePlatform(), signal, check)
      await copyLoaded(source, storeDestination(store), image, { platform: completePlatform(), signal })
      descriptors.push(descriptorOf(image.raw, image.config))
      const signed = await source.signatures(image.raw.digest, signal)
      if (signed.length > 0) signatures.set(image.raw.digest, signed)
    }
    return { descriptors, signatures }
  } finally {
    await source.close()
  }
}

function descriptorOf(
  raw: RawManifest,
  config: Pick<ImageConfig, 'architecture' | 'os' | 'variant'> & Partial<Platform>,
): Descriptor {
  const { architecture, os, variant } = config
  return {
    mediaType: raw.mediaType,
    digest: raw.digest,
    size: raw.bytes.length,
    ...(architecture === ''
      ? {}
      : { platform: { architecture, os, ...(variant === undefined || variant === '' ? {} : { variant }) } }),
  }
}
