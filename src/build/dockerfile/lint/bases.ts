import { TspodError } from '../../../base/errors.js'
import { expandWord } from '../expand.js'
import type { Dockerfile, Stage } from '../syntax.js'
import { suggestion } from '../text.js'
import { globalVariables, type BuildFacts, type Variables } from '../variables.js'
import type { LintReport } from './report.js'

/** The rules about what FROM names. */
export function lintBases(file: Dockerfile, facts: BuildFacts, report: LintReport): void {
  const globals = globalVariables(file, facts)
  const declared = new Set([...globals.keys(), ...file.globalArgs.flatMap(({ args }) => args.map(({ name }) => name))])
  const defaults = globalVariables(file, { ...facts, buildArgs: platformArgsOf(facts) })
  for (const stage of file.stages) {
    const own = report.under(stage.written?.comments)
    lintBase(file, stage, defaults, report)
    lintUndeclared(file, stage.base, stage, globals, declared, own)
    if (stage.platform === undefined) continue
    lintUndeclared(file, stage.platform, stage, globals, declared, own)
    lintPlatform(file, stage, stage.platform, globals, own)
  }
}

/** The platform's arguments count for a default where they were given. */
function platformArgsOf({ buildArgs }: BuildFacts): Record<string, string> {
  return Object.fromEntries(Object.entries(buildArgs).filter(([name]) => /^(?:TARGET|BUILD)[A-Z]+$/.test(name)))
}

function lintBase(file: Dockerfile, stage: Stage, defaults: Variables, report: LintReport): void {
  const name = expanded(file, stage.base, defaults)
  if (name !== undefined && !isReference(name))
    report.warn('InvalidDefaultArgInFrom', `without build arguments "${stage.base}" names no image`, stage.location)
}

function lintUndeclared(
  file: Dockerfile,
  word: string,
  { location }: Stage,
  globals: Variables,
  declared: ReadonlySet<string>,
  report: LintReport,
): void {
  const unset = new Set<string>()
  expanded(file, word, globals, unset)
  for (const name of unset)
    if (!declared.has(name))
      report.warn(
        'UndefinedArgInFrom',
        `argument "${name}" of FROM is not declared${suggestion(name, Array.from(declared))}`,
        location,
      )
}

function lintPlatform(file: Dockerfile, stage: Stage, platform: string, globals: Variables, report: LintReport): void {
  const unset = new Set<string>()
  const used = new Set<string>()
  const value = expanded(file, platform, globals, unset, used)
  if (unset.size === 0 && used.size === 1 && used.has('TARGETPLATFORM') && value === globals.get('TARGETPLATFORM'))
    report.warn('RedundantTargetPlatform', `${platform} is what FROM takes anyway`, stage.location)
  const [, system = '', architecture] = /^([a-z0-9]+)(?:\/([a-z0-9_]+)(?:\/[a-z0-9]+)?)?$/.exec(value ?? '') ?? []
  if (unset.size > 0 || used.size > 0 || system === '') return
  const name = stage.name ?? ''
  if (name.includes(system) || (architecture !== undefined && name.includes(architecture))) return
  report.warn(
    'FromPlatformFlagConstDisallowed',
    `the platform of FROM is always "${platform}": use a variable, or a stage name that says so`,
    stage.location,
  )
}

function expanded(
  file: Dockerfile,
  word: string,
  variables: Variables,
  unset = new Set<string>(),
  used = new Set<string>(),
): string | undefined {
  try {
    return expandWord(word, (name) => variables.get(name), { escape: file.escape, unset, used })
  } catch (error) {
    if (error instanceof TspodError) return undefined
    throw error
  }
}

/** A name that could be an image's: image-spec's and Docker's grammar of references. */
function isReference(text: string): boolean {
  const host = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\\[[0-9a-fA-F:]+\\])(?::\\d+)?/'
  const part = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
  const tag = ':\\w[\\w.-]{0,127}'
  const digest = '@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}'
  return (
    text.length < 1024 &&
    new RegExp(`^(?:${host})?${part}(?:/${part})*(?:${tag})?(?:${digest})?$`).test(text) &&
    !/^[0-9a-f]{64}$/.test(text)
  )
}
