import type { Platform } from '../../oci/image-spec.js'
import { expandWord } from './expand.js'
import { located } from './error.js'
import type { Dockerfile, Instruction } from './syntax.js'

/** What is the same for all stages of a build. */
export interface BuildFacts {
  /** `--build-arg`. */
  readonly buildArgs: Readonly<Record<string, string>>
  /** Where the build runs. */
  readonly buildPlatform: Platform
  /** What the image is for. */
  readonly targetPlatform: Platform
  /** `--target`; undefined: the last stage. */
  readonly target?: string | undefined
}

export type Variables = ReadonlyMap<string, string>

/**
 * What FROM sees, and what `ARG NAME` of a stage gets: the platform's arguments, and the file's before its first FROM. A
 * build argument goes before a default, and needs the ARG. Throws dockerfile-invalid, with the place.
 */
export function globalVariables(file: Dockerfile, facts: BuildFacts): Variables {
  const variables = platformArgs(facts, facts.target ?? file.stages.at(-1)?.name ?? '')
  for (const instruction of file.globalArgs)
    for (const { name, value } of instruction.args) {
      const given = ownValue(facts.buildArgs, name) ?? expanded(file, instruction.location.startLine, value, variables)
      if (given !== undefined) variables.set(name, given)
    }
  return variables
}

function expanded(file: Dockerfile, line: number, value: string | undefined, variables: Variables): string | undefined {
  if (value === undefined) return undefined
  return located(file.filename, line, () => expandWord(value, (name) => variables.get(name), { escape: file.escape }))
}

/** Every stage can name these by ARG, and FROM without; a build argument of the same name goes before. */
function platformArgs(facts: BuildFacts, target: string): Map<string, string> {
  const { buildPlatform: build, targetPlatform } = facts
  const values: readonly (readonly [string, string])[] = [
    ['BUILDPLATFORM', formatPlatform(build)],
    ['BUILDOS', build.os],
    ['BUILDOSVERSION', build['os.version'] ?? ''],
    ['BUILDARCH', build.architecture],
    ['BUILDVARIANT', build.variant ?? ''],
    ['TARGETPLATFORM', formatPlatform(targetPlatform)],
    ['TARGETOS', targetPlatform.os],
    ['TARGETOSVERSION', targetPlatform['os.version'] ?? ''],
    ['TARGETARCH', targetPlatform.architecture],
    ['TARGETVARIANT', targetPlatform.variant ?? ''],
    ['TARGETSTAGE', target === '' ? 'default' : target],
  ]
  return new Map(values.map(([name, value]) => [name, ownValue(facts.buildArgs, name) ?? value]))
}

/** `os/architecture`, `os/architecture/variant`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== undefined && part !== '').join('/')
}

const proxies = ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy', 'all_proxy'] as const

/**
 * The proxies among build arguments, or in an environment, in upper and lower case. RUN gets them without an ARG; they are no
 * part of the image, its history, or what a cached step depends on.
 */
export function proxyEnvironment(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const lower of proxies) {
    const upper = lower.toUpperCase()
    const [low, up] = [ownValue(values, lower) ?? '', ownValue(values, upper) ?? '']
    if (low === '' && up === '') continue
    environment[lower] = low === '' ? up : low
    environment[upper] = up === '' ? low : up
  }
  return environment
}

/** Arguments that every build takes, whether the file names them or not. */
export function isPredefined(name: string): boolean {
  return (
    proxies.some((proxy) => proxy === name.toLowerCase()) ||
    name === 'SOURCE_DATE_EPOCH' ||
    name.startsWith('BUILDKIT_') ||
    /^(?:BUILD|TARGET)(?:PLATFORM|OS|OSVERSION|ARCH|VARIANT|STAGE)$/.test(name)
  )
}

/** Build arguments that no ARG of the file, or of its base images' triggers, names: nothing would use them. */
export function unusedBuildArgs(
  file: Dockerfile,
  buildArgs: Readonly<Record<string, string>>,
  triggers: readonly Instruction[] = [],
): string[] {
  const named = new Set<string>()
  const own = file.stages.flatMap(({ instructions }) => instructions)
  for (const instruction of [...file.globalArgs, ...own, ...triggers])
    if (instruction.kind === 'ARG') for (const { name } of instruction.args) named.add(name)
  return Object.keys(buildArgs).filter((name) => !named.has(name) && !isPredefined(name))
}

export function ownValue(record: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
