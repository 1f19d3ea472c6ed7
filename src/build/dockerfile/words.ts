import { invalid } from './error.js'
import { cutAtBlanks, isSpace, splitAtBlanks, trim, trimStart } from './text.js'

/** An instruction's line, taken apart as far as all instructions are alike. */
export interface Command {
  readonly keyword: string
  /** `--name=value`, unquoted. */
  readonly flags: readonly string[]
  /** What follows the flags. */
  readonly rest: string
}

export function parseCommand(line: string, escape: string): Command {
  const [keyword, rest] = cutAtBlanks(trim(line))
  return { keyword, ...flagsOf(rest ?? '', escape) }
}

/** Flags end at `--`, or at the first word that does not begin so. Quotes and escapes are taken away. */
function flagsOf(line: string, escape: string): { readonly flags: readonly string[]; readonly rest: string } {
  const flags: string[] = []
  let position = 0
  for (;;) {
    while (position < line.length && isSpace(line.charAt(position))) position++
    if (!line.startsWith('--', position)) return { flags, rest: trim(line.slice(position)) }
    const { word, end } = unquotedWord(line, position, escape)
    position = end
    if (word === '--') return { flags, rest: trim(line.slice(position)) }
    flags.push(word)
  }
}

function unquotedWord(line: string, start: number, escape: string): { readonly word: string; readonly end: number } {
  let word = ''
  let quote: string | undefined
  let position = start
  for (; position < line.length; position++) {
    const character = line.charAt(position)
    if (quote === undefined && isSpace(character)) break
    if (character === quote) quote = undefined
    else if (quote === undefined && (character === "'" || character === '"')) quote = character
    else word += character === escape ? line.charAt(++position) : character
  }
  return { word, end: position }
}

/** Words at blanks that are neither quoted nor escaped; quotes and escapes stay for the expansion. */
export function parseWords(text: string, escape: string): string[] {
  const words: string[] = []
  let start: number | undefined
  let quote: string | undefined
  let position = 0
  let end = text.length
  for (; position < text.length; position++) {
    const character = text.charAt(position)
    if (quote === undefined && isSpace(character)) {
      if (start !== undefined) words.push(text.slice(start, position))
      start = undefined
      continue
    }
    start ??= position
    if (character === quote) quote = undefined
    else if (quote === undefined && (character === "'" || character === '"')) quote = character
    else if (character === escape && quote !== "'") {
      /* One at the very end escapes nothing and is dropped. */
      if (position === text.length - 1) end = position
      else position++
    }
  }
  if (start !== undefined && start < end) words.push(text.slice(start, end))
  return words
}

/** The strings of a JSON array; undefined if the text is none. An array of anything else is refused. */
export function parseJsonStrings(text: string): string[] | undefined {
  const trimmed = trimStart(text)
  if (!trimmed.startsWith('[')) return undefined
  let value: unknown
  try {
    value = JSON.parse(trim(trimmed))
  } catch {
    return undefined
  }
  if (!Array.isArray(value)) return undefined
  return value.map((each: unknown) => {
    if (typeof each === 'string') return each
    throw invalid('when using JSON array syntax, arrays must be comprised of strings only')
  })
}

/** A JSON array's strings, or words at blanks. */
export function parseList(text: string): { readonly values: readonly string[]; readonly json: boolean } {
  const values = parseJsonStrings(text)
  if (values !== undefined) return { values, json: true }
  return { values: text === '' ? [] : splitAtBlanks(text), json: false }
}
