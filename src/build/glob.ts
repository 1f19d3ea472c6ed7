import { TspodError } from '../base/errors.js'

/** One step of a compiled pattern. */
type Step =
  | { readonly type: 'character'; readonly character: string }
  /** `?`: any character but a slash. */
  | { readonly type: 'one' }
  /** `[a-z]`, `[^a-z]`; a slash is a character like others, as in Go. */
  | { readonly type: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] }
  /** `*`: any number of characters but slashes. */
  | { readonly type: 'many' }
  /** `**` at the end: whatever follows. */
  | { readonly type: 'anything' }
  /** Whole folders, any number of them, each with its slash: what a `**` further ahead stands for; the next step is `inside`. */
  | { readonly type: 'folders' }
  | { readonly type: 'inside' }

/** A pattern that was found to be well-formed. It is matched in linear time for each of its steps. */
export type Glob = readonly Step[]

/**
 * A pattern of Go's filepath.Match (`*`, `?`, `[a-z]`, `[^a-z]`, `\` before a character that is meant itself); with
 * `doubleStar` also `**`, as .dockerignore has it. Throws invalid-argument for a class that does not end, or is empty.
 */
export function compileGlob(pattern: string, doubleStar = false): Glob {
  const steps: Step[] = []
  const characters = Array.from(pattern)
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? ''
    if (character === '*') {
      if (!doubleStar || characters[at + 1] !== '*') {
        steps.push({ type: 'many' })
        continue
      }
      at += characters[at + 2] === '/' ? 2 : 1
      if (at + 1 >= characters.length) steps.push({ type: 'anything' })
      else steps.push({ type: 'folders' }, { type: 'inside' })
    } else if (character === '?') steps.push({ type: 'one' })
    else if (character === '[') {
      const { step, end } = parseClass(characters, at, pattern)
      steps.push(step)
      at = end
    } else if (character === '\\') steps.push({ type: 'character', character: escaped(characters[++at], pattern) })
    else steps.push({ type: 'character', character })
  }
  return steps
}

/** Whether a path (or a name), as a whole, is one that the pattern means. */
export function matchGlob(glob: Glob, path: string): boolean {
  let states = closed(glob, [0])
  for (const character of path) {
    const next: number[] = []
    for (const state of states) {
      const step = glob[state]
      if (step === undefined) continue
      if (step.type === 'many' || step.type === 'anything') {
        if (step.type === 'anything' || character !== '/') next.push(state)
      } else if (step.type === 'inside') {
        next.push(state)
        if (character === '/') next.push(state + 1)
      } else if (step.type !== 'folders' && fits(step, character)) next.push(state + 1)
    }
    if (next.length === 0) return false
    states = closed(glob, next)
  }
  return states.includes(glob.length)
}

/** The states, in order and once each, with those that are reached without a character. */
function closed(glob: Glob, states: readonly number[]): number[] {
  const seen = new Set<number>()
  const open = states.toReversed()
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    if (seen.has(state)) continue
    seen.add(state)
    const type = glob[state]?.type
    if (type === 'many' || type === 'anything') open.push(state + 1)
    else if (type === 'folders') open.push(state + 2, state + 1)
  }
  return Array.from(seen)
}

function fits(step: Extract<Step, { type: 'character' | 'one' | 'class' }>, character: string): boolean {
  if (step.type === 'character') return step.character === character
  if (step.type === 'one') return character !== '/'
  const point = character.codePointAt(0) ?? 0
  const within = step.ranges.some(
    ([low, high]) => (low.codePointAt(0) ?? 0) <= point && point <= (high.codePointAt(0) ?? 0),
  )
  return within !== step.negated
}

function parseClass(
  characters: readonly string[],
  start: number,
  pattern: string,
): { readonly step: Step; readonly end: number } {
  let at = start + 1
  const negated = characters[at] === '^'
  if (negated) at++
  const ranges: (readonly [string, string])[] = []
  const member = (): string => {
    const character = characters[at++]
    if (character === undefined || character === '-' || character === ']') throw malformed(pattern)
    return character === '\\' ? escaped(characters[at++], pattern) : character
  }
  while (characters[at] !== ']' || ranges.length === 0) {
    const low = member()
    if (characters[at] !== '-') {
      ranges.push([low, low])
      continue
    }
    at++
    ranges.push([low, member()])
  }
  return { step: { type: 'class', negated, ranges }, end: at }
}

function escaped(character: string | undefined, pattern: string): string {
  if (character === undefined) throw malformed(pattern)
  return character
}

function malformed(pattern: string): TspodError {
  return new TspodError('invalid-argument', `syntax error in pattern "${pattern}"`)
}
