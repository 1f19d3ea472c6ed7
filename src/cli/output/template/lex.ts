import { TspodError } from '../../../base/errors.js'

export type Token =
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'word'; readonly value: string }
  /** `.`, `.Name.Name`; chained on what stands before it if `chained`. */
  | { readonly kind: 'field'; readonly names: readonly string[]; readonly chained: boolean }
  | { readonly kind: 'variable'; readonly name: string; readonly names: readonly string[] }
  | { readonly kind: 'punctuation'; readonly value: '(' | ')' | '|' | ',' | ':=' | '=' }

export type Piece = { readonly text: string } | { readonly action: string }

const maximumLength = 65536

/** Text and actions, white space trimmed where `{{-` and `-}}` say so, comments gone. */
export function splitTemplate(template: string): Piece[] {
  if (template.length > maximumLength) throw new TspodError('usage', 'template is too long')
  const pieces: Piece[] = []
  let position = 0
  let trimNext = false
  for (;;) {
    const open = template.indexOf('{{', position)
    let text = template.slice(position, open < 0 ? undefined : open)
    if (trimNext) text = text.trimStart()
    if (open < 0) {
      pieces.push({ text })
      return pieces.filter((piece) => !('text' in piece) || piece.text !== '')
    }
    const { action, end, trimBefore, trimAfter } = readAction(template, open + 2)
    pieces.push({ text: trimBefore ? text.trimEnd() : text })
    if (action !== undefined) pieces.push({ action })
    trimNext = trimAfter
    position = end
  }
}

function readAction(template: string, start: number) {
  const trimBefore = /^-\s/.test(template.slice(start, start + 2))
  const from = trimBefore ? start + 1 : start
  const comment = /^\s*\/\*[\s\S]*?\*\/\s*(-?)\}\}/.exec(template.slice(from))
  if (comment !== null)
    return { action: undefined, end: from + comment[0].length, trimBefore, trimAfter: comment[1] === '-' }
  const close = closingBraces(template, from)
  const trimAfter = /\s-$/.test(template.slice(from, close))
  return { action: template.slice(from, trimAfter ? close - 1 : close).trim(), end: close + 2, trimBefore, trimAfter }
}

/** The `}}` that is not inside a quoted text. */
function closingBraces(template: string, from: number): number {
  let quote = ''
  for (let index = from; index < template.length; index++) {
    const character = template[index] ?? ''
    if (quote !== '') {
      if (character === '\\' && quote !== '`') index += 1
      else if (character === quote) quote = ''
    } else if ('"`\''.includes(character)) quote = character
    else if (template.startsWith('}}', index)) return index
  }
  throw new TspodError('usage', `template: "{{" without "}}": ${template.slice(Math.max(0, from - 2), from + 20)}`)
}

const patterns: readonly (readonly [RegExp, (match: RegExpExecArray, chained: boolean) => Token])[] = [
  [/^"((?:[^"\\]|\\.)*)"/, (match) => ({ kind: 'string', value: unquote(match[0]) })],
  [/^`([^`]*)`/, (match) => ({ kind: 'string', value: match[1] ?? '' })],
  [/^'((?:[^'\\]|\\.)+)'/, (match) => ({ kind: 'number', value: unquote(`"${match[1] ?? ''}"`).codePointAt(0) ?? 0 })],
  [/^[+-]?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)/, (match) => ({ kind: 'number', value: Number(match[0]) })],
  [
    /^\$(\w*)((?:\.[A-Za-z_]\w*)*)/,
    (match) => ({ kind: 'variable', name: match[1] ?? '', names: namesOf(match[2] ?? '') }),
  ],
  [/^(?:\.[A-Za-z_]\w*)+/, (match, chained) => ({ kind: 'field', names: namesOf(match[0]), chained })],
  [/^\./, (_match, chained) => ({ kind: 'field', names: [], chained })],
  [/^[A-Za-z_]\w*/, (match) => ({ kind: 'word', value: match[0] })],
  [/^(?::=|[()|,=])/, (match) => ({ kind: 'punctuation', value: match[0] as ':=' })],
]

function namesOf(path: string): string[] {
  return path.split('.').filter((name) => name !== '')
}

export function tokens(action: string): Token[] {
  const found: Token[] = []
  let rest = action
  let spaced = true
  while (rest !== '') {
    const space = /^\s+/.exec(rest)
    if (space !== null) {
      rest = rest.slice(space[0].length)
      spaced = true
      continue
    }
    const hit = patterns
      .map(([pattern, make]) => ({ match: pattern.exec(rest), make }))
      .find(({ match }) => match !== null)
    if (hit === undefined || hit.match === null)
      throw new TspodError('usage', `template: unexpected "${rest.slice(0, 20)}" in {{${action}}}`)
    found.push(hit.make(hit.match, !spaced && isClosing(found.at(-1))))
    rest = rest.slice(hit.match[0].length)
    spaced = false
  }
  return found
}

function isClosing(token: Token | undefined): boolean {
  return token?.kind === 'punctuation' && token.value === ')'
}

function unquote(quoted: string): string {
  try {
    return JSON.parse(
      quoted
        .replace(/\\x([0-9a-fA-F]{2})/g, '\\u00$1')
        .replace(/\\'/g, "'")
        .replace(/\t/g, '\\t')
        .replace(/\n/g, '\\n'),
    ) as string
  } catch (error) {
    throw new TspodError('usage', `template: bad text ${quoted}`, { cause: error })
  }
}
