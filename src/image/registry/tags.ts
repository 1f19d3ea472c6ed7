import { TspodError } from '../../base/errors.js'
import { isTag, type Reference } from '../reference.js'
import { header, readBody } from './http.js'
import { responseError } from './repository.js'
import { openRepository, type RegistryOptions } from './source.js'

const maximumPageSize = 4 * 1024 * 1024
const maximumTags = 100_000
/** Registries give a hundred at a time, or more. */
const maximumPages = 1000

/** Every tag of a repository, page by page (distribution-spec, “Listing Tags”). */
export async function listTags(
  reference: Reference,
  options: RegistryOptions,
  signal?: AbortSignal,
): Promise<string[]> {
  const { repository, http } = openRepository(reference, options)
  try {
    const tags = new Set<string>()
    let pages = 0
    for (let path: string | undefined = 'tags/list'; path !== undefined;) {
      if (++pages > maximumPages)
        throw new TspodError('limit-exceeded', `${repository.name} has more than ${String(maximumPages)} pages of tags`)
      const response = await repository.send({ method: 'GET', path, headers: { accept: 'application/json' }, signal })
      if (response.status !== 200) throw await responseError(response, `listing the tags of ${repository.name}`)
      const before = tags.size
      for (const tag of parseTags(await readBody(response, maximumPageSize, 'a list of tags'))) tags.add(tag)
      if (tags.size > maximumTags)
        throw new TspodError('limit-exceeded', `${repository.name} has more than ${String(maximumTags)} tags`)
      /* A next page that brings nothing new would be followed by itself for ever. */
      path = tags.size === before ? undefined : nextPage(header(response, 'link'))
    }
    return [...tags]
  } finally {
    http.close()
  }
}

function parseTags(body: Buffer): readonly string[] {
  let value: { tags?: unknown } | null
  try {
    value = JSON.parse(body.toString('utf8')) as typeof value
  } catch (error) {
    throw new TspodError('registry-error', 'the list of tags is not JSON', { cause: error })
  }
  const tags = value?.tags ?? []
  if (!Array.isArray(tags)) throw new TspodError('registry-error', 'the list of tags is none')
  return tags.filter((tag): tag is string => typeof tag === 'string' && isTag(tag))
}

/** RFC 8288; only its query is followed, on the same path. */
function nextPage(link: string | undefined): string | undefined {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1]
  const query = target === undefined ? -1 : target.indexOf('?')
  return target === undefined || query === -1 ? undefined : `tags/list${target.slice(query)}`
}
