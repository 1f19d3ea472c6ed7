import { closeSync, fstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs'
import { basename, join, resolve, sep } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { BuildContext, ContextTools } from '../../build/context/index.js'
import { checkSource, largestSource } from '../../build/dockerfile/index.js'
import type { BuildOptions } from './options.js'
import type { PreprocessOptions } from './preprocess.js'

/** A Dockerfile, as it came: the parser says what is wrong with it. */
export interface ReadDockerfile {
  readonly name: string
  readonly source: Buffer | string
  /** Where it is on this machine. */
  readonly path?: string
  /** Milliseconds since 1970. */
  readonly modified?: number
}

const newline = Buffer.from('\n')
const usualNames = ['Containerfile', 'Dockerfile', 'dockerfile']

/** Those that are named, or the context's own; preprocessed where their names say so. One at least. */
export async function readDockerfiles(
  { files = [], context: asked, cppFlags, signal }: BuildOptions,
  context: BuildContext,
  tools: ContextTools,
): Promise<readonly [ReadDockerfile, ...ReadDockerfile[]]> {
  if (context.dockerfile !== undefined) return [{ name: 'Dockerfile', source: context.dockerfile }]
  /* Of another's making, as opposed to a folder of the caller's own. */
  const isForeign = typeof asked !== 'string' || context.folder !== resolve(asked)
  const read: ReadDockerfile[] = []
  for (const file of files) {
    if (typeof file !== 'string') read.push({ name: file.name, source: textOf(file.text) })
    else if (/^https?:\/\//.test(file)) read.push(await download(file, tools, signal))
    else
      read.push(
        await finished(readNamed(file, context.folder, isForeign), context.folder, { env: tools.env, flags: cppFlags }),
      )
  }
  const [first = readUsual(context.folder, isForeign), ...rest] = read
  return [first, ...rest]
}

/** All of them as one. Throws for one that is none by itself, under its own name. */
export function joined(files: readonly ReadDockerfile[]): Buffer | string {
  const [first] = files
  if (first !== undefined && files.length === 1) return first.source
  for (const { source, name } of files) checkSource(source, name)
  const lines = files.flatMap(({ source }) => [typeof source === 'string' ? Buffer.from(source) : source, newline])
  return Buffer.concat(lines.slice(0, -1))
}

function textOf(text: string | Uint8Array): Buffer | string {
  return typeof text === 'string' ? text : Buffer.from(text.buffer, text.byteOffset, text.byteLength)
}

interface Named extends ReadDockerfile {
  readonly source: Buffer
  /** It came with a context of another's. */
  readonly isForeign: boolean
}

/** cpp includes whatever file a Containerfile.in names, so only the caller's own are for it. */
async function finished(
  { isForeign, ...file }: Named,
  folder: string | undefined,
  options: Pick<PreprocessOptions, 'env' | 'flags'>,
): Promise<ReadDockerfile> {
  if (!file.name.endsWith('.in')) return file
  if (isForeign)
    throw new TspodError(
      'not-supported',
      `${file.name}: cpp could include any file of yours in it: fetch the context first, and build it as a folder`,
    )
  checkSource(file.source, file.name)
  const { preprocess } = await import('./preprocess.js')
  return { ...file, source: await preprocess(file.source, file.name, { ...options, folder, maximum: largestSource }) }
}

function readUsual(folder: string | undefined, isForeign: boolean): ReadDockerfile {
  if (folder === undefined)
    throw new TspodError('invalid-argument', 'there is neither a Dockerfile nor a build context')
  for (const name of usualNames) {
    const path = join(folder, name)
    if (isFile(path)) return readBeneath(folder, path, name, isForeign)
  }
  throw new TspodError(
    'invalid-argument',
    `no Containerfile or Dockerfile specified or found in context directory, ${folder}: no such file or directory`,
  )
}

/** As it is named from where the caller stands, then from the context. */
function readNamed(file: string, folder: string | undefined, isForeign: boolean): Named {
  const here = resolve(file)
  if (!isForeign && isFile(here)) return { ...readFrom(here, file), isForeign: false }
  const inside = folder === undefined ? undefined : resolve(folder, file)
  if (folder !== undefined && inside !== undefined && isFile(inside))
    return { ...readBeneath(folder, inside, file, isForeign), isForeign }
  if (isFile(here)) return { ...readFrom(here, file), isForeign: false }
  throw new TspodError(
    'invalid-argument',
    `the specified Containerfile or Dockerfile does not exist, ${file}: no such file or directory`,
  )
}

/** A link of a context that came from elsewhere leads to nothing of the caller's. */
function readBeneath(folder: string, path: string, name: string, isForeign: boolean): Omit<Named, 'isForeign'> {
  if (isForeign) {
    const top = realpathSync(folder)
    const real = realpathSync(path)
    if (!real.startsWith(`${top}${sep}`))
      throw new TspodError('invalid-argument', `${name} leads out of the build context`)
  }
  return readFrom(path, name)
}

function readFrom(path: string, name: string): Omit<Named, 'isForeign'> {
  try {
    const fd = openSync(path, 'r')
    try {
      return { name: basename(name), source: readStart(fd), path, modified: fstatSync(fd).mtimeMs }
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    throw new TspodError('io', `reading ${name}`, { cause: error })
  }
}

/** All of it, or so much that the parser refuses it: pipes and devices may have no end. */
function readStart(fd: number): Buffer {
  const chunks: Buffer[] = []
  for (let length = 0; length <= largestSource;) {
    const chunk = Buffer.allocUnsafe(Math.min(1 << 20, Math.max(fstatSync(fd).size + 1, 64 << 10)))
    const count = readSync(fd, chunk)
    if (count === 0) break
    chunks.push(chunk.subarray(0, count))
    length += count
  }
  return Buffer.concat(chunks)
}

async function download(url: string, tools: ContextTools, signal: AbortSignal | undefined): Promise<ReadDockerfile> {
  const { openDownload } = await import('../../build/context/download.js')
  const fetched = await openDownload(url, { signal }, tools)
  try {
    const { source } = readFrom(join(await fetched.folder(), fetched.name), fetched.name)
    return { name: fetched.name, source }
  } finally {
    await fetched.close()
  }
}

/** Not only regular ones: `-f <(command)` is a pipe. */
function isFile(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat !== undefined && !stat.isDirectory()
}
