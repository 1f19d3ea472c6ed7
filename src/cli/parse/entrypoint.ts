import { invalid } from './value.js'

/** A JSON array of words, or one word; empty clears the image's. */
export function parseEntrypoint(text: string): readonly string[] {
  if (text === '') return []
  if (!text.startsWith('[')) return [text]
  let words: unknown
  try {
    words = JSON.parse(text)
  } catch {
    return [text]
  }
  if (!Array.isArray(words) || !words.every((word): word is string => typeof word === 'string'))
    throw invalid(`"${text}" is not an array of texts`)
  return words
}
