import { createWriteStream } from 'node:fs'
import { chmod, utimes } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { Digest } from '../../oci/image-spec.js'
import { ensureFolder, readCached, removeFile, writeFileAtomic } from '../../state/file.js'
import type { ContextTools, Fetched } from './tools.js'
import { makeWorkFolder, type WorkFolder } from './work-folder.js'

export interface DownloadOptions {
  /** `--checksum`: what is downloaded must have it. */
  readonly checksum?: Digest
  readonly signal?: AbortSignal | undefined
}

/** A file behind a URL: known by its digest before it is needed, fetched when it is. */
export interface Download {
  readonly digest: Digest
  /** The last part of the URL's path, `__unnamed__` if there is none (BuildKit). */
  readonly name: string
  /** A folder with nothing but the file: mode 0600, its time the server's Last-Modified (0 if there is none). */
  folder(): Promise<string>
  close(): Promise<void>
}

/** What the last answer of a server was, so that the same is not fetched twice to know that it is. */
interface Known {
  readonly url: string
  readonly digest: Digest
  readonly etag?: string
  readonly lastModified?: string
}

/**
 * Finds out what a URL has: with a checksum without asking, with what is known of an earlier answer by asking whether that
 * still holds, otherwise by downloading it.
 */
export async function openDownload(url: string, options: DownloadOptions, tools: ContextTools): Promise<Download> {
  const file = join(tools.cache, 'downloads', `${(await tools.digestOf(Buffer.from(url))).replace(/^.*:/, '')}.json`)
  const known = readKnown(file, url)
  let fetched: Promise<Landed> | undefined
  const land = (expected: Digest | undefined, answer?: Fetched): Promise<Landed> =>
    (fetched ??= download({ url, expected, answer, file }, options, tools))
  let digest = options.checksum
  if (digest === undefined) {
    const answer = await ask(url, known, options, tools)
    if (answer === undefined && known !== undefined) digest = known.digest
    else digest = (await land(undefined, answer)).digest
  }
  const settled = digest
  return {
    digest: settled,
    name: nameOf(url),
    folder: async () => (await land(settled)).folder.path,
    async close() {
      const landed = await fetched?.catch(() => undefined)
      await landed?.folder.close()
    },
  }
}

interface Landed {
  readonly folder: WorkFolder
  readonly digest: Digest
}

/** Undefined: what is known still holds. */
async function ask(
  url: string,
  known: Known | undefined,
  options: DownloadOptions,
  tools: ContextTools,
): Promise<Fetched | undefined> {
  const target = new URL(url)
  const headers = {
    ...authorization(target),
    ...(known?.etag === undefined ? {} : { 'if-none-match': known.etag }),
    ...(known?.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }),
  }
  const answer = await tools.fetch({ method: 'GET', url: target, headers, signal: options.signal })
  if (answer.status === 304 && known !== undefined) {
    answer.discard()
    return undefined
  }
  return requireOk(answer, url)
}

/** What stands in front of the `@` goes into a header, which redirects to elsewhere do not get. */
function authorization(url: URL): Record<string, string> {
  const { username, password } = url
  if (username === '') return {}
  url.username = ''
  url.password = ''
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(text).toString('base64')}` }
}

function requireOk(answer: Fetched, url: string): Fetched {
  if (answer.status >= 200 && answer.status < 300) return answer
  answer.discard()
  throw new TspodError('registry-error', `${withoutUser(url)}: the server answered ${String(answer.status)}`)
}

interface Wanted {
  readonly url: string
  readonly expected: Digest | undefined
  readonly answer: Fetched | undefined
  readonly file: string
}

async function download(wanted: Wanted, options: DownloadOptions, tools: ContextTools): Promise<Landed> {
  const { url, expected, file } = wanted
  const answer = wanted.answer ?? (await ask(url, undefined, options, tools))
  if (answer === undefined) throw new TspodError('registry-error', `${withoutUser(url)}: the server answered 304`)
  const folder = makeWorkFolder(tools)
  try {
    const path = join(folder.path, nameOf(url))
    const digest = await writeBody(answer, path, expected, options.signal)
    if (expected !== undefined && digest !== expected) {
      throw new TspodError('digest-mismatch', `${withoutUser(url)} has digest ${digest}, not ${expected}`)
    }
    const lastModified = header(answer, 'last-modified')
    await chmod(path, 0o600)
    await utimes(path, ...timesOf(lastModified))
    remember(file, url, digest, answer)
    return { folder, digest }
  } catch (error) {
    await folder.close()
    throw error
  }
}

async function writeBody(
  answer: Fetched,
  path: string,
  expected: Digest | undefined,
  signal: AbortSignal | undefined,
): Promise<Digest> {
  const { createHash } = await import('node:crypto')
  const { pipeline } = await import('node:stream/promises')
  const algorithm = expected?.split(':', 1)[0] ?? 'sha256'
  if (!['sha256', 'sha384', 'sha512'].includes(algorithm)) {
    throw new TspodError('invalid-argument', `unsupported checksum "${String(expected)}"`)
  }
  const hash = createHash(algorithm)
  const hashed = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      hash.update(chunk)
      yield chunk
    }
  }
  await pipeline(answer.body, hashed, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal })
  return `${algorithm}:${hash.digest('hex')}`
}

/** Without validators the next build has to download it again: nothing is kept. */
function remember(file: string, url: string, digest: Digest, answer: Fetched): void {
  const etag = header(answer, 'etag')
  const lastModified = header(answer, 'last-modified')
  if (etag === undefined && lastModified === undefined) {
    removeFile(file)
    return
  }
  if (!digest.startsWith('sha256:')) return
  ensureFolder(join(file, '..'))
  const known: Known = {
    url,
    digest,
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
  }
  writeFileAtomic(file, JSON.stringify(known))
}

function readKnown(file: string, url: string): Known | undefined {
  const value = readCached(file)
  return isKnown(value) && value.url === url ? value : undefined
}

function isKnown(value: unknown): value is Known {
  if (typeof value !== 'object' || value === null || !('url' in value) || !('digest' in value)) return false
  const texts = ['etag', 'lastModified'].map((name) => (value as Readonly<Record<string, unknown>>)[name])
  return (
    typeof value.digest === 'string' &&
    /^sha256:[0-9a-f]{64}$/.test(value.digest) &&
    texts.every((text) => text === undefined || typeof text === 'string')
  )
}

function header({ headers }: Fetched, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

/** Seconds since 1970, for access and modification. */
function timesOf(lastModified: string | undefined): [number, number] {
  const time = lastModified === undefined ? Number.NaN : Date.parse(lastModified)
  const seconds = Number.isNaN(time) ? 0 : Math.max(0, Math.floor(time / 1000))
  return [seconds, seconds]
}

function nameOf(url: string): string {
  let path: string
  try {
    path = decodeURIComponent(new URL(url).pathname)
  } catch {
    path = new URL(url).pathname
  }
  const name = posix.basename(path)
  return name === '' || name === '.' || name === '..' || name.includes('\0') ? '__unnamed__' : name
}

function withoutUser(url: string): string {
  return url.replace(/^(https?:\/\/)[^/@]*@/, '$1')
}
