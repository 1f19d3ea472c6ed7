import { TspodError } from '../../base/errors.js'
import type { Descriptor } from '../../oci/image-spec.js'
import { header, type HttpResponse } from './http.js'
import { responseError, type Repository } from './repository.js'
import { isTemporary, pauseAfter } from './retry.js'

export interface UploadOptions {
  /** Repositories on the same registry that have the blob, for “Mounting a blob from another repository”. */
  readonly mountFrom?: readonly string[]
  readonly signal?: AbortSignal | undefined
}

/** How a blob came to be there. */
export type Uploaded = 'existed' | 'mounted' | 'uploaded'

/** Up to here a blob goes in one PUT; above, by PATCH, so that a broken upload goes on where it broke. */
const monolithicBytes = 4 * 1024 * 1024
/** Where a proxy in front of the registry finds a request too large. */
const smallerChunkBytes = 16 * 1024 * 1024
/** Asking more repositories than these costs more than sending the blob. */
const maximumMounts = 2

/** Brings a blob to a repository unless it is there (distribution-spec, “Pushing Blobs”). `open` gives its verified bytes. */
export async function uploadBlob(
  repository: Repository,
  descriptor: Descriptor,
  open: () => AsyncIterable<Uint8Array>,
  options: UploadOptions = {},
): Promise<Uploaded> {
  const { signal } = options
  const retry = { ...repository.retry, signal }
  if (await hasBlob(repository, descriptor, signal)) return 'existed'
  for (let tries = 0; ; tries++) {
    try {
      const session = await openSession(repository, descriptor, options)
      if (session === undefined) return 'mounted'
      await (descriptor.size <= monolithicBytes
        ? sendWhole(repository, session, descriptor, open, signal)
        : sendChunked(repository, session, descriptor, open, signal))
      return 'uploaded'
    } catch (error) {
      await pauseAfter(error, tries, retry)
    }
  }
}

async function hasBlob(repository: Repository, descriptor: Descriptor, signal?: AbortSignal): Promise<boolean> {
  const response = await repository.send({ method: 'HEAD', path: `blobs/${descriptor.digest}`, signal })
  response.discard()
  if (response.status !== 200) return false
  const length = header(response, 'content-length')
  return length === undefined || Number(length) === descriptor.size
}

/** Opens an upload and answers where it goes; undefined if the blob was mounted instead. */
async function openSession(
  repository: Repository,
  descriptor: Descriptor,
  options: UploadOptions,
): Promise<URL | undefined> {
  const { signal } = options
  for (const from of (options.mountFrom ?? []).slice(0, maximumMounts)) {
    const response = await repository.send({
      method: 'POST',
      path: `blobs/uploads/?mount=${encodeURIComponent(descriptor.digest)}&from=${encodeURIComponent(from)}`,
      headers: { 'content-length': '0' },
      scope: `${repository.scope} repository:${from}:pull`,
      signal,
    })
    if (response.status === 201) {
      response.discard()
      return undefined
    }
    /* It will not, and has opened an upload instead; or may not, and the next question is the plain one. */
    if (response.status === 202) return locationOf(response)
    response.discard()
  }
  const response = await repository.send({
    method: 'POST',
    path: 'blobs/uploads/',
    headers: { 'content-length': '0' },
    signal,
  })
  if (response.status !== 202)
    throw await responseError(response, `uploading blob ${descriptor.digest} to ${repository.name}`)
  return locationOf(response)
}

async function sendWhole(
  repository: Repository,
  session: URL,
  descriptor: Descriptor,
  open: () => AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  const chunks: Uint8Array[] = []
  for await (const chunk of open()) chunks.push(chunk)
  await finish(repository, session, descriptor, Buffer.concat(chunks), signal)
}

/** One PATCH for all of it; after a failure the registry says how far it came, and the next one goes on from there. */
async function sendChunked(
  repository: Repository,
  first: URL,
  descriptor: Descriptor,
  open: () => AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  const retry = { ...repository.retry, signal }
  let session = first
  let offset = 0
  let chunkBytes = descriptor.size
  for (let failures = 0; offset < descriptor.size;) {
    const begin = offset
    const end = Math.min(begin + chunkBytes, descriptor.size)
    try {
      const response = await repository.send({
        method: 'PATCH',
        path: session,
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(end - begin),
          'content-range': `${String(begin)}-${String(end - 1)}`,
        },
        body: again(() => part(open(), begin, end, end === descriptor.size)),
        signal,
      })
      if (response.status === 413 && chunkBytes > smallerChunkBytes) {
        response.discard()
        chunkBytes = smallerChunkBytes
        continue
      }
      if (response.status !== 202 && response.status !== 204)
        throw await responseError(response, `uploading blob ${descriptor.digest} to ${repository.name}`)
      session = locationOf(response)
      offset = end
      failures = 0
    } catch (error) {
      if (!isTemporary(error)) throw error
      await pauseAfter(error, failures++, retry)
      const state = await progressOf(repository, session, signal)
      if (state === undefined || state.received > descriptor.size) throw error
      session = state.session
      offset = state.received
    }
  }
  await finish(repository, session, descriptor, new Uint8Array(0), signal)
}

/** distribution-spec: a GET of the upload says how many bytes have arrived. */
async function progressOf(
  repository: Repository,
  session: URL,
  signal?: AbortSignal,
): Promise<{ session: URL; received: number } | undefined> {
  const response = await repository.send({ method: 'GET', path: session, signal })
  if (response.status !== 204 && response.status !== 202) {
    response.discard()
    return undefined
  }
  const range = /^(?:bytes=)?0-(\d+)$/.exec(header(response, 'range') ?? '')
  /* `0-0` is one byte, or none: registries differ, and nothing is lost by sending it again from the start. */
  const received = range === null || range[1] === '0' ? 0 : Number(range[1]) + 1
  return { session: locationOf(response, session), received }
}

async function finish(
  repository: Repository,
  session: URL,
  descriptor: Descriptor,
  body: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  const url = new URL(session)
  url.searchParams.set('digest', descriptor.digest)
  const headers = { 'content-type': 'application/octet-stream' }
  const response = await repository.send({ method: 'PUT', path: url, headers, body, signal })
  if (response.status !== 201 && response.status !== 204)
    throw await responseError(response, `uploading blob ${descriptor.digest} to ${repository.name}`)
  response.discard()
}

/** Where the upload goes on. It may be on another host: then without our login. */
function locationOf(response: HttpResponse, otherwise?: URL): URL {
  const location = header(response, 'location')
  response.discard()
  if (location === undefined) {
    if (otherwise !== undefined) return otherwise
    throw new TspodError('registry-error', `${response.url.host} opened an upload without saying where`)
  }
  let url: URL
  try {
    url = new URL(location, response.url)
  } catch (error) {
    throw new TspodError('registry-error', `${response.url.host} wants an upload sent to what is no URL`, {
      cause: error,
    })
  }
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && response.url.protocol === 'http:')
  if (!isSafe)
    throw new TspodError('registry-error', `${response.url.host} wants an upload sent to ${url.protocol}//${url.host}`)
  return url
}

/** A body that can be sent anew when a login was asked for. */
function again(open: () => AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => open()[Symbol.asyncIterator]() }
}

/** The last part is read past its end, where what verifies the whole has its say. */
async function* part(
  chunks: AsyncIterable<Uint8Array>,
  start: number,
  end: number,
  isLast: boolean,
): AsyncGenerator<Uint8Array> {
  let at = 0
  for await (const chunk of chunks) {
    const from = Math.max(0, start - at)
    const to = Math.min(chunk.length, end - at)
    at += chunk.length
    if (from < to) yield from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to)
    if (at >= end && !isLast) return
  }
}
