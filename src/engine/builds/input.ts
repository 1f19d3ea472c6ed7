import { classifyContext, openContext, type BuildContext, type ContextTools } from '../../build/context/index.js'
import { parseDockerfile, type Dockerfile } from '../../build/dockerfile/index.js'
import { joined, readDockerfiles } from './dockerfiles.js'
import { readIgnoreFile } from './ignore-file.js'
import type { BuildOptions } from './options.js'

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

/** Brings the context here, and reads the Dockerfiles. */
export async function openInput(options: BuildOptions, tools: ContextTools): Promise<BuildInput> {
  const context = await openBuildContext(options, tools)
  try {
    const files = await readDockerfiles(options, context, tools)
    const [first] = files
    const modified = Math.max(...files.map((file) => file.modified ?? -1))
    return {
      file: parseDockerfile(joined(files), first.name),
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
