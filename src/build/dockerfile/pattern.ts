import { invalid } from './error.js'

/** One step of a shell pattern: a character as it is, any character, or any number of them; never a line end. */
type Token = { readonly literal: string } | 'one' | 'many'

interface Range {
  readonly start: number
  readonly end: number
}

/** Steps one match may take: patterns are matched in linear time each, whatever was written. */
const maxWork = 1 << 27

/** `${value#pattern}`, or `${value##pattern}` for the longest. */
export function removePrefix(pattern: string, value: string, longest: boolean): string {
  const characters = Array.from(value)
  const end = matchEnd(tokensOf(pattern), characters, 0, longest)
  return end === undefined ? value : characters.slice(end).join('')
}

/** `${value%pattern}`, or `${value%%pattern}` for the longest. */
export function removeSuffix(pattern: string, value: string, longest: boolean): string {
  const reversed = Array.from(value).reverse()
  const end = matchEnd(tokensOf(pattern).reverse(), reversed, 0, longest)
  return end === undefined ? value : reversed.slice(end).reverse().join('')
}

/** `${value/pattern/replacement}`, every match if `all`. The leftmost match, as long as it can be, counts. */
export function replacePattern(
  pattern: string,
  value: string,
  replacement: string,
  all: boolean,
  maxLength: number,
): string {
  const characters = Array.from(value)
  let result = ''
  let copied = 0
  for (const { start, end } of matches(tokensOf(pattern), characters)) {
    result += characters.slice(copied, start).join('')
    copied = end
    result += replacement
    if (result.length > maxLength) throw invalid(`a word grows longer than ${String(maxLength)} characters`)
    if (!all) break
  }
  return result + characters.slice(copied).join('')
}

/** Matches from left to right; an empty one right behind another is none. */
function* matches(tokens: readonly Token[], characters: readonly string[]): Generator<Range> {
  const begins = beginnings(tokens, characters)
  let lastEnd = -1
  for (let position = 0; position <= characters.length;) {
    const start = begins.indexOf(1, position)
    if (start === -1) return
    const end = matchEnd(tokens, characters, start, true) ?? start
    if (end > start || start !== lastEnd) yield { start, end }
    lastEnd = end
    position = Math.max(end, start + (end === start ? 1 : 0))
  }
}

/** Which positions a match can begin at. */
function beginnings(tokens: readonly Token[], characters: readonly string[]): Uint8Array {
  requireAffordable(tokens, characters)
  let row = new Uint8Array(characters.length + 1).fill(1)
  for (const token of tokens.toReversed()) {
    const before = new Uint8Array(characters.length + 1)
    if (token === 'many') before[characters.length] = row[characters.length] ?? 0
    for (let at = characters.length - 1; at >= 0; at--)
      before[at] =
        token === 'many'
          ? (row[at] ?? 0) | (characters[at] === '\n' ? 0 : (before[at + 1] ?? 0))
          : fits(token, characters[at])
            ? (row[at + 1] ?? 0)
            : 0
    row = before
  }
  return row
}

/** Where the shortest or longest match that begins at `start` ends. */
function matchEnd(
  tokens: readonly Token[],
  characters: readonly string[],
  start: number,
  longest: boolean,
): number | undefined {
  requireAffordable(tokens, characters)
  let ends = [start]
  for (const token of tokens) {
    ends =
      token === 'many'
        ? stretched(ends, characters)
        : ends.flatMap((at) => (fits(token, characters[at]) ? [at + 1] : []))
    if (ends.length === 0) return undefined
  }
  return longest ? ends.at(-1) : ends[0]
}

/** All positions from each of these, in order, to the end of its line. */
function stretched(ends: readonly number[], characters: readonly string[]): number[] {
  const all: number[] = []
  for (const end of ends) {
    if (end <= (all.at(-1) ?? -1)) continue
    all.push(end)
    for (let at = end; at < characters.length && characters[at] !== '\n'; at++) all.push(at + 1)
  }
  return all
}

function fits(token: Exclude<Token, 'many'>, character: string | undefined): boolean {
  if (character === undefined) return false
  return token === 'one' ? character !== '\n' : token.literal === character
}

function requireAffordable(tokens: readonly Token[], characters: readonly string[]): void {
  if (tokens.length * characters.length > maxWork) throw invalid('pattern and value of a substitution are too long')
}

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = []
  const characters = Array.from(pattern)
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? ''
    if (character === '*') tokens.push('many')
    else if (character === '?') tokens.push('one')
    else tokens.push({ literal: character === '\\' ? escaped(characters[++at], pattern) : character })
  }
  return tokens
}

/** `}` and `/` end a pattern, so they too can be escaped. */
function escaped(character: string | undefined, pattern: string): string {
  if (character !== undefined && '*?\\}/'.includes(character)) return character
  throw invalid(`invalid pattern (${pattern}) in substitution: invalid escape "\\${character ?? ''}"`)
}
