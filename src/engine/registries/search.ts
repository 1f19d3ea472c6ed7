import { TspodError } from '../../base/errors.js'
import { readRegistriesConfig } from '../../config/registries-conf.js'
import { defaultDomain, parseReference, repositoryOf } from '../../image/reference.js'
import { searchRegistry } from '../../image/registry/search.js'
import { listTags } from '../../image/registry/tags.js'
import type { Context } from '../context.js'
import { registryOptions } from '../images/access.js'
import type { SearchOptions, SearchResult, TagResult } from './types.js'

const defaultLimit = 25

/** Asks the registry that the term names, or every one that registries.conf searches, side by side. */
export async function searchRegistries(
  context: Context,
  term: string,
  options: SearchOptions = {},
): Promise<SearchResult[]> {
  const { limit = defaultLimit } = options
  const test = filterTest(options.filters ?? [])
  const access = registryOptions(context, options)
  const { hosts, rest } = placesOf(context, term)
  const answers = await Promise.allSettled(
    hosts.map((host) => searchRegistry(host, rest, limit === 0 ? defaultLimit : limit, access, options.signal)),
  )
  const results: SearchResult[] = []
  for (const [number, answer] of answers.entries()) {
    const host = hosts[number] ?? ''
    if (answer.status === 'fulfilled') {
      results.push(...answer.value.map((one) => ({ ...one, index: host, name: `${host}/${one.name}` })).filter(test))
    } else if (hosts.length === 1) throw answer.reason
    else context.log('error', `searching ${host}: ${String((answer.reason as Error).message)}`)
  }
  return results
}

/** `search --list-tags`: the tags of a repository, the registry's order. */
export async function repositoryTags(context: Context, name: string, options: SearchOptions = {}): Promise<TagResult> {
  const reference = parseReference(name.replace(/^docker:\/\//, ''))
  if ((options.filters ?? []).length > 0)
    throw new TspodError('usage', 'filters are not applicable to list tags result')
  if (reference.tag !== undefined || reference.digest !== undefined)
    throw new TspodError('invalid-reference', `${name}: tags are listed of a name without a tag`)
  const tags = await listTags(reference, registryOptions(context, options), options.signal)
  const limit = options.limit === undefined ? defaultLimit : options.limit
  return { name: repositoryOf(reference), tags: limit === 0 ? tags : tags.slice(0, limit) }
}

function placesOf(context: Context, term: string): { hosts: readonly string[]; rest: string } {
  const slash = term.indexOf('/')
  const first = term.slice(0, Math.max(slash, 0))
  if (slash !== -1 && (/[.:]/.test(first) || first === 'localhost')) {
    parseReference(`${first}/any`)
    return { hosts: [first], rest: term.slice(slash + 1) }
  }
  const { searchRegistries, path } = readRegistriesConfig(context.env)
  const hosts = searchRegistries ?? [defaultDomain]
  if (hosts.length === 0)
    throw new TspodError('config-invalid', `no unqualified-search registries are defined in "${path}": name one`)
  return { hosts, rest: term }
}

function filterTest(filters: readonly string[]): (result: SearchResult) => boolean {
  const tests = filters.map((filter): ((result: SearchResult) => boolean) => {
    const [key = '', value] = filter.split(/=(.*)/s)
    if (key === 'stars' && /^\d{1,9}$/.test(value ?? '')) return ({ stars }) => stars >= Number(value)
    const wanted = value === undefined || value === 'true' || value === '1'
    if (wanted || value === 'false' || value === '0') {
      if (key === 'is-official') return ({ official }) => official === wanted
      if (key === 'is-automated') return ({ automated }) => automated === wanted
    }
    throw new TspodError(
      'usage',
      `invalid filter ${JSON.stringify(filter)}: there are stars=N, is-official=BOOL and is-automated=BOOL`,
    )
  })
  return (result) => tests.every((test) => test(result))
}
