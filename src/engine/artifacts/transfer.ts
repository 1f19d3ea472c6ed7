import { TspodError } from '../../base/errors.js'
import { inParallel } from '../../image/copy.js'
import { parseManifest } from '../../image/manifest.js'
import { formatReference, parseReference, withDefaultTag, withoutTagIfDigested } from '../../image/reference.js'
import { RegistryDestination } from '../../image/registry/destination.js'
import { RegistrySource } from '../../image/registry/source.js'
import { verified } from '../../image/verify.js'
import type { Descriptor, Digest } from '../../oci/image-spec.js'
import type { Context } from '../context.js'
import { registryOptions } from '../images/access.js'
import { openSigner } from '../images/signers.js'
import { requireTrusted } from '../images/trust.js'
import { artifactStore, findArtifact, nameArtifact, withArtifactLease } from './store.js'
import type { ArtifactPullOptions, ArtifactPushOptions } from './types.js'

const parallel = 3

/** Fetches an artifact, or an image as one: its bytes as they are, none of them unpacked. Answers its digest. */
export async function pullArtifact(context: Context, text: string, options: ArtifactPullOptions = {}): Promise<Digest> {
  const reference = withoutTagIfDigested(withDefaultTag(parseReference(text)))
  const name = formatReference(reference)
  const check = requireTrusted(context, 'docker', name, { reference, signaturePolicy: options.signaturePolicy })
  const store = artifactStore(context)
  const source = new RegistrySource(reference, registryOptions(context, options))
  try {
    return await withArtifactLease(store, async () => {
      const raw = await source.manifest(undefined, options.signal)
      const parsed = parseManifest(raw.bytes, raw.mediaType)
      if (parsed.kind === 'index')
        throw new TspodError(
          'image-invalid',
          `${name} is a manifest list, not an artifact: name one of its manifests by digest`,
        )
      await check?.(source, raw, options.signal)
      const { config, layers } = parsed.image
      await each(distinct([...layers, config]), async (blob) => {
        context.onProgress?.({ id: blob.digest, action: 'Copying blob', total: blob.size })
        const open = (): AsyncIterable<Uint8Array> => verified(source.blob(blob, options.signal), blob)
        const { existed } = await store.putBlob(blob, open)
        context.onProgress?.({
          id: blob.digest,
          action: existed ? 'Copying blob (already there)' : 'Copied blob',
          done: true,
        })
      })
      await store.putBlob({ digest: raw.digest, size: raw.bytes.length }, () => once(raw.bytes))
      context.onProgress?.({ id: '', action: 'Writing manifest to image destination', done: true })
      await nameArtifact(store, name, raw.digest, raw.bytes.length)
      return raw.digest
    })
  } finally {
    await source.close()
  }
}

/** Sends an artifact to where its name says, or to another place; answers its digest. */
export async function pushArtifact(
  context: Context,
  name: string,
  destination: string | undefined,
  options: ArtifactPushOptions = {},
): Promise<Digest> {
  const store = artifactStore(context)
  const { entry, manifest } = findArtifact(store, name)
  const to = destination?.replace(/^docker:\/\//, '') ?? entry.name
  if (to === undefined) throw new TspodError('invalid-argument', `${name} has no name: say where to push it`)
  const reference = withDefaultTag(parseReference(to))
  if (reference.domain === 'localhost' && destination === undefined)
    throw new TspodError('invalid-argument', `${to} is a local name: say where to push it`)
  const signer = await openSigner(context, reference, options)
  const target = new RegistryDestination(reference, registryOptions(context, options))
  const lease = await store.lease()
  try {
    if (signer !== undefined) await target.requireSignable(signer.kinds, options.signal)
    await each(distinct([...manifest.layers, manifest.config]), async (blob) => {
      context.onProgress?.({ id: blob.digest, action: 'Copying blob', total: blob.size })
      await target.putBlob(blob, () => verified(store.streamBlob(blob.digest), blob), options.signal)
      context.onProgress?.({ id: blob.digest, action: 'Copied blob', done: true })
    })
    const signatures = (await signer?.sign(entry.manifest)) ?? []
    const raw = { bytes: store.readBlob(entry.manifest), mediaType: entry.mediaType, digest: entry.manifest }
    await target.putManifest(raw, false, options.signal)
    await target.putSignatures(entry.manifest, signatures, options.signal)
    return entry.manifest
  } finally {
    lease[Symbol.dispose]()
    await target.close()
  }
}

function each(blobs: readonly Descriptor[], act: (blob: Descriptor) => Promise<void>): Promise<void> {
  return inParallel(
    blobs.map((blob) => () => act(blob)),
    parallel,
  )
}

function distinct(blobs: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()]
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes)
}
