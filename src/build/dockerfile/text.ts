/** What Go's unicode.IsSpace calls white space, which is not quite what JavaScript's \s does. */
const spaces = '\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
const space = new RegExp(`[${spaces}]`)
const leading = new RegExp(`^[${spaces}]+`)
const someSpaces = new RegExp(`[${spaces}]+`)
const asciiSpaces = /[\t\v\f\r ]+/

export function isSpace(character: string): boolean {
  return space.test(character)
}

/** What stands between white space of any kind; empty at an end that is white. */
export function splitAtSpaces(text: string): string[] {
  return text.split(someSpaces)
}

export function trimStart(text: string): string {
  return text.replace(leading, '')
}

export function trimEnd(text: string): string {
  let end = text.length
  while (end > 0 && isSpace(text.charAt(end - 1))) end--
  return text.slice(0, end)
}

export function trim(text: string): string {
  return trimEnd(trimStart(text))
}

/** Where blanks (not line ends) first stand, cut in two; the second part is undefined when there are none. */
export function cutAtBlanks(text: string): readonly [string, string | undefined] {
  const found = asciiSpaces.exec(text)
  return found === null ? [text, undefined] : [text.slice(0, found.index), text.slice(found.index + found[0].length)]
}

/** What stands between blanks; empty at an end that is blank. */
export function splitAtBlanks(text: string): string[] {
  return text.split(asciiSpaces)
}

/** The option closest to `word`, less than three changes away; folding case, in the manner of the word's. */
export function closest(word: string, options: readonly string[], foldCase = false): string | undefined {
  if (word.length > 100) return undefined
  const folded = foldCase ? word.toLowerCase() : word
  let best: string | undefined
  let bestDistance = 3
  for (const option of options) {
    const distance = changes(folded, foldCase ? option.toLowerCase() : option)
    if (distance === 0) return undefined
    if (distance < bestDistance) [best, bestDistance] = [option, distance]
  }
  if (best === undefined || !foldCase) return best
  if (word === folded) return best.toLowerCase()
  return word === word.toUpperCase() ? best.toUpperCase() : best
}

/** ` (did you mean X?)`, or nothing. */
export function suggestion(word: string, options: readonly string[], foldCase = false): string {
  const guess = closest(word, options, foldCase)
  return guess === undefined ? '' : ` (did you mean ${guess}?)`
}

/** Levenshtein's distance. */
function changes(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++)
      next.push(
        Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (a.charAt(i) === b.charAt(j) ? 0 : 1)),
      )
    row = next
  }
  return row[b.length] ?? 0
}
