/** One challenge of a WWW-Authenticate header (RFC 9110, 11.6.1). */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string
  readonly parameters: Readonly<Record<string, string>>
}

const maximumLength = 8192
const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const quoted = /"((?:[^"\\]|\\.)*)"/y

/** Reads the challenges of a header, however many it has; what cannot be read ends the list. */
export function parseChallenges(headerText: string): readonly Challenge[] {
  const text = headerText.slice(0, maximumLength)
  const challenges: { scheme: string; parameters: Record<string, string> }[] = []
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match === null) return undefined
    at = pattern.lastIndex
    return match
  }
  const skip = (pattern: RegExp): boolean => take(pattern) !== undefined
  for (;;) {
    skip(/[\s,]*/y)
    const word = take(token)?.[0]
    if (word === undefined) return challenges
    const isParameter = skip(/\s*=\s*/y)
    if (!isParameter) {
      challenges.push({ scheme: word.toLowerCase(), parameters: {} })
      continue
    }
    const value = take(quoted)?.[1]?.replace(/\\(.)/g, '$1') ?? take(token)?.[0]
    const current = challenges.at(-1)
    if (value === undefined || current === undefined) return challenges
    current.parameters[word.toLowerCase()] = value
  }
}
