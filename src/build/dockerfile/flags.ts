import { invalid } from './error.js'
import type { InstructionFlag } from './syntax.js'
import { suggestion } from './text.js'

type FlagType = 'boolean' | 'string' | 'strings'

/** The flags of each instruction; those that are not named have none. */
const known: Readonly<Record<string, Readonly<Record<string, FlagType>>>> = {
  FROM: { platform: 'string' },
  ADD: {
    chown: 'string',
    chmod: 'string',
    link: 'boolean',
    'keep-git-dir': 'boolean',
    checksum: 'string',
    unpack: 'boolean',
    exclude: 'strings',
  },
  COPY: {
    chown: 'string',
    chmod: 'string',
    link: 'boolean',
    from: 'string',
    parents: 'boolean',
    exclude: 'strings',
  },
  RUN: { mount: 'strings', network: 'string', security: 'string', device: 'strings' },
  HEALTHCHECK: {
    interval: 'string',
    timeout: 'string',
    'start-period': 'string',
    'start-interval': 'string',
    retries: 'string',
  },
}

/** `--name=value` words as flags: names and kinds of value are those of the instruction, and only lists repeat. */
export function parseFlags(kind: string, words: readonly string[]): InstructionFlag[] {
  const types = known[kind] ?? {}
  const seen = new Set<string>()
  return words.map((word) => {
    const equals = word.indexOf('=')
    const name = word.slice(2, equals === -1 ? undefined : equals)
    const value = equals === -1 ? undefined : word.slice(equals + 1)
    const type = Object.hasOwn(types, name) ? types[name] : undefined
    if (type === undefined) throw invalid(`unknown flag: --${name}${suggestion(name, Object.keys(types))}`)
    if (seen.has(name) && type !== 'strings') throw invalid(`duplicate flag specified: --${name}`)
    seen.add(name)
    requireValue(name, type, value)
    return { name, value }
  })
}

function requireValue(name: string, type: FlagType, value: string | undefined): void {
  if (type !== 'boolean') {
    if (value === undefined) throw invalid(`missing a value on flag: --${name}`)
    return
  }
  if (value === '') throw invalid(`missing a value on flag: --${name}`)
  if (value !== undefined && !/^(?:true|false)$/i.test(value))
    throw invalid(`expecting boolean value for flag --${name}, not: ${value}`)
}

/** The value of a flag that may stand once. */
export function flagValue(flags: readonly InstructionFlag[], name: string): string | undefined {
  return flags.find((flag) => flag.name === name)?.value
}

/** The values of a flag that may stand several times. */
export function flagValues(flags: readonly InstructionFlag[], name: string): string[] {
  return flags.flatMap((flag) => (flag.name === name && flag.value !== undefined ? [flag.value] : []))
}

/** Undefined if the flag was not given. */
export function booleanFlag(flags: readonly InstructionFlag[], name: string): boolean | undefined {
  const flag = flags.find((each) => each.name === name)
  return flag === undefined ? undefined : flag.value?.toLowerCase() !== 'false'
}
