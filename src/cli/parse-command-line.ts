import { TspodError } from '../base/errors.js'
import { globalFlags, setGlobal, type GlobalName, type GlobalValues } from './argv.js'
import { scan, type FlagShape, type Occurrence } from './pflag.js'
import { messageOf } from './exit-status.js'

/** `--help` was among the flags. */
export class HelpRequested extends Error {}

export interface Parsed {
  readonly flags: Record<string, unknown>
  readonly args: Record<string, unknown>
  /** The positionals, in order. */
  readonly argv: string[]
  readonly raw: readonly []
  readonly metadata: { readonly flags: Record<string, { readonly setFromDefault: boolean }> }
  readonly nonExistentFlags: readonly []
  readonly given: ReadonlySet<string>
  readonly globals: GlobalValues
}

/** What of oclif's flag and argument declarations we honour. */
interface FlagDeclaration extends FlagShape {
  readonly multiple?: boolean
  readonly delimiter?: string
  /** An empty value is none: what scripts say whose variable is not set. */
  readonly emptyIsNone?: boolean
  readonly options?: readonly string[]
  readonly default?: unknown
  readonly required?: boolean
  readonly exclusive?: readonly string[]
  readonly dependsOn?: readonly string[]
  readonly parse: (input: never, context: never, options: never) => Promise<unknown>
}

interface ArgDeclaration {
  readonly required?: boolean
  readonly options?: readonly string[]
  readonly default?: unknown
  readonly parse: (input: never, context: never, options: never) => Promise<unknown>
}

interface Declaration {
  readonly id?: string
  readonly flags?: object
  readonly baseFlags?: object
  readonly args?: object
  readonly strict?: boolean
  readonly fenced?: boolean
  readonly positionals?: { readonly minimum?: number; readonly maximum?: number }
}

const helpFlag: FlagShape = { type: 'boolean', char: 'h' }

/** Reads a command's own argv by pflag's grammar and converts the values as oclif's declarations say. */
export async function parseCommandLine(
  argv: readonly string[],
  declared: Declaration,
  context: object,
): Promise<Parsed> {
  const flags = { ...declared.baseFlags, ...declared.flags } as Record<string, FlagDeclaration>
  const help = Object.values(flags).some((flag) => flag.char === 'h') ? { type: 'boolean' as const } : helpFlag
  const { occurrences, positionals } = scan(
    argv,
    { ...globalFlags, help, ...flags },
    { fenced: declared.fenced === true },
  )
  if (flags['help'] === undefined && occurrences.some(({ name, value }) => name === 'help' && value === 'true'))
    throw new HelpRequested()
  const given = new Set(occurrences.map(({ name }) => name))
  const values = await convertFlags(occurrences, flags, context)
  const defaulted = await fillDefaults(values, flags)
  checkRelations(given, flags)
  return {
    flags: values,
    args: await convertArgs(positionals, declared, context),
    argv: [...positionals],
    raw: [],
    metadata: { flags: Object.fromEntries(defaulted.map((name) => [name, { setFromDefault: true }])) },
    nonExistentFlags: [],
    given,
    globals: globalsAmong(occurrences, flags),
  }
}

function globalsAmong(occurrences: readonly Occurrence[], flags: Record<string, FlagDeclaration>): GlobalValues {
  const globals: GlobalValues = {}
  for (const { name, value } of occurrences) {
    if (Object.hasOwn(globalFlags, name) && !Object.hasOwn(flags, name)) setGlobal(globals, name as GlobalName, value)
  }
  return globals
}

async function convertFlags(
  occurrences: readonly Occurrence[],
  flags: Record<string, FlagDeclaration>,
  context: object,
) {
  const values: Record<string, unknown> = {}
  for (const { name, value, typed } of occurrences) {
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined
    if (flag === undefined) continue
    if (value === '' && flag.emptyIsNone === true) {
      if (flag.multiple !== true) values[name] = undefined
      continue
    }
    if (flag.multiple !== true) {
      values[name] = await convert(flag, value, typed, context)
      continue
    }
    const list = (values[name] ??= []) as unknown[]
    const inputs = flag.delimiter === undefined ? [value] : splitList(value, flag.delimiter)
    for (const input of inputs) list.push(await convert(flag, input, typed, context))
  }
  return values
}

/** As pflag's StringSlice: one line of CSV. */
function splitList(value: string, delimiter: string): string[] {
  if (value === '') return []
  if (!value.includes('"')) return value.split(delimiter)
  return [...value.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  )
}

async function convert(flag: FlagDeclaration, value: string, typed: string, context: object): Promise<unknown> {
  if (flag.options !== undefined && !flag.options.includes(value)) {
    throw new TspodError(
      'usage',
      `invalid argument "${value}" for "${typed}" flag: choose one of ${flag.options.join(', ')}`,
    )
  }
  const input = flag.type === 'boolean' ? value === 'true' : value
  try {
    return await flag.parse(input as never, context as never, flag as never)
  } catch (error) {
    if (error instanceof TspodError && error.code !== 'invalid-argument') throw error
    throw new TspodError('usage', `invalid argument "${value}" for "${typed}" flag: ${messageOf(error)}`)
  }
}

async function fillDefaults(
  values: Record<string, unknown>,
  flags: Record<string, FlagDeclaration>,
): Promise<string[]> {
  const defaulted: string[] = []
  for (const [name, flag] of Object.entries(flags)) {
    if (values[name] !== undefined) continue
    const fallback =
      typeof flag.default === 'function' ? await flag.default({ options: flag, flags: values }) : flag.default
    if (fallback !== undefined) {
      values[name] = fallback
      defaulted.push(name)
    } else if (flag.type === 'boolean') values[name] = false
    else if (flag.required === true) throw new TspodError('usage', `required flag --${name} is missing`)
  }
  return defaulted
}

function checkRelations(given: ReadonlySet<string>, flags: Record<string, FlagDeclaration>): void {
  for (const name of given) {
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined
    const other = flag?.exclusive?.find((rival) => given.has(rival))
    if (other !== undefined) throw new TspodError('usage', `--${name} and --${other} cannot be used together`)
    const needed = flag?.dependsOn?.find((wanted) => !given.has(wanted))
    if (needed !== undefined) throw new TspodError('usage', `--${name} needs --${needed}`)
  }
}

async function convertArgs(positionals: readonly string[], declared: Declaration, context: object) {
  const args = Object.entries((declared.args ?? {}) as Record<string, ArgDeclaration>)
  const required = args.filter(([, arg]) => arg.required === true).length
  const minimum = declared.positionals?.minimum ?? required
  const maximum = declared.positionals?.maximum ?? (declared.strict === false ? Infinity : args.length)
  checkCount(positionals.length, minimum, maximum)
  const values: Record<string, unknown> = {}
  for (const [index, [name, arg]] of args.entries()) {
    const value = positionals[index]
    if (value === undefined) {
      const fallback = typeof arg.default === 'function' ? await arg.default({ options: arg, flags: {} }) : arg.default
      if (fallback !== undefined) values[name] = fallback
      continue
    }
    if (arg.options !== undefined && !arg.options.includes(value)) {
      throw new TspodError('usage', `invalid ${name} "${value}": choose one of ${arg.options.join(', ')}`)
    }
    values[name] = await arg.parse(value as never, context as never, arg as never)
  }
  return values
}

function checkCount(count: number, minimum: number, maximum: number): void {
  const arguments_ = (number: number) => `${number} argument${number === 1 ? '' : 's'}`
  if (count < minimum)
    throw new TspodError(
      'usage',
      `requires ${minimum === maximum ? '' : 'at least '}${arguments_(minimum)}, received ${count}`,
    )
  if (count > maximum)
    throw new TspodError(
      'usage',
      maximum === 0
        ? `takes no arguments, received ${count}`
        : `takes at most ${arguments_(maximum)}, received ${count}`,
    )
}
