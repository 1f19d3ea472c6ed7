import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { AgentOptions, RequestOptions } from 'node:https'
import type { SecureContext } from 'node:tls'
import { TspodError } from '../../base/errors.js'
import { guardedBody } from './body.js'
import { defaultLimits, type HttpLimits } from './limits.js'
import { proxyAuthorization, proxyFor } from './proxy.js'
import type { CertificateFiles } from './tls.js'
import { abortReason, TransportError, transportError } from './transport-error.js'

/**
 * The door to HTTP. Registries are spoken to by node:http and node:https themselves: twice as fast as node-fetch for
 * blobs, a fifth of its load time, and they let us see redirects before credentials do.
 */
export interface HttpOptions {
  /** For HTTP_PROXY and its kin. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly userAgent: string
  /** Per `host[:port]`: authorities and client certificates. */
  readonly certificates?: (host: string) => CertificateFiles
  /** Per `host[:port]`: whether the server's certificate is checked. Default: always. */
  readonly verifyTls?: (host: string) => boolean
  readonly limits?: Partial<HttpLimits>
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>
  readonly signal?: AbortSignal | undefined
}

export interface HttpResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Of the last redirect. */
  readonly url: URL
  /** Guarded against silence and slow drips. To be read once, or given up by `discard`. */
  readonly body: AsyncIterable<Uint8Array>
  discard(): void
}

/** Connections that are kept and shared by all the requests of one operation. Close it, or the process lingers. */
export class HttpClient implements Disposable {
  readonly #options: HttpOptions
  readonly #limits: HttpLimits
  readonly #agents = new Map<string, Promise<Agent>>()

  constructor(options: HttpOptions) {
    this.#options = options
    this.#limits = { ...defaultLimits, ...options.limits }
  }

  /** Sends a request and follows redirects of GET and HEAD; `Authorization` goes to the first origin only. */
  async request(request: HttpRequest): Promise<HttpResponse> {
    let { url } = request
    let headers = request.headers ?? {}
    for (let hops = 0; ; hops++) {
      const response = await this.#once({ ...request, url, headers })
      const next = redirectTarget(request.method, response, url)
      if (next === undefined) return response
      response.discard()
      if (hops >= this.#limits.redirects) {
        throw new TspodError(
          'registry-error',
          `${request.url.host} redirects more than ${String(this.#limits.redirects)} times`,
        )
      }
      if (next.origin !== url.origin) headers = withoutCredentials(headers)
      url = next
    }
  }

  close(): void {
    /* One that could not be made was its request's to tell. */
    const none = (): undefined => undefined
    for (const agent of this.#agents.values()) void agent.then((one) => one.destroy(), none)
    this.#agents.clear()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async #once(request: HttpRequest): Promise<HttpResponse> {
    const { url } = request
    request.signal?.throwIfAborted()
    const proxy = proxyFor(url, this.#options.env)
    const plainProxy = proxy !== undefined && url.protocol === 'http:' ? proxy : undefined
    const agent = await this.#agentFor(url, proxy)
    const target = plainProxy ?? url
    const options: RequestOptions = {
      method: request.method,
      agent,
      host: target.hostname.replace(/^\[|\]$/g, ''),
      port: target.port === '' ? (target.protocol === 'https:' ? 443 : 80) : Number(target.port),
      path: plainProxy === undefined ? `${url.pathname}${url.search}` : url.href,
      headers: this.#headers(request, plainProxy),
    }
    const module = target.protocol === 'https:' ? await import('node:https') : await import('node:http')
    const message = await this.#exchange(module.request(options), request)
    const limits = this.#limits
    return {
      status: message.statusCode ?? 0,
      headers: message.headers,
      url,
      body: guardedBody(message, limits, url.host),
      discard: () => message.destroy(),
    }
  }

  #headers(request: HttpRequest, plainProxy: URL | undefined): OutgoingHttpHeaders {
    const { body } = request
    return {
      host: request.url.host,
      'user-agent': this.#options.userAgent,
      'accept-encoding': 'identity',
      ...(body instanceof Uint8Array ? { 'content-length': body.length } : {}),
      ...(plainProxy === undefined ? {} : proxyAuthorization(plainProxy)),
      ...request.headers,
    }
  }

  #exchange(sent: ClientRequest, request: HttpRequest): Promise<IncomingMessage> {
    const host = request.url.host
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void =>
        reject(transportError(error, `${request.method} ${request.url.origin}`, request.signal))
      const expire = (what: string) => () => sent.destroy(new TransportError('ETIMEDOUT', `${host} ${what}`))
      const connecting = setTimeout(
        expire('cannot be reached: the connection timed out'),
        this.#limits.connectMilliseconds,
      )
      let answering: NodeJS.Timeout | undefined
      const awaitHeaders = (): void => {
        clearTimeout(connecting)
        answering ??= setTimeout(expire('did not answer in time'), this.#limits.headersMilliseconds)
      }
      const abort = (): void => void sent.destroy(abortReason(request.signal))
      const settle = (): void => {
        clearTimeout(connecting)
        clearTimeout(answering)
      }
      request.signal?.addEventListener('abort', abort, { once: true })
      sent.once('socket', (socket) => {
        if (!socket.connecting) awaitHeaders()
        else socket.once(request.url.protocol === 'https:' ? 'secureConnect' : 'connect', awaitHeaders)
      })
      sent.on('error', (error) => {
        settle()
        fail(error)
      })
      sent.once('response', (message) => {
        settle()
        message.on('error', () => undefined) /* A discarded body ends so; a reader sees its errors itself. */
        /* The signal goes on to end the body; errors of the body are the reader's. */
        message.once('close', () => request.signal?.removeEventListener('abort', abort))
        resolve(message)
      })
      void writeBody(sent, request.body, () => {
        /* A long upload may go on for as long as it moves; the answer is awaited from its end. */
        answering?.refresh()
      }).catch((error: unknown) => sent.destroy(error instanceof Error ? error : new Error(String(error))))
    })
  }

  #agentFor(url: URL, proxy: URL | undefined): Promise<Agent> {
    const key = `${url.protocol}//${url.protocol === 'https:' ? url.host : ''}|${proxy?.href ?? ''}`
    const known = this.#agents.get(key)
    if (known !== undefined) return known
    const made = this.#makeAgent(url, proxy)
    this.#agents.set(key, made)
    return made
  }

  async #makeAgent(url: URL, proxy: URL | undefined): Promise<Agent> {
    const common: AgentOptions = { keepAlive: true, maxSockets: 16, keepAliveMsecs: 30_000 }
    if (url.protocol === 'http:') {
      if (proxy?.protocol === 'https:') return new (await import('node:https')).Agent(common)
      return new (await import('node:http')).Agent(common)
    }
    const rejectUnauthorized = this.#options.verifyTls?.(url.host) ?? true
    const tls: AgentOptions = { ...common, rejectUnauthorized, secureContext: await this.#secureContext(url.host) }
    if (proxy !== undefined)
      return (await import('./tunnel.js')).tunnelAgent(proxy, tls, this.#limits.connectMilliseconds)
    return new (await import('node:https')).Agent(tls)
  }

  /** Made once for all connections to a host: to read 140 certificates takes as long as a small layer. */
  async #secureContext(host: string): Promise<SecureContext> {
    const { createSecureContext, rootCertificates } = await import('node:tls')
    const { hostAuthorities } = await import('./tls.js')
    const files = this.#options.certificates?.(host) ?? { ca: [] }
    const trusted = hostAuthorities(this.#options.env)
    const isDefault = trusted === undefined && files.ca.length === 0
    try {
      return createSecureContext({
        minVersion: 'TLSv1.2',
        ...(files.cert === undefined ? {} : { cert: files.cert }),
        ...(files.key === undefined ? {} : { key: files.key }),
        ...(isDefault ? {} : { ca: [...(trusted ?? rootCertificates), ...files.ca] }),
      })
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new TspodError('config-invalid', `the certificates for ${host} cannot be used: ${why}`, { cause: error })
    }
  }
}

/** Reads a small body whole; more than `maximum` bytes are an error and end the connection. */
export async function readBody(response: HttpResponse, maximum: number, what: string): Promise<Buffer> {
  const announced = Number(response.headers['content-length'] ?? 0)
  const tooLarge = (): TspodError => {
    response.discard()
    return new TspodError('limit-exceeded', `${what} from ${response.url.host} is larger than ${String(maximum)} bytes`)
  }
  if (announced > maximum) throw tooLarge()
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body) {
    length += chunk.length
    if (length > maximum) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** A header that comes once. */
export function header(response: HttpResponse, name: string): string | undefined {
  const value = response.headers[name]
  return Array.isArray(value) ? value[0] : value
}

function redirectTarget(method: string, response: HttpResponse, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(response.status) || (method !== 'GET' && method !== 'HEAD')) return undefined
  const location = header(response, 'location')
  if (location === undefined) throw new TspodError('registry-error', `${from.host} redirects to nowhere`)
  let next: URL
  try {
    next = new URL(location, from)
  } catch (error) {
    throw new TspodError('registry-error', `${from.host} redirects to something that is no URL`, { cause: error })
  }
  if (next.protocol !== 'http:' && next.protocol !== 'https:') {
    throw new TspodError(
      'registry-error',
      `${from.host} redirects to ${JSON.stringify(next.protocol)}, which is no web address`,
    )
  }
  if (from.protocol === 'https:' && next.protocol === 'http:') {
    throw new TspodError('registry-error', `${from.host} redirects from HTTPS to HTTP on ${next.host}`)
  }
  next.username = ''
  next.password = ''
  return next
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(authorization|cookie)$/i.test(name)))
}

async function writeBody(sent: ClientRequest, body: HttpRequest['body'], moved: () => void): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) {
    sent.end(body)
    return
  }
  for await (const chunk of body) {
    if (sent.destroyed) return
    if (!sent.write(chunk)) await drained(sent)
    moved()
  }
  sent.end()
}

function drained(sent: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      sent.off('drain', settle).off('close', settle)
      resolve()
    }
    sent.on('drain', settle).on('close', settle)
  })
}

/** The body of a URL that a person typed (`import URL`), redirects followed. A name and password in it are sent to its host only. */
export async function* download(
  typed: string,
  options: Pick<HttpOptions, 'env'> & { readonly signal?: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  const url = new URL(typed)
  const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  const headers = login === ':' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` }
  url.username = url.password = ''
  using client = new HttpClient({ env: options.env, userAgent: 'tspod/0.1' })
  const response = await client.request({ method: 'GET', url, headers, signal: options.signal })
  if (response.status < 200 || response.status > 299) {
    response.discard()
    throw new TspodError('registry-error', `${url.href}: the server answered ${String(response.status)}`)
  }
  yield* response.body
}
