import { TspodError } from '../../base/errors.js'
import { requireObject } from '../manifest.js'
import { defaultDomain } from '../reference.js'
import { header, readBody } from './http.js'
import { openRegistry } from './login.js'
import { responseError, type Repository } from './repository.js'
import { withRetries } from './retry.js'
import type { RegistryOptions } from './source.js'

export interface FoundImage {
  /** Without the registry. */
  readonly name: string
  readonly description: string
  readonly stars: number
  readonly official: boolean
  readonly automated: boolean
}

const maximumAnswer = 8 * 1024 * 1024
const maximumPages = 1000
const pageSize = 1000
/** Docker Hub is searched elsewhere than it is pulled from. */
const dockerSearchHost = 'index.docker.io'

/** Images whose name has `term` in it: by the old search, or where a registry has none, in its whole catalogue. */
export async function searchRegistry(
  host: string,
  term: string,
  limit: number,
  options: RegistryOptions,
  signal?: AbortSignal,
): Promise<readonly FoundImage[]> {
  const { repository, http } = openRegistry(host === defaultDomain ? dockerSearchHost : host, options)
  try {
    const found = await searchIndex(repository, term, limit, { options, signal })
    if (found !== undefined) return found
    if (host === defaultDomain) throw new TspodError('registry-error', `searching ${host}: it has no search`)
    return await searchCatalog(repository, host, term, limit, { options, signal })
  } finally {
    http.close()
  }
}

interface Asking {
  readonly options: RegistryOptions
  readonly signal: AbortSignal | undefined
}

/** Docker's `GET /v1/search`; undefined where there is none. */
async function searchIndex(
  repository: Repository,
  term: string,
  limit: number,
  { options, signal }: Asking,
): Promise<readonly FoundImage[] | undefined> {
  const path = `/v1/search?${new URLSearchParams({ q: term, n: String(limit) }).toString()}`
  return withRetries({ ...options.retry, signal }, async () => {
    const response = await repository.send({ method: 'GET', path, scope: '', signal })
    if (response.status !== 200 || !/json/.test(header(response, 'content-type') ?? '')) {
      response.discard()
      return undefined
    }
    const answer = parse(await readBody(response, maximumAnswer, 'the result of a search'))
    const results = Array.isArray(answer['results']) ? answer['results'] : []
    return results.slice(0, limit).flatMap((one: unknown) => foundImage(one))
  })
}

/** distribution's `GET /v2/_catalog`, page by page, until enough names match. */
async function searchCatalog(
  repository: Repository,
  host: string,
  term: string,
  limit: number,
  { options, signal }: Asking,
): Promise<readonly FoundImage[]> {
  const found: FoundImage[] = []
  let path: string | undefined = `/v2/_catalog?n=${String(pageSize)}`
  for (let pages = 0; path !== undefined && found.length < limit && pages < maximumPages; pages++) {
    const asked: string = path
    path = await withRetries({ ...options.retry, signal }, async () => {
      const response = await repository.send({ method: 'GET', path: asked, scope: 'registry:catalog:*', signal })
      if (response.status !== 200) throw await responseError(response, `searching ${host}`)
      const answer = parse(await readBody(response, maximumAnswer, 'a catalogue'))
      const names = Array.isArray(answer['repositories']) ? answer['repositories'] : []
      for (const name of names) {
        if (typeof name === 'string' && name.includes(term) && found.length < limit) found.push(plain(name))
      }
      return names.length === 0 ? undefined : nextPage(header(response, 'link'), asked)
    })
  }
  return found
}

/** RFC 8288; only its query is followed, and only where it is another one. */
function nextPage(link: string | undefined, current: string): string | undefined {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1]
  const query = target === undefined ? -1 : target.indexOf('?')
  const next = target === undefined || query === -1 ? undefined : `/v2/_catalog${target.slice(query)}`
  return next === current ? undefined : next
}

function foundImage(value: unknown): FoundImage[] {
  const one = requireObject(value, 'a result')
  const { name, description, star_count: stars } = one
  if (typeof name !== 'string') return []
  return [
    {
      name: printable(name),
      description: typeof description === 'string' ? printable(description) : '',
      stars: typeof stars === 'number' && Number.isFinite(stars) ? stars : 0,
      official: one['is_official'] === true,
      automated: one['is_automated'] === true,
    },
  ]
}

function plain(name: string): FoundImage {
  return { name: printable(name), description: '', stars: 0, official: false, automated: false }
}

/** A terminal must not obey what anybody may write there. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, 4096)
}

function parse(body: Buffer): Record<string, unknown> {
  try {
    return requireObject(JSON.parse(body.toString('utf8')), 'the result')
  } catch (error) {
    throw new TspodError('registry-error', 'the registry answered a search with what is not JSON', { cause: error })
  }
}
