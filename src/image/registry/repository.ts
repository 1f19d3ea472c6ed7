import { TspodError } from '../../base/errors.js'
import { digestOf, isDigest } from '../../base/digest.js'
import type { Descriptor } from '../../oci/image-spec.js'
import type { RawManifest } from '../image.js'
import { acceptedManifests, maximumManifestSize } from '../manifest.js'
import { repositoryOf } from '../reference.js'
import type { RegistryAuth } from './auth.js'
import type { Endpoint } from './endpoints.js'
import { header, readBody, type HttpClient, type HttpRequest, type HttpResponse } from './http.js'
import { isLoopbackHost } from './proxy.js'
import { isTemporaryStatus, pauseAfter, retryAfter, TemporaryError, withRetries, type RetryOptions } from './retry.js'
import { noTlsErrno, TransportError } from './transport-error.js'

export interface RepositoryOptions {
  readonly endpoint: Endpoint
  readonly http: HttpClient
  readonly auth: RegistryAuth
  readonly retry: RetryOptions
  /** `pull`, or `pull,push`. */
  readonly actions?: string
}

export type RepositoryRequest = Omit<HttpRequest, 'url' | 'signal'> & {
  /** Below `/v2/NAME/`; below the host with a slash in front; a URL where the registry named one. */
  readonly path: string | URL
  /** What a token has to allow, where it is not this repository. */
  readonly scope?: string
  readonly signal?: AbortSignal | undefined
}

const maximumErrorSize = 64 * 1024
/** So often a body may break in all, however far each got. */
const maximumResumes = 64
const progressBytes = 1024 * 1024

/** One repository on one registry: distribution-spec 1.1, which Docker's v2 is a dialect of. */
export class Repository {
  readonly #options: RepositoryOptions
  #scheme: 'http' | 'https' | undefined
  #keepsSignatures = false

  constructor(options: RepositoryOptions) {
    this.#options = options
  }

  get name(): string {
    return repositoryOf(this.#options.endpoint.reference)
  }

  /** What its tokens allow (distribution, “Token Scope Documentation”). */
  get scope(): string {
    return `repository:${this.#options.endpoint.reference.path}:${this.#options.actions ?? 'pull'}`
  }

  /** Whether it has said, in its first answer, that it keeps signatures itself (OpenShift's extension of the API). */
  get keepsSignatures(): boolean {
    return this.#keepsSignatures
  }

  /** How often to try what may pass. */
  get retry(): RetryOptions {
    return this.#options.retry
  }

  /** `registry/path` on its server. */
  get path(): string {
    return this.#options.endpoint.reference.path
  }

  /** Reads a manifest by tag or digest, verified where it is a digest. */
  async manifest(reference: string, signal?: AbortSignal): Promise<RawManifest> {
    const retry = { ...this.#options.retry, signal }
    return withRetries(retry, async () => {
      const headers = { accept: acceptedManifests.join(', ') }
      const response = await this.send({ method: 'GET', path: `manifests/${reference}`, headers, signal })
      if (response.status !== 200) throw await responseError(response, `reading manifest ${reference} in ${this.name}`)
      const bytes = await readBody(response, maximumManifestSize, `manifest ${reference}`)
      const digest = await digestOf(bytes)
      const said = isDigest(reference) ? reference : header(response, 'docker-content-digest')
      if (said !== undefined && isDigest(said) && said.startsWith('sha256:') && said !== digest) {
        throw new TspodError(
          'digest-mismatch',
          `manifest ${reference} in ${this.name} has the digest ${digest}, not ${said}`,
        )
      }
      return { bytes, digest, mediaType: header(response, 'content-type') ?? '' }
    })
  }

  /** Reads a blob; a broken connection is resumed where it broke. The bytes are not verified here. */
  async *blob(descriptor: Descriptor, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const retry = { ...this.#options.retry, signal }
    let offset = 0
    let failures = 0
    for (let tries = 0; ; tries++) {
      const began = offset
      try {
        for await (const chunk of this.#blobFrom(descriptor, offset, signal)) {
          offset += chunk.length
          yield chunk
        }
        if (offset >= descriptor.size) return
        throw new TransportError(
          'ECONNRESET',
          `${this.name} sent ${String(offset)} of the ${String(descriptor.size)} bytes of ${descriptor.digest}`,
        )
      } catch (error) {
        if (offset - began >= progressBytes) failures = 0
        if (tries >= maximumResumes) throw error
        await pauseAfter(error, failures++, retry)
      }
    }
  }

  /** Sends one request with whatever login the registry asks for, over TLS unless it need not be. */
  async send(request: RepositoryRequest): Promise<HttpResponse> {
    if (this.#scheme !== undefined || request.path instanceof URL)
      return this.#authorized(this.#scheme ?? 'https', request)
    const schemes = this.#schemes()
    let first: unknown
    for (const [number, scheme] of schemes.entries()) {
      const isLast = number === schemes.length - 1
      try {
        const response = await this.#authorized(scheme, request)
        if (!isLast && scheme === 'http' && response.status === 400) {
          response.discard() /* “Client sent an HTTP request to an HTTPS server.” */
          continue
        }
        this.#scheme = scheme
        this.#keepsSignatures = header(response, 'x-registry-supports-signatures') === '1'
        return response
      } catch (error) {
        /* That a server of plain HTTP has no TLS either is nothing that a person could mend. */
        if (first !== undefined && error instanceof TransportError && error.errno === noTlsErrno) throw first
        if (isLast || !(error instanceof TransportError) || this.#isFinal(error)) throw error
        first = error
      }
    }
    throw new TspodError('internal', 'no scheme to speak to a registry')
  }

  /** Whether the other scheme would fare no better: with a port it speaks to the same socket. */
  #isFinal({ errno }: TransportError): boolean {
    return /:\d+$/.test(this.#options.endpoint.host) && ['ECONNREFUSED', 'ETIMEDOUT'].includes(errno)
  }

  /* On the loopback TLS is the exception, so it comes second; nothing secret is sent before an answer came. */
  #schemes(): readonly ('http' | 'https')[] {
    const { insecure, host } = this.#options.endpoint
    if (!insecure) return ['https']
    return isLoopbackHost(host.replace(/:\d+$/, '')) ? ['http', 'https'] : ['https', 'http']
  }

  async #authorized(scheme: string, request: RepositoryRequest): Promise<HttpResponse> {
    const { endpoint, http, auth } = this.#options
    const { path, scope = this.scope, ...rest } = request
    const base = `${scheme}://${endpoint.host}`
    const below =
      typeof path === 'string' && path.startsWith('/') ? path : `/v2/${endpoint.reference.path}/${String(path)}`
    const url = path instanceof URL ? path : new URL(below, base)
    /* A place that the registry named elsewhere (an upload on another host) never sees the login. */
    const isOwn = url.host === endpoint.host
    for (let round = 0; ; round++) {
      const authorization = isOwn ? await auth.headerFor(scope) : undefined
      const headers = { ...rest.headers, ...(authorization === undefined ? {} : { authorization }) }
      const response = await http.request({ ...rest, url, headers })
      if (response.status !== 401 || !isOwn || round >= 2 || response.url.origin !== url.origin) return response
      const again = await auth.answer(response, scope, authorization, request.signal)
      if (!again) return response
      response.discard()
    }
  }

  async *#blobFrom(descriptor: Descriptor, offset: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${String(offset)}-` }
    const response = await this.send({ method: 'GET', path: `blobs/${descriptor.digest}`, headers, signal })
    try {
      if (response.status !== 200 && !(offset > 0 && response.status === 206)) {
        throw await responseError(response, `reading blob ${descriptor.digest} in ${this.name}`)
      }
      let skip = response.status === 206 ? 0 : offset
      requireExtent(response, descriptor, offset)
      for await (const chunk of response.body) {
        if (skip >= chunk.length) skip -= chunk.length
        else {
          yield skip === 0 ? chunk : chunk.subarray(skip)
          skip = 0
        }
      }
    } finally {
      response.discard()
    }
  }
}

/** The error that a response is: what the registry says, without what a terminal would obey. */
export async function responseError(response: HttpResponse, what: string): Promise<TspodError> {
  const said = await errorText(response)
  const { status } = response
  if (isTemporaryStatus(status)) {
    const name = status === 429 ? 'too many requests' : `status ${String(status)}`
    return new TemporaryError(`${what}: ${said ?? name}`, retryAfter(response, Date.now()))
  }
  if (status === 401)
    return new TspodError('registry-denied', `${what}: ${said ?? 'unauthorized: authentication required'}`)
  if (status === 403)
    return new TspodError('registry-denied', `${what}: ${said ?? 'denied: requested access to the resource is denied'}`)
  if (status === 404) return new TspodError('image-pull-failed', `${what}: ${said ?? 'not found'}`)
  return new TspodError('registry-error', `${what}: ${said ?? `unexpected status ${String(status)}`}`)
}

/** distribution-spec, “Error Codes”. */
async function errorText(response: HttpResponse): Promise<string | undefined> {
  try {
    const body = await readBody(response, maximumErrorSize, 'an error')
    const { errors } = JSON.parse(body.toString('utf8')) as {
      errors?: readonly { code?: unknown; message?: unknown }[]
    }
    const texts = (errors ?? []).slice(0, 3).map((one) => String(one.message ?? one.code ?? ''))
    const joined = texts.filter((text) => text !== '').join('; ')
    return joined === '' ? undefined : joined.replace(/[\p{Cc}\p{Cf}]/gu, '?').slice(0, 500)
  } catch {
    return undefined /* The status has to do. */
  }
}

/** What a server announces must fit what the manifest promised, before any of it is read. */
function requireExtent(response: HttpResponse, descriptor: Descriptor, offset: number): void {
  const length = header(response, 'content-length')
  if (response.status === 200) {
    if (length === undefined || Number(length) === descriptor.size) return
    throw new TspodError(
      'digest-mismatch',
      `blob ${descriptor.digest} has ${length} bytes instead of ${String(descriptor.size)}`,
    )
  }
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header(response, 'content-range') ?? '')
  if (range === null || Number(range[1]) !== offset || (range[3] !== '*' && Number(range[3]) !== descriptor.size)) {
    throw new TspodError(
      'registry-error',
      `${response.url.host} answered another part of ${descriptor.digest} than was asked for`,
    )
  }
}
