import { TspodError } from '../../base/errors.js'
import type { SignaturePlace } from '../../config/registries-d.js'
import { mediaTypes, type Descriptor, type Digest } from '../../oci/image-spec.js'
import type { BlobResult, ImageDestination, RawManifest } from '../image.js'
import { formatReference, withDefaultTag, type Reference } from '../reference.js'
import type { Signature } from '../trust/signature.js'
import { header, type HttpClient } from './http.js'
import { responseError, type Repository } from './repository.js'
import { withRetries } from './retry.js'
import { openRepository, type RegistryOptions } from './source.js'
import { uploadBlob, type Uploaded } from './upload.js'

export interface DestinationOptions {
  /** Paths of repositories on the same registry that have a blob. */
  readonly mountFrom?: (digest: string) => readonly string[]
  /** Told for each blob. */
  readonly onBlob?: (descriptor: Descriptor, how: Uploaded) => void
}

/** A repository on a registry that an image is pushed to; its tag or digest names the top manifest. */
export class RegistryDestination implements ImageDestination {
  readonly description: string
  readonly #reference: Reference
  readonly #repository: Repository
  readonly #http: HttpClient
  readonly #options: DestinationOptions
  readonly #signaturePlace: SignaturePlace | undefined

  constructor(reference: Reference, access: RegistryOptions, options: DestinationOptions = {}) {
    this.#reference = withDefaultTag(reference)
    this.description = `docker://${formatReference(this.#reference)}`
    const { repository, http } = openRepository(this.#reference, access, 'pull,push')
    this.#repository = repository
    this.#http = http
    this.#options = options
    this.#signaturePlace = access.signaturePlace?.(formatReference(this.#reference))
  }

  async putBlob(
    descriptor: Descriptor,
    open: () => AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<BlobResult> {
    const mountFrom = (this.#options.mountFrom?.(descriptor.digest) ?? []).filter(
      (path) => path !== this.#repository.path,
    )
    const how = await uploadBlob(this.#repository, descriptor, open, { mountFrom, signal })
    this.#options.onBlob?.(descriptor, how)
    return { existed: how !== 'uploaded' }
  }

  /** Puts a manifest under the reference's tag; `inner` ones of an index only by their digest. */
  async putManifest(manifest: RawManifest, inner = false, signal?: AbortSignal): Promise<void> {
    const { tag, digest } = this.#reference
    if (!inner && digest !== undefined && digest !== manifest.digest) {
      throw new TspodError(
        'invalid-reference',
        `${this.description} names another digest than what is pushed, which has ${manifest.digest}`,
      )
    }
    const name = inner || tag === undefined ? manifest.digest : tag
    await withRetries({ ...this.#repository.retry, signal }, async () => {
      const response = await this.#repository.send({
        method: 'PUT',
        path: `manifests/${name}`,
        headers: { 'content-type': manifest.mediaType === '' ? mediaTypes.ociManifest : manifest.mediaType },
        body: manifest.bytes,
        signal,
      })
      if (response.status !== 201 && response.status !== 200)
        throw await responseError(response, `writing manifest ${name} to ${this.#repository.name}`)
      response.discard()
      const said = header(response, 'docker-content-digest')
      if (said?.startsWith('sha256:') === true && said !== manifest.digest) {
        throw new TspodError(
          'digest-mismatch',
          `${this.#repository.name} keeps ${name} as ${said.slice(0, 80)} instead of ${manifest.digest}`,
        )
      }
    })
  }

  /** Refuses signatures that could not be kept, before anything is sent. */
  async requireSignable(kinds: Iterable<Signature['kind']>, signal?: AbortSignal): Promise<void> {
    const place = this.#signaturePlace
    const wanted = new Set(kinds)
    if (wanted.has('sigstore') && place?.sigstoreAttachments !== true)
      throw new TspodError(
        'config-invalid',
        'writing sigstore attachments is disabled: say use-sigstore-attachments: true in registries.d',
      )
    if (!wanted.has('simple') || place?.staging.startsWith('file:') === true) return
    const ping = await this.#repository.send({ method: 'GET', path: '/v2/', signal })
    ping.discard()
    if (!this.#repository.keepsSignatures)
      throw new TspodError(
        'not-supported',
        `signatures cannot be written to ${place?.staging ?? 'nowhere'}: configure a lookaside-staging folder in registries.d`,
      )
  }

  /**
   * Keeps the signatures of a manifest. What is attached to it comes to what is there; in a lookaside these are all then, as
   * containers/image has it.
   */
  async putSignatures(digest: Digest, signatures: readonly Signature[], signal?: AbortSignal): Promise<void> {
    const sigstore = signatures.filter((one) => one.kind === 'sigstore')
    if (sigstore.length > 0) {
      const { writeAttachments } = await import('./signatures.js')
      await writeAttachments(this.#repository, digest, sigstore, signal)
    }
    const simple = signatures.filter((one) => one.kind === 'simple')
    if (simple.length === 0) return
    if (this.#repository.keepsSignatures) {
      const { writeExtension } = await import('./signature-api.js')
      return writeExtension(this.#repository, digest, simple, signal)
    }
    const { writeLookaside } = await import('../trust/lookaside.js')
    await writeLookaside(this.#signaturePlace?.staging ?? '', this.#reference, digest, simple)
  }

  close(): Promise<void> {
    this.#http.close()
    return Promise.resolve()
  }
}
