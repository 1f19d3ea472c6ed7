import { TspodError } from '../../base/errors.js'
import { parseChallenges, type Challenge } from './challenge.js'
import { readBody, type HttpClient, type HttpResponse } from './http.js'
import { isTemporaryStatus, TemporaryError } from './retry.js'
import { isLoopbackHost } from './proxy.js'

/** A login as a registry wants it. */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'token'; readonly identityToken: string }

const maximumTokenSize = 512 * 1024

/**
 * Knows how one registry wants to be asked. The first request goes without credentials; what its 401 asks for is kept
 * for the rest. Credentials are sent to the registry itself and to the realm that it names over HTTPS, nowhere else.
 */
export class RegistryAuth {
  readonly #http: HttpClient
  readonly #credentials: () => Promise<Credentials | undefined>
  /** Scope ─► the Authorization header to send, or its making. */
  readonly #headers = new Map<string, Promise<string | undefined>>()

  constructor(http: HttpClient, credentials: () => Promise<Credentials | undefined>) {
    this.#http = http
    this.#credentials = credentials
  }

  /** The header for a scope, if a 401 has asked for one before. */
  async headerFor(scope: string): Promise<string | undefined> {
    return this.#headers.get(scope)
  }

  /** Answers a 401: true if it is worth trying again. Requests that fail together share one token. */
  async answer(
    response: HttpResponse,
    scope: string,
    sent: string | undefined,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const pending = this.#headers.get(scope)
    if (pending !== undefined) {
      const known = await pending
      if (known !== sent) return known !== undefined
    }
    const challenges = parseChallenges(String(response.headers['www-authenticate'] ?? ''))
    /* A token may have run out under way: then a new one is asked for, once per 401 of a header that we sent. */
    const made = this.#makeHeader(challenges, scope, response.url, signal)
    this.#headers.set(scope, made)
    try {
      const header = await made
      return header !== undefined && header !== sent
    } catch (error) {
      if (this.#headers.get(scope) === made) this.#headers.delete(scope)
      throw error
    }
  }

  async #makeHeader(
    challenges: readonly Challenge[],
    scope: string,
    origin: URL,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    const bearer = challenges.find((one) => one.scheme === 'bearer' && one.parameters['realm'] !== undefined)
    if (bearer !== undefined) return `Bearer ${await this.#token(bearer, scope, origin, signal)}`
    if (!challenges.some((one) => one.scheme === 'basic')) return undefined
    const credentials = await this.#credentials()
    return credentials?.kind === 'password' ? basic(credentials) : undefined
  }

  async #token(challenge: Challenge, scope: string, origin: URL, signal?: AbortSignal): Promise<string> {
    const realm = realmUrl(challenge, origin)
    const credentials = await this.#credentials()
    const { service } = challenge.parameters
    const query = new URLSearchParams()
    if (service !== undefined) query.set('service', service)
    for (const one of scope.split(' ')) if (one !== '') query.append('scope', one)
    const response =
      credentials?.kind === 'token'
        ? await this.#oauth(realm, query, credentials.identityToken, signal)
        : await this.#simple(realm, query, credentials, signal)
    const body = await readBody(response, maximumTokenSize, 'the token')
    if (response.status !== 200) throw tokenError(response, realm)
    return parseToken(body, realm)
  }

  /** distribution's token authentication: GET realm?service=…&scope=… */
  async #simple(
    realm: URL,
    query: URLSearchParams,
    credentials: Credentials | undefined,
    signal?: AbortSignal,
  ): Promise<HttpResponse> {
    const url = new URL(realm)
    for (const [key, value] of query) url.searchParams.append(key, value)
    if (credentials?.kind === 'password') url.searchParams.set('account', credentials.username)
    const headers: Record<string, string> =
      credentials?.kind === 'password' ? { authorization: basic(credentials) } : {}
    return this.#http.request({ method: 'GET', url, headers, signal })
  }

  /** distribution's OAuth2 token authentication, for identity tokens. */
  async #oauth(realm: URL, query: URLSearchParams, identityToken: string, signal?: AbortSignal): Promise<HttpResponse> {
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: identityToken, client_id: 'tspod' })
    form.set('scope', query.getAll('scope').join(' '))
    const service = query.get('service')
    if (service !== null) form.set('service', service)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return this.#http.request({ method: 'POST', url: realm, headers, body: Buffer.from(form.toString()), signal })
  }
}

function basic(credentials: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
}

function realmUrl(challenge: Challenge, origin: URL): URL {
  let realm: URL
  try {
    realm = new URL(challenge.parameters['realm'] ?? '')
  } catch (error) {
    throw new TspodError('registry-error', `${origin.host} names a token service that is no URL`, { cause: error })
  }
  /* What has not crossed the network in clear so far must not do so now. */
  const isInClear = origin.protocol === 'http:' && !isLoopbackHost(origin.hostname)
  const isPlain = realm.protocol === 'http:' && (isInClear || isLoopbackHost(realm.hostname))
  if (realm.protocol !== 'https:' && !isPlain) {
    throw new TspodError(
      'registry-error',
      `${origin.host} wants logins sent to ${realm.protocol}//${realm.host}, which is not safe`,
    )
  }
  return realm
}

function tokenError(response: HttpResponse, realm: URL): TspodError {
  if (isTemporaryStatus(response.status))
    return new TemporaryError(`token service ${realm.host} answered ${String(response.status)}`)
  if (response.status === 401 || response.status === 403) {
    return new TspodError(
      'registry-denied',
      `unable to retrieve auth token: invalid username/password: token service ${realm.host} answered ${String(response.status)}`,
    )
  }
  return new TspodError('registry-error', `token service ${realm.host} answered ${String(response.status)}`)
}

function parseToken(body: Buffer, realm: URL): string {
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw new TspodError('registry-error', `token service ${realm.host} answered something that is not JSON`, {
      cause: error,
    })
  }
  const { token, access_token: accessToken } = (value ?? {}) as { token?: unknown; access_token?: unknown }
  const found = typeof token === 'string' && token !== '' ? token : accessToken
  if (typeof found !== 'string' || found === '' || !/^[\x21-\x7e]+$/.test(found)) {
    throw new TspodError('registry-error', `token service ${realm.host} answered without a token`)
  }
  return found
}
