import { TspodError } from '../base/errors.js'

/** The escapes of systemd.syntax(7), “Quoting”. */
const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
  s: ' ',
}

/** Splits as systemd splits command lines: quotes around words or parts of them, C's escapes. */
export function splitWords(text: string): string[] {
  return split(text, true)
}

/** Splits as systemd splits lists of names: quotes as above, but a backslash is a character as any other. */
export function splitList(text: string): string[] {
  return split(text, false)
}

function split(text: string, escaped: boolean): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (escaped && character === '\\') {
      const { value, length } = readEscape(text, at)
      word = (word ?? '') + value
      at += length - 1
    } else if (quote !== '') {
      if (character === quote) quote = ''
      else word = (word ?? '') + character
    } else if (character === '"' || character === "'") {
      quote = character
      word ??= ''
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + character
  }
  if (quote !== '')
    throw new TspodError('invalid-argument', `the quote ${quote} is not closed in ${JSON.stringify(text)}`)
  return word === undefined ? words : [...words, word]
}

function readEscape(text: string, at: number): { readonly value: string; readonly length: number } {
  const rest = text.slice(at + 1)
  const simple = escapes[rest.charAt(0)]
  if (simple !== undefined) return { value: simple, length: 2 }
  const [, hex, octal, short, long] =
    /^(?:x([\da-fA-F]{2})|([0-7]{3})|u([\da-fA-F]{4})|U([\da-fA-F]{8}))/.exec(rest) ?? []
  const digits = hex ?? octal ?? short ?? long
  // What is no escape stays as it is, as systemd has it.
  if (digits === undefined) return { value: `\\${rest.charAt(0)}`, length: 2 }
  const code = Number.parseInt(digits, digits === octal ? 8 : 16)
  if (code === 0 || code > 0x10ffff) throw new TspodError('invalid-argument', `\\${rest.slice(0, 9)} is no character`)
  return { value: String.fromCodePoint(code), length: 1 + digits.length + (digits === octal ? 0 : 1) }
}

/** A word as a unit's command line takes it. `%` and `$` stay: they are systemd's, and the user's to double. */
export function quoteWord(word: string): string {
  if (/^[^\s"'\\\p{Cc};]+$/u.test(word)) return word
  return `"${[...word].map(escapeCharacter).join('')}"`
}

/** A word that systemd is to pass on as it is. */
export function literalWord(word: string): string {
  return quoteWord(word.replaceAll('%', '%%').replaceAll('$', '$$$$'))
}

export function joinWords(words: readonly string[]): string {
  return words.map(quoteWord).join(' ')
}

function escapeCharacter(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`
  if (character === '\n') return '\\n'
  if (character === '\t') return '\\t'
  const code = character.codePointAt(0) ?? 0
  return code < 0x20 || code === 0x7f ? `\\x${code.toString(16).padStart(2, '0')}` : character
}
