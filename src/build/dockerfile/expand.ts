import { TspodError } from '../../base/errors.js'
import { invalid } from './error.js'
import { removePrefix, removeSuffix, replacePattern } from './pattern.js'
import { splitAtSpaces } from './text.js'

/** The value of a variable, undefined when it is unset. */
export type Lookup = (name: string) => string | undefined

export interface ExpandOptions {
  /** The Dockerfile's escape character; a backslash unless told. */
  readonly escape?: '\\' | '`'
  /** Quotes stay in the result. */
  readonly keepQuotes?: boolean
  /** Escape characters stay in the result. */
  readonly keepEscapes?: boolean
  /** `$name` stays as it is when the variable is unset. */
  readonly keepUnset?: boolean
  /** Quotes mean nothing: for the text of here-documents. */
  readonly quotesAreText?: boolean
  /** Collects the names that were looked up and not set. */
  readonly unset?: Set<string>
  /** Collects the names that were looked up and set. */
  readonly used?: Set<string>
}

/** A word grows no longer than this, in UTF-16 units: ten lines of ENV a=$a$a make a gigabyte of one. */
export const maxExpansion = 1 << 20
/** How deep `${a:-${b:-…}}` may go. */
export const maxDepth = 100

/**
 * A word with its quotes removed and its variables replaced: `$name`, `${name}` and, in braces, the operators
 * `:- - :+ + :? ? # ## % %% / //`. Blanks outside of quotes stay. Source: the Dockerfile reference, Environment replacement,
 * and BuildKit's behaviour where it is silent. Throws dockerfile-invalid.
 */
export function expandWord(word: string, lookup: Lookup, options: ExpandOptions = {}): string {
  return new Expander(word, lookup, options).all().text
}

/** Like expandWord, split at blanks that were not quoted, also at those that came out of variables. */
export function expandWords(word: string, lookup: Lookup, options: ExpandOptions = {}): string[] {
  return new Expander(word, lookup, options).all().words
}

interface Expanded {
  readonly text: string
  readonly words: string[]
}

/** The word ended before what it was looked through for. */
class Unfinished extends TspodError {
  readonly stop: string

  constructor(stop: string, message = `unexpected end while looking for the matching ${stop}`) {
    super('dockerfile-invalid', message)
    this.stop = stop
  }
}

/** Gathers characters into words. */
class Words {
  readonly words: string[] = []
  #word = ''

  /** Characters that may part words. */
  addSplitting(text: string): void {
    const [first = '', ...more] = splitAtSpaces(text)
    this.#word += first
    for (const part of more) {
      this.finish()
      this.#word = part
    }
  }

  addWhole(text: string): void {
    this.#word += text
  }

  finish(): string[] {
    if (this.#word !== '') this.words.push(this.#word)
    this.#word = ''
    return this.words
  }
}

const operators = new Set(['-', '+', '?', '#', '%'])
const name = /(?:\p{Nd}+|[@*#?$!-]|[\p{L}_][\p{L}\p{Nd}_]*)/uy

class Expander {
  #position = 0
  #depth = 0
  #keepEscapes: boolean
  readonly #word: string
  readonly #lookup: Lookup
  readonly #options: ExpandOptions
  readonly #escape: string

  constructor(word: string, lookup: Lookup, options: ExpandOptions) {
    this.#word = word
    this.#lookup = lookup
    this.#options = options
    this.#escape = options.escape ?? '\\'
    this.#keepEscapes = options.keepEscapes ?? false
  }

  all(): Expanded {
    return this.#until(undefined)
  }

  #peek(): string | undefined {
    return this.#position < this.#word.length ? this.#word.charAt(this.#position) : undefined
  }

  #next(): string | undefined {
    const character = this.#peek()
    this.#position++
    return character
  }

  /** Reads up to a character outside of quotes, and over it; up to the end if it is undefined. */
  #until(stop: string | undefined): Expanded {
    const words = new Words()
    let text = ''
    for (let character = this.#peek(); character !== undefined; character = this.#peek()) {
      if (character === stop) {
        this.#position++
        return { text, words: words.finish() }
      }
      if (text.length > maxExpansion) throw tooLong()
      if (character === '$') {
        const value = this.#dollar()
        words.addSplitting(value)
        text += value
        continue
      }
      const whole = this.#quoted(character) ?? this.#escaped(character)
      const part = whole ?? this.#plain(stop)
      if (whole === undefined) words.addSplitting(part)
      else words.addWhole(part)
      text += part
    }
    if (stop !== undefined) throw new Unfinished(stop)
    if (text.length > maxExpansion) throw tooLong()
    return { text, words: words.finish() }
  }

  /** What means nothing but itself, at least one character. */
  #plain(stop: string | undefined): string {
    const start = this.#position++
    const special = `$<'"${this.#escape}${stop ?? ''}`
    while (this.#position < this.#word.length && !special.includes(this.#word.charAt(this.#position))) this.#position++
    return this.#word.slice(start, this.#position)
  }

  /** What quotes hold, or the `<<` of a here-document with its blanks, neither of which parts words. */
  #quoted(character: string): string | undefined {
    if (character === '<') return this.#hereMark()
    if (this.#options.quotesAreText === true) return undefined
    if (character === "'") return this.#singleQuoted()
    return character === '"' ? this.#doubleQuoted() : undefined
  }

  /** The character after the escape character; nothing at the end of the word. */
  #escaped(character: string): string | undefined {
    if (character !== this.#escape) return undefined
    this.#position++
    return (this.#keepEscapes ? character : '') + (this.#next() ?? '')
  }

  #hereMark(): string {
    this.#position++
    if (this.#peek() !== '<') return '<'
    const start = this.#position++
    while (/[\t\r ]/.test(this.#peek() ?? '')) this.#position++
    return `<${this.#word.slice(start, this.#position)}`
  }

  #singleQuoted(): string {
    const end = this.#word.indexOf("'", this.#position + 1)
    if (end === -1) throw new Unfinished('single-quote')
    const text = this.#word.slice(this.#position + 1, end)
    this.#position = end + 1
    return this.#options.keepQuotes === true ? `'${text}'` : text
  }

  #doubleQuoted(): string {
    this.#position++
    let text = ''
    for (let character = this.#peek(); character !== '"'; character = this.#peek()) {
      if (character === undefined) throw new Unfinished('double-quote')
      if (text.length > maxExpansion) throw tooLong()
      text += character === '$' ? this.#dollar() : this.#inDoubleQuotes(character)
    }
    this.#position++
    return this.#options.keepQuotes === true ? `"${text}"` : text
  }

  /** Within double quotes only a quote, a dollar and the escape character itself can be escaped. */
  #inDoubleQuotes(character: string): string {
    this.#position++
    if (character !== this.#escape) return character
    const kept = this.#keepEscapes ? character : ''
    const following = this.#peek()
    if (following === undefined) return kept
    if (following !== '"' && following !== '$' && following !== this.#escape) return kept + character
    this.#position++
    return kept + following
  }

  #dollar(): string {
    this.#position++
    if (this.#peek() === '{') return this.#braces()
    const variable = this.#name()
    if (variable === '') return '$'
    return this.#named(variable, `$${variable}`)
  }

  #named(variable: string, written: string): string {
    return this.#value(variable) ?? (this.#options.keepUnset === true ? written : '')
  }

  #braces(): string {
    this.#position++
    const first = this.#peek()
    if (first === undefined) throw invalid(`missing "}" in substitution`)
    if (first === '{' || first === '}' || first === ':') throw invalid('bad substitution')
    if (++this.#depth > maxDepth) throw invalid(`substitutions nest deeper than ${String(maxDepth)}`)
    try {
      return this.#operation(this.#name())
    } catch (error) {
      if (!(error instanceof Unfinished)) throw error
      const missing = error.stop === '/' ? '/' : '}'
      throw new Unfinished(missing, `missing "${missing}" in substitution`)
    } finally {
      this.#depth--
    }
  }

  #operation(variable: string): string {
    const first = this.#next() ?? ''
    if (first === '}') return this.#named(variable, `\${${variable}}`)
    if (first === '/') return this.#replacement(variable)
    const colon = first === ':'
    const operator = colon ? (this.#next() ?? '') : first
    const written = colon ? `:${operator}` : operator
    const trims = operator === '#' || operator === '%'
    if (!operators.has(operator) || (colon && trims)) throw invalid(`unsupported modifier (${written}) in substitution`)
    const word = this.#nested('}', trims)
    const value = this.#value(variable)
    if (value === undefined && this.#options.keepUnset === true) return `\${${variable}${written}${word}}`
    return trims ? trimmed(operator, word, value ?? '') : chosen(operator, variable, word, value, colon)
  }

  #replacement(variable: string): string {
    const all = this.#peek() === '/'
    if (all) this.#position++
    const pattern = this.#nested('/', true)
    const replacement = this.#nested('}', true)
    const value = this.#value(variable)
    if (value === undefined && this.#options.keepUnset === true) return `\${${variable}/${pattern}/${replacement}}`
    return replacePattern(pattern, value ?? '', replacement, all, maxExpansion)
  }

  #nested(stop: string, keepEscapes: boolean): string {
    const before = this.#keepEscapes
    this.#keepEscapes = keepEscapes
    const { text } = this.#until(stop)
    this.#keepEscapes = before
    return text
  }

  /** Letters, digits and `_`; digits only if it begins with one; or one of the shell's special parameters. */
  #name(): string {
    name.lastIndex = this.#position
    const found = name.exec(this.#word)?.[0] ?? ''
    this.#position += found.length
    return found
  }

  #value(variable: string): string | undefined {
    const value = this.#lookup(variable)
    if (value === undefined) this.#options.unset?.add(variable)
    else this.#options.used?.add(variable)
    return value
  }
}

/** With a colon, empty is as good as unset. */
function chosen(operator: string, variable: string, word: string, value: string | undefined, colon: boolean): string {
  const missing = value === undefined || (colon && value === '')
  if (operator === '+') return missing ? '' : word
  if (!missing) return value
  if (operator === '-') return word
  throw invalid(`${variable}: ${word || `is not allowed to be ${value === undefined ? 'unset' : 'empty'}`}`)
}

function trimmed(operator: string, word: string, value: string): string {
  const longest = word.startsWith(operator)
  const pattern = longest ? word.slice(1) : word
  return operator === '#' ? removePrefix(pattern, value, longest) : removeSuffix(pattern, value, longest)
}

function tooLong(): Error {
  return invalid(`a word grows longer than ${String(maxExpansion)} characters`)
}
