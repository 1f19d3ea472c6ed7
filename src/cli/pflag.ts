import { TspodError } from '../base/errors.js'
import { nearest } from './nearest.js'

/** As much of a flag's declaration as its grammar needs; oclif's flags have this shape. */
export interface FlagShape {
  readonly type: 'boolean' | 'option'
  readonly char?: string
  readonly aliases?: readonly string[]
  readonly charAliases?: readonly string[]
  readonly allowNo?: boolean
  readonly hidden?: boolean
  /** What `--flag` alone means for a flag that otherwise takes a value; it then takes one only by `=`. */
  readonly bareValue?: string
}

export interface Occurrence {
  readonly name: string
  /** Booleans: `true` or `false`. */
  readonly value: string
  /** As it was typed: `--volume` or `-v`. */
  readonly typed: string
}

export interface Scan {
  /** In the order of the command line. */
  readonly occurrences: readonly Occurrence[]
  readonly positionals: readonly string[]
}

type Shapes = Readonly<Record<string, FlagShape>>

interface Cursor {
  readonly argv: readonly string[]
  index: number
  readonly found: Occurrence[]
}

/**
 * The grammar of Docker's and Podman's command lines (spf13/pflag). `fenced`: flags end at the first positional, as
 * for commands that run another command; otherwise they may stand anywhere before `--`.
 */
export function scan(argv: readonly string[], flags: Shapes, { fenced }: { readonly fenced: boolean }): Scan {
  const names = new Names(flags)
  const positionals: string[] = []
  const cursor: Cursor = { argv, index: 0, found: [] }
  while (cursor.index < argv.length) {
    const word = argv[cursor.index] ?? ''
    cursor.index += 1
    if (word === '--') break
    if (word.startsWith('--')) scanLong(word, names, cursor)
    else if (word.startsWith('-') && word !== '-') scanCluster(word, names, cursor)
    else {
      positionals.push(word)
      if (fenced) break
    }
  }
  positionals.push(...argv.slice(cursor.index))
  return { occurrences: cursor.found, positionals }
}

/** `--name`, `--name=value`, `--name value`, `--no-name`. */
function scanLong(word: string, names: Names, cursor: Cursor): void {
  const equals = word.indexOf('=')
  const typed = equals < 0 ? word : word.slice(0, equals)
  const given = equals < 0 ? undefined : word.slice(equals + 1)
  const negated = names.negated(typed.slice(2))
  if (negated !== undefined) {
    cursor.found.push({ name: negated, value: String(!parseBoolean(given ?? 'true', typed)), typed })
    return
  }
  const [name, flag] = names.long(typed)
  cursor.found.push({
    name,
    value: given === undefined ? bareOrNext(flag, typed, cursor) : checked(flag, given, typed),
    typed,
  })
}

/** `-a`, `-abc`, `-pvalue`, `-p=value`, `-p value`. */
function scanCluster(word: string, names: Names, cursor: Cursor): void {
  for (let at = 1; at < word.length; at++) {
    const [name, flag] = names.short(word, at)
    const typed = `-${word[at]}`
    const rest = word.slice(at + 1)
    if (rest.startsWith('=')) {
      cursor.found.push({ name, value: checked(flag, rest.slice(1), typed), typed })
      return
    }
    if (flag.type === 'option' && flag.bareValue === undefined && rest !== '') {
      cursor.found.push({ name, value: rest, typed })
      return
    }
    cursor.found.push({ name, value: bareOrNext(flag, typed, cursor, word), typed })
  }
}

function bareOrNext(flag: FlagShape, typed: string, cursor: Cursor, cluster?: string): string {
  if (flag.type === 'boolean') return 'true'
  if (flag.bareValue !== undefined) return flag.bareValue
  const next = cursor.argv[cursor.index]
  if (next === undefined) {
    throw usage(
      cluster === undefined
        ? `flag needs an argument: ${typed}`
        : `flag needs an argument: '${typed[1]}' in ${cluster}`,
    )
  }
  cursor.index += 1
  return next
}

function checked(flag: FlagShape, value: string, typed: string): string {
  return flag.type === 'boolean' ? String(parseBoolean(value, typed)) : value
}

const truths = new Map(
  [
    ['1 t T true TRUE True', true],
    ['0 f F false FALSE False', false],
  ].flatMap(([words, value]) =>
    String(words)
      .split(' ')
      .map((word): [string, boolean] => [word, value === true]),
  ),
)

function parseBoolean(value: string, typed: string): boolean {
  const result = truths.get(value)
  if (result === undefined) throw usage(`invalid argument "${value}" for "${typed}" flag: neither true nor false`)
  return result
}

/** Long names, aliases and letters of one command. */
class Names {
  readonly #flags: Shapes
  readonly #letters = new Map<string, string>()
  readonly #aliases = new Map<string, string>()

  constructor(flags: Shapes) {
    this.#flags = flags
    for (const name of Object.keys(flags)) {
      const flag = flags[name]
      if (flag?.char !== undefined) this.#letters.set(flag.char, name)
      for (const letter of flag?.charAliases ?? []) this.#letters.set(letter, name)
      for (const alias of flag?.aliases ?? []) this.#aliases.set(alias, name)
    }
  }

  long(typed: string): readonly [string, FlagShape] {
    const word = typed.slice(2)
    const name = this.#aliases.get(word) ?? word
    const flag = Object.hasOwn(this.#flags, name) ? this.#flags[name] : undefined
    if (flag === undefined) throw usage(`unknown flag: ${typed}${this.#suggestion(word)}`)
    return [name, flag]
  }

  short(cluster: string, at: number): readonly [string, FlagShape] {
    const letter = cluster[at] ?? ''
    const name = this.#letters.get(letter)
    const flag = name === undefined ? undefined : this.#flags[name]
    if (name === undefined || flag === undefined) throw usage(`unknown shorthand flag: '${letter}' in ${cluster}`)
    return [name, flag]
  }

  negated(word: string): string | undefined {
    if (!word.startsWith('no-')) return undefined
    const name = word.slice(3)
    return Object.hasOwn(this.#flags, name) && this.#flags[name]?.allowNo === true ? name : undefined
  }

  #suggestion(word: string): string {
    const known = Object.keys(this.#flags).filter((name) => this.#flags[name]?.hidden !== true)
    const guess = nearest(word, [...known, ...this.#aliases.keys()])
    return guess === undefined ? '' : `; did you mean --${guess}?`
  }
}

function usage(message: string): TspodError {
  return new TspodError('usage', message)
}
