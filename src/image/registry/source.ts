import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Descriptor, Digest } from '../../oci/image-spec.js'
import type { RegistriesConfig } from '../../config/registries-conf.js'
import type { SignaturePlace } from '../../config/registries-d.js'
import type { ImageSource, RawManifest } from '../image.js'
import type { readLookaside } from '../trust/lookaside.js'
import type { Signature } from '../trust/signature.js'
import { formatReference, withDefaultTag, withoutTagIfDigested, type Reference } from '../reference.js'
import { RegistryAuth, type Credentials } from './auth.js'
import { endpointsFor, type Endpoint } from './endpoints.js'
import { HttpClient, type HttpOptions } from './http.js'
import { Repository } from './repository.js'
import type { RetryOptions } from './retry.js'
import type { CertificateFiles } from './tls.js'
import { TspodError } from '../../base/errors.js'

/** What speaking to registries takes; the engine fills it once per operation. */
export interface RegistryOptions {
  readonly config: RegistriesConfig
  readonly tlsVerify?: boolean | undefined
  readonly http: Omit<HttpOptions, 'verifyTls' | 'certificates'>
  readonly certificates: (host: string) => CertificateFiles
  /** The login for `host/path`. */
  readonly credentials: (name: string) => Promise<Credentials | undefined>
  readonly retry: RetryOptions
  /** Where the signatures of `host/path[:tag|@digest]` are; without it there are none. */
  readonly signaturePlace?: (name: string) => SignaturePlace
}

/** An image on a registry: the first mirror that has it, or the registry itself. */
export class RegistrySource implements ImageSource {
  readonly description: string
  readonly #reference: Reference
  readonly #options: RegistryOptions
  readonly #endpoints: readonly Endpoint[]
  readonly #clients: HttpClient[] = []
  readonly #signatures = new Map<Digest, Promise<readonly Signature[]>>()
  #chosen: { readonly repository: Repository; readonly reference: Reference; readonly http: HttpClient } | undefined

  constructor(reference: Reference, options: RegistryOptions) {
    this.#reference = withoutTagIfDigested(withDefaultTag(reference))
    this.description = `docker://${formatReference(this.#reference)}`
    this.#options = options
    this.#endpoints = endpointsFor(this.#reference, options)
  }

  async manifest(digest?: Digest, signal?: AbortSignal): Promise<RawManifest> {
    const wanted = digest ?? this.#reference.digest ?? this.#reference.tag ?? 'latest'
    if (this.#chosen !== undefined) return this.#chosen.repository.manifest(wanted, signal)
    const failures: unknown[] = []
    for (const endpoint of this.#endpoints) {
      const { repository, http } = this.#open(endpoint)
      try {
        const manifest = await repository.manifest(wanted, signal)
        this.#chosen = { repository, http, reference: endpoint.reference }
        return manifest
      } catch (error) {
        signal?.throwIfAborted()
        failures.push(error)
      }
    }
    throw this.#failure(failures)
  }

  async *blob(descriptor: Descriptor, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    if (this.#chosen === undefined) await this.manifest(undefined, signal)
    if (this.#chosen !== undefined) yield* this.#chosen.repository.blob(descriptor, signal)
  }

  /** Of the place that the manifest came from: the registry's own or a lookaside's, and those attached to the image. */
  signatures(digest: Digest, signal?: AbortSignal): Promise<readonly Signature[]> {
    const found = this.#signatures.get(digest) ?? this.#readSignatures(digest, signal)
    this.#signatures.set(digest, found)
    return found
  }

  async #readSignatures(digest: Digest, signal?: AbortSignal): Promise<readonly Signature[]> {
    if (this.#chosen === undefined) await this.manifest(undefined, signal)
    if (this.#chosen === undefined) return []
    const { repository, reference, http } = this.#chosen
    const place = this.#options.signaturePlace?.(formatReference(reference))
    if (place === undefined) return []
    const simple = repository.keepsSignatures
      ? (await import('./signature-api.js')).readExtension(repository, digest, signal)
      : this.#fromLookaside(place.lookaside, reference, digest, http, signal)
    const attached = place.sigstoreAttachments
      ? await (await import('./signatures.js')).readAttachments(repository, digest, signal)
      : []
    return [...(await simple), ...attached]
  }

  /** Without a folder for the image, which is the rule, nothing more is loaded. */
  async #fromLookaside(...where: Parameters<typeof readLookaside>): Promise<readonly Signature[]> {
    const [base] = where
    if (base.startsWith('file:///') && !existsSync(fileURLToPath(base))) return []
    return (await import('../trust/lookaside.js')).readLookaside(...where)
  }

  close(): Promise<void> {
    for (const client of this.#clients) client.close()
    return Promise.resolve()
  }

  #open(endpoint: Endpoint): { repository: Repository; http: HttpClient } {
    const opened = openEndpoint(endpoint, this.#options)
    this.#clients.push(opened.http)
    return opened
  }

  #failure(failures: readonly unknown[]): Error {
    const last = failures.at(-1)
    const code = last instanceof TspodError ? last.code : 'image-pull-failed'
    const messages = failures.map((one) => (one instanceof Error ? one.message : String(one)))
    const what = `initializing source ${this.description}: `
    return new TspodError(code, `${what}${[...new Set(messages)].join('; ')}`, { cause: last })
  }
}

/** The repository itself, not a mirror of it. Close the client at the end. */
export function openRepository(
  reference: Reference,
  options: RegistryOptions,
  actions = 'pull',
): { repository: Repository; http: HttpClient } {
  const endpoint = endpointsFor(reference, { ...options, forWriting: true }).at(-1)
  if (endpoint === undefined) throw new TspodError('internal', `no endpoint for ${formatReference(reference)}`)
  return openEndpoint(endpoint, options, actions)
}

function openEndpoint(
  endpoint: Endpoint,
  options: RegistryOptions,
  actions = 'pull',
): { repository: Repository; http: HttpClient } {
  const http = new HttpClient({
    ...options.http,
    certificates: options.certificates,
    verifyTls: (host) => !(endpoint.insecure && host === endpoint.host),
  })
  const name = `${endpoint.reference.domain}/${endpoint.reference.path}`
  const auth = new RegistryAuth(http, () => options.credentials(name))
  return { repository: new Repository({ endpoint, http, auth, retry: options.retry, actions }), http }
}
