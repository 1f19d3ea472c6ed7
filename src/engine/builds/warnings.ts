import { TspodError } from '../../base/errors.js'
import { lintDockerfile } from '../../build/dockerfile/lint/index.js'
import { IgnoreMatcher } from '../../build/ignore.js'
import { completePlatform } from '../../image/platform.js'
import type { Produced } from './produce.js'

/**
 * Tells what is doubtful in the stages that were built, by BuildKit's rules, now that their base images are known. Throws
 * build-failed if the file wants warnings to be errors (`# check=error=true`).
 */
export function tellWarnings({ session, input, products, images }: Produced): void {
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
