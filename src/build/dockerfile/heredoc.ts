import { TspodError } from '../../base/errors.js'
import { expandWords } from './expand.js'

/** `<<NAME` of an instruction: what it is called, and how its text is read. */
export interface HeredocMark {
  readonly name: string
  /** No part of the name was quoted. */
  readonly expand: boolean
  /** `<<-`: tabs before each line are not part of it. */
  readonly chomp: boolean
}

const form = /^\d*<<(-?)\s*([^<]+)$/
const lookup = (): undefined => undefined

/** The here-documents that an instruction's line announces, in order. Throws dockerfile-invalid for a quote that does not end. */
export function heredocMarks(line: string): HeredocMark[] {
  if (!line.includes('<<')) return []
  return words(line).flatMap((word) => parseHeredocMark(word) ?? [])
}

/** A word that announces a here-document, as it was written; undefined if it is another word. */
export function parseHeredocMark(word: string): HeredocMark | undefined {
  const [, dash, rest] = form.exec(word) ?? []
  if (rest === undefined) return undefined
  const [name, ...more] = expandWords(rest, lookup, { keepUnset: true })
  if (name === undefined || more.length > 0) return undefined
  const [raw = ''] = expandWords(rest, lookup, { keepUnset: true, keepQuotes: true })
  return { name, expand: quotes(name) === quotes(raw), chomp: dash === '-' }
}

export function withoutLeadingTabs(text: string): string {
  return text.replace(/^\t+/gm, '')
}

/** A line whose quotes do not match is one for the shell, and announces nothing. */
function words(line: string): string[] {
  try {
    return expandWords(line, lookup, { keepUnset: true, keepQuotes: true, keepEscapes: true })
  } catch (error) {
    if (error instanceof TspodError) return []
    throw error
  }
}

function quotes(text: string): number {
  return text.replace(/[^'"]/g, '').length
}
