import { TspodError } from '../../base/errors.js'
import { largestSource } from '../dockerfile/source.js'
import type { ContextReference } from './classify.js'
import type { ContextTools } from './tools.js'
import { makeWorkFolder } from './work-folder.js'

/** A build's context: a folder of the caller's, used where it is, or one made for this build. */
export interface BuildContext {
  /** Where COPY finds things; undefined: there is none, as only a Dockerfile came. */
  readonly folder: string | undefined
  /** The Dockerfile, where one came alone. */
  readonly dockerfile?: Buffer
  /** The commit of a git context. */
  readonly commit?: string
  /** Lets go of what was made for it; a folder used in place stays. */
  close(): Promise<void>
}

export interface ContextOptions {
  /** A git context keeps its `.git` (BUILDKIT_CONTEXT_KEEP_GIT_DIR). */
  readonly keepGitDir?: boolean
  readonly signal?: AbortSignal | undefined
}

/** Brings a context here. Bytes are a tar archive in any compression, or a Dockerfile alone (`docker build -`). */
export async function openContext(
  source: ContextReference | { readonly kind: 'bytes'; readonly bytes: AsyncIterable<Uint8Array> },
  options: ContextOptions,
  tools: ContextTools,
): Promise<BuildContext> {
  switch (source.kind) {
    case 'folder':
      return { folder: source.path, close: () => Promise.resolve() }
    case 'bytes':
      return fromBytes(source.bytes, options, tools)
    case 'git': {
      const { checkoutGit } = await import('./git.js')
      const { commit, folder, close } = await checkoutGit(source.repository, options, tools)
      return { commit, folder, close }
    }
    case 'url': {
      const { openDownload } = await import('./download.js')
      const download = await openDownload(source.url, options, tools)
      try {
        return await fromBytes(await contentOf(await download.folder(), download.name), options, tools)
      } finally {
        await download.close()
      }
    }
  }
}

async function contentOf(folder: string, name: string): Promise<AsyncIterable<Uint8Array>> {
  const { createReadStream } = await import('node:fs')
  const { join } = await import('node:path')
  return createReadStream(join(folder, name), { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>
}

async function fromBytes(
  bytes: AsyncIterable<Uint8Array>,
  options: ContextOptions,
  tools: ContextTools,
): Promise<BuildContext> {
  const { start, whole } = await peek(bytes)
  if (start.length === 0)
    throw new TspodError('invalid-argument', 'the build context is empty: neither an archive nor a Dockerfile')
  if (!tools.isArchive(start)) {
    return { folder: undefined, dockerfile: await dockerfileOf(whole()), close: () => Promise.resolve() }
  }
  const folder = makeWorkFolder(tools)
  try {
    await tools.unpack(whole(), folder.path, options.signal)
    return { folder: folder.path, close: () => folder.close() }
  } catch (error) {
    await folder.close()
    throw error
  }
}

/** The first block, and all of it, from the first byte on. */
async function peek(
  bytes: AsyncIterable<Uint8Array>,
): Promise<{ start: Buffer; whole: () => AsyncGenerator<Uint8Array> }> {
  const iterator = bytes[Symbol.asyncIterator]()
  let start = Buffer.alloc(0)
  while (start.length < 512) {
    const next = await iterator.next()
    if (next.done === true) break
    start = Buffer.concat([start, next.value])
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      yield start
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
    } finally {
      await iterator.return?.()
    }
  }
  return { start, whole }
}

/** As much of it as the parser needs to refuse it, if it is too large. */
async function dockerfileOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    parts.push(chunk)
    length += chunk.length
    if (length > largestSource) break
  }
  return Buffer.concat(parts)
}
