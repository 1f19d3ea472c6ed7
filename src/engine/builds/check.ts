import { lintDockerfile, type LintWarning } from '../../build/dockerfile/lint/index.js'
import { unusedBuildArgs, type Dockerfile } from '../../build/dockerfile/index.js'
import { IgnoreMatcher } from '../../build/ignore.js'
import { completePlatform } from '../../image/platform.js'
import type { Context } from '../context.js'
import { findLocal } from '../images/find-local.js'
import { contextTools } from './context-tools.js'
import { openInput } from './input.js'
import type { BuildOptions, BuildWarning, CheckResult } from './options.js'

/** Looks for what is wrong or doubtful in the Dockerfiles, by BuildKit's rules; nothing is fetched and nothing is built. */
export async function checkBuild(context: Context, options: BuildOptions = {}): Promise<CheckResult> {
  using tools = contextTools(context)
  const input = await openInput(options, tools)
  try {
    const { file, ignore } = input
    const targetPlatform = completePlatform(options.platforms?.[0])
    const images = await knownImages(context, file)
    const { warnings, failed, error } = lintDockerfile(file, {
      facts: {
        buildArgs: options.buildArgs ?? {},
        buildPlatform: completePlatform(),
        targetPlatform,
        target: options.target,
      },
      ignore: ignore.length === 0 ? undefined : new IgnoreMatcher(ignore),
      check: options.buildArgs?.['BUILDKIT_DOCKERFILE_CHECK'],
      context: (name) => (options.contexts !== undefined && Object.hasOwn(options.contexts, name) ? name : undefined),
      image: (reference) => images.get(reference),
    })
    if (error !== undefined) throw error
    const unused = unusedBuildArgs(file, options.buildArgs ?? {})
    for (const name of unused) context.log('warn', `build argument ${name} is not used`)
    return { warnings: warnings.map((warning) => warningOf(file, warning)), failed }
  } finally {
    await input.close()
  }
}

/** What is here of the images that stages begin with. */
async function knownImages(context: Context, file: Dockerfile): Promise<Map<string, { config: object }>> {
  const found = new Map<string, { config: object }>()
  for (const { base } of file.stages) {
    if (base.includes('$')) continue
    const image = await findLocal(context, base, undefined).catch(() => undefined)
    if (image !== undefined) found.set(base, { config: image.config })
  }
  return found
}

function warningOf({ filename }: Dockerfile, warning: LintWarning): BuildWarning {
  return { file: filename, ...warning }
}
