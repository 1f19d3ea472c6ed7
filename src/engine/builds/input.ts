import { readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, join, resolve, sep } from 'node:path'
import { TspodError } from '../../base/errors.js'
import {
  classifyContext,
  openContext,
  openDownload,
  type BuildContext,
  type ContextTools,
} from '../../build/context/index.js'
import { parseDockerfile, type Dockerfile } from '../../build/dockerfile/index.js'
import { readIgnoreFile } from './ignore-file.js'
import type { BuildOptions, DockerfileText } from './options.js'

/** What a build begins with: its Dockerfile, and the folder that it copies from. */
export interface BuildInput {
  readonly file: Dockerfile
  /** Undefined: only a Dockerfile came. */
  readonly folder: string | undefined
  /** Patterns of what is not there for it. */
  readonly ignore: readonly string[]
  /** Newest time of the Dockerfiles, RFC 3339; undefined where there is none. */
  readonly modified: string | undefined
  close(): Promise<void>
}

const usualNames = ['Containerfile', 'Dockerfile', 'dockerfile']
/** The parser refuses more; this is for files that are no Dockerfiles at all. */
const largestFile = 64 * 1024 * 1024

/** Brings the context here, and reads the Dockerfiles. */
export async function openInput(options: BuildOptions, tools: ContextTools): Promise<BuildInput> {
  const { signal } = options
  const context = await openBuildContext(options, tools)
  try {
    const files = await readDockerfiles(options, context, tools, signal)
    const [first] = files
    if (first === undefined) throw new TspodError('internal', 'a build without a Dockerfile')
    const text = files.map((file) => file.text).join('\n')
    const modified = Math.max(...files.map((file) => file.modified ?? -1))
    return {
      file: parseDockerfile(text, first.name),
      folder: context.folder,
      ignore: readIgnoreFile(context.folder, options.ignoreFile, first.path),
      modified: modified < 0 ? undefined : new Date(modified).toISOString(),
      close: () => context.close(),
    }
  } catch (error) {
    await context.close()
    throw error
  }
}

function openBuildContext({ context, buildArgs, signal }: BuildOptions, tools: ContextTools): Promise<BuildContext> {
  if (context === undefined) return Promise.resolve({ folder: undefined, close: () => Promise.resolve() })
  const keepGitDir = /^(?:1|t|true)$/i.test(buildArgs?.['BUILDKIT_CONTEXT_KEEP_GIT_DIR'] ?? '')
  const source =
    typeof context === 'string' ? classifyContext(context, process.cwd()) : ({ kind: 'bytes', bytes: context } as const)
  return openContext(source, { keepGitDir, signal }, tools)
}

interface ReadFile extends DockerfileText {
  /** Where it is on this machine. */
  readonly path?: string
  /** Milliseconds since 1970. */
  readonly modified?: number
}

async function readDockerfiles(
  { files = [], context: asked }: BuildOptions,
  context: BuildContext,
  tools: ContextTools,
  signal: AbortSignal | undefined,
): Promise<readonly ReadFile[]> {
  if (context.dockerfile !== undefined) return [{ name: 'Dockerfile', text: context.dockerfile }]
  /* Of another's making, as opposed to a folder of the caller's own. */
  const isForeign = typeof asked !== 'string' || context.folder !== resolve(asked)
  if (files.length === 0) return [readUsual(context.folder, isForeign)]
  const read: ReadFile[] = []
  for (const file of files) {
    if (typeof file !== 'string') read.push(file)
    else if (/^https?:\/\//.test(file)) read.push(await download(file, tools, signal))
    else read.push(readNamed(file, context.folder, isForeign))
  }
  return read
}

function readUsual(folder: string | undefined, isForeign: boolean): ReadFile {
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
function readNamed(file: string, folder: string | undefined, isForeign: boolean): ReadFile {
  const here = resolve(file)
  if (!isForeign && isFile(here)) return readFrom(here, file)
  const inside = folder === undefined ? undefined : resolve(folder, file)
  if (folder !== undefined && inside !== undefined && isFile(inside))
    return readBeneath(folder, inside, file, isForeign)
  if (isFile(here)) return readFrom(here, file)
  throw new TspodError(
    'invalid-argument',
    `the specified Containerfile or Dockerfile does not exist, ${file}: no such file or directory`,
  )
}

/** A link of a context that came from elsewhere leads to nothing of the caller's. */
function readBeneath(folder: string, path: string, name: string, isForeign: boolean): ReadFile {
  if (isForeign) {
    const top = realpathSync(folder)
    const real = realpathSync(path)
    if (!real.startsWith(`${top}${sep}`))
      throw new TspodError('invalid-argument', `${name} leads out of the build context`)
  }
  return readFrom(path, name)
}

function readFrom(path: string, name: string): ReadFile {
  try {
    const { size, mtimeMs } = statSync(path)
    if (size > largestFile)
      throw new TspodError('limit-exceeded', `${name} is larger than ${String(largestFile >> 20)} MiB`)
    return { name: basename(name), text: readFileSync(path, 'utf8'), path, modified: mtimeMs }
  } catch (error) {
    if (error instanceof TspodError) throw error
    throw new TspodError('io', `reading ${name}`, { cause: error })
  }
}

async function download(url: string, tools: ContextTools, signal: AbortSignal | undefined): Promise<ReadFile> {
  const fetched = await openDownload(url, { signal }, tools)
  try {
    const { text } = readFrom(join(await fetched.folder(), fetched.name), fetched.name)
    return { name: fetched.name, text }
  } finally {
    await fetched.close()
  }
}

/** Not only regular ones: `-f <(command)` is a pipe. */
function isFile(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat !== undefined && !stat.isDirectory()
}
