import { TspodError } from '../../base/errors.js'
import { momentOf, parseMoment } from '../../base/moment.js'
import { compileGlob, matchGlob } from '../../build/glob.js'
import { parseReference } from '../../image/reference.js'
import type { Context } from '../context.js'
import { childrenOf, containersByImage, tagsOf, type CatalogImage } from './catalog.js'
import { findImage } from './lookup.js'
import { bareId, imageNotKnown } from './record.js'

export type ImageTest = (image: CatalogImage) => boolean

/** Podman's filters: the same key twice is “or”, but for labels, which is “and”; different keys are “and”. */
export async function imageTests(
  context: Context,
  filters: readonly string[],
  all: readonly CatalogImage[],
): Promise<ImageTest> {
  const groups = new Map<string, ImageTest[]>()
  for (const filter of filters) {
    const match = /^([^=!]+)(!?=)(.*)$/s.exec(filter)
    const [, key, operator, value] = match ?? []
    if (key === undefined || value === undefined) {
      throw new TspodError(
        'invalid-argument',
        `invalid image filter ${JSON.stringify(filter)}: must be in the format "filter=value or filter!=value"`,
      )
    }
    const test = await testOf(context, key, value, all)
    const own = operator === '!=' ? (image: CatalogImage) => !test(image) : test
    const group = key === 'label' || operator === '!=' ? `${key} ${operator ?? ''}${value}` : key
    groups.set(group, [...(groups.get(group) ?? []), own])
  }
  return (image) => [...groups.values()].every((group) => group.some((test) => test(image)))
}

async function testOf(context: Context, key: string, value: string, all: readonly CatalogImage[]): Promise<ImageTest> {
  switch (key) {
    case 'after':
    case 'since': {
      const { created, id } = await named(context, value, all)
      return (image) => image.id !== id && image.created > created
    }
    case 'before': {
      const { created, id } = await named(context, value, all)
      return (image) => image.id !== id && image.created < created
    }
    case 'until': {
      const until = parseMoment(value, context.clock())
      return (image) => momentOf(image.created) < until
    }
    case 'containers':
      return containersTest(context, value)
    case 'dangling':
      return booleanTest(key, value, (image) => isDangling(image, all))
    case 'intermediate':
      return booleanTest(key, value, (image) => isIntermediate(image, all))
    case 'readonly':
      return booleanTest(key, value, () => false)
    case 'manifest':
      return booleanTest(key, value, (image) => /index|list/.test(image.record.mediaType))
    case 'id':
      return (image) => bareId(image.id).startsWith(value.replace(/^sha256:/, ''))
    case 'digest':
      return (image) =>
        image.digests.some((digest) => digest.startsWith(value.includes(':') ? value : `sha256:${value}`))
    case 'label':
      return labelTest(value)
    case 'reference':
      return referenceTest(value)
    default:
      throw new TspodError('invalid-argument', `unsupported image filter ${JSON.stringify(key)}`)
  }
}

/** No tag, and nothing was built on it. */
export function isDangling(image: CatalogImage, all: readonly CatalogImage[]): boolean {
  return image.names.length === 0 && childrenOf(image, all).length === 0
}

/** No tag, but something was built on it. */
export function isIntermediate(image: CatalogImage, all: readonly CatalogImage[]): boolean {
  return tagsOf(image).length === 0 && image.names.length === 0 && childrenOf(image, all).length > 0
}

/**
 * Whether a pattern names an image. It has to fit a whole name, or what is left of it behind a slash, with the tag or
 * without; `*` is for anything but a slash, as in Go's path.Match.
 */
export function referenceTest(pattern: string): ImageTest {
  const glob = compileGlob(pattern)
  const normalized = normalizedName(pattern)
  return (image) =>
    image.names.some((name) => {
      const bare = name.replace(/(?:@|:)[^/]*$/, '')
      const parts = bare.split('/')
      const endings = parts.map((_, at) => parts.slice(at).join('/'))
      const tag = name.slice(bare.length)
      if (name === normalized || bare === normalized) return true
      return endings.some((one) => matchGlob(glob, one) || matchGlob(glob, `${one}${tag}`))
    })
}

function normalizedName(pattern: string): string {
  try {
    const { domain, path, tag } = parseReference(pattern)
    return `${domain}/${path}${tag === undefined ? '' : `:${tag}`}`
  } catch {
    return pattern /* A pattern, no name. */
  }
}

function glob(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.')
  try {
    return new RegExp(`^${source}$`)
  } catch (error) {
    throw new TspodError('invalid-argument', `invalid pattern ${JSON.stringify(pattern)}`, { cause: error })
  }
}

function labelTest(value: string): ImageTest {
  const equals = value.indexOf('=')
  const key = equals === -1 ? value : value.slice(0, equals)
  const wanted = equals === -1 ? undefined : value.slice(equals + 1)
  return ({ record }) => {
    const labels = record.config.Labels ?? {}
    const found = Object.entries(labels).filter(([name]) => (key.includes('*') ? glob(key).test(name) : name === key))
    return found.some(
      ([, text]) => wanted === undefined || (wanted.includes('*') ? glob(wanted).test(text) : text === wanted),
    )
  }
}

function containersTest(context: Context, value: string): ImageTest {
  const used = containersByImage(context)
  return booleanTest('containers', value === 'external' ? 'false' : value, (image) => used.has(bareId(image.id)))
}

function booleanTest(key: string, value: string, test: ImageTest): ImageTest {
  if (/^(?:1|t|true|TRUE|True|T)$/.test(value)) return test
  if (/^(?:0|f|false|FALSE|False|F)$/.test(value)) return (image) => !test(image)
  throw new TspodError('invalid-argument', `non-boolean value ${JSON.stringify(value)} for ${key} filter`)
}

async function named(context: Context, name: string, all: readonly CatalogImage[]): Promise<CatalogImage> {
  const found = await findImage(
    context,
    all.flatMap((image) => image.entries),
    name,
  )
  const image = found === undefined ? undefined : all.find((one) => one.entries.includes(found.entry))
  if (image === undefined) throw imageNotKnown(name)
  return image
}
