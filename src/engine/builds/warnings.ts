import { TspodError } from '../../base/errors.js'
import { parseTrigger, unusedBuildArgs, type Instruction } from '../../build/dockerfile/index.js'
import { lintDockerfile } from '../../build/dockerfile/lint/index.js'
import { IgnoreMatcher } from '../../build/ignore.js'
import { completePlatform } from '../../image/platform.js'
import type { Produced } from './produce.js'

/**
 * Tells what is doubtful in the stages that were built, by BuildKit's rules, now that their base images are known. Throws
 * build-failed if the file wants warnings to be errors (`# check=error=true`).
 */
export function tellWarnings(produced: Produced): void {
  tellUnusedArgs(produced)
  tellSyntax(produced)
  const { session, input, products, images } = produced
  const { options, report } = session
  const { file, ignore } = input
  const buildArgs = options.buildArgs ?? {}
  const { warnings, failed } = lintDockerfile(file, {
    facts: {
      buildArgs,
      buildPlatform: completePlatform(),
      targetPlatform: products[0]?.platform ?? completePlatform(),
      target: options.target,
    },
    onlyNeeded: true,
    ignore: ignore.length === 0 ? undefined : new IgnoreMatcher(ignore),
    check: buildArgs['BUILDKIT_DOCKERFILE_CHECK'],
    context: (name) => (options.contexts !== undefined && Object.hasOwn(options.contexts, name) ? name : undefined),
    image: (reference) => images.find(({ name }) => name === reference),
  })
  for (const { rule, message, line } of warnings) report.warning(message, { rule, line })
  if (!failed) return
  const rules = Array.from(new Set(warnings.map(({ rule }) => rule)))
  throw new TspodError('build-failed', `${file.filename}: lint violation found for rules: ${rules.join(', ')}`)
}

function tellUnusedArgs({ session, input, images }: Produced): void {
  const triggers = images.flatMap(({ config }) => config.OnBuild ?? []).flatMap(readable)
  const unused = unusedBuildArgs(input.file, session.options.buildArgs ?? {}, triggers)
  if (unused.length > 0) session.report.warning(`one or more build-args [${unused.join(' ')}] were not consumed`)
}

/** What is no instruction has failed the build already, or the image was only copied from. */
function readable(trigger: string): Instruction[] {
  try {
    return [parseTrigger(trigger, 'ONBUILD')]
  } catch (error) {
    if (error instanceof TspodError) return []
    throw error
  }
}

/** `# syntax=` names another program that would read the file. */
function tellSyntax({ session, input }: Produced): void {
  const { syntax } = input.file.directives
  if (syntax === undefined) return
  const [ours, version = ''] = /^(?:docker\.io\/)?docker\/dockerfile(?:-upstream)?(?::(.+))?$/.exec(syntax) ?? []
  const [, minor = '0'] = /^1\.(\d+)/.exec(version) ?? []
  if (ours !== undefined && Number(minor) <= 20) return
  session.report.warning(`"# syntax=${syntax}" is ignored: the file is read as docker/dockerfile:1.20`, { line: 1 })
}
