import { TspodError, type QuadletSummary } from '../index.js'

const subjects: Readonly<Record<string, (quadlet: QuadletSummary) => string>> = {
  name: ({ name }) => name,
  status: ({ status }) => status,
  pod: ({ pod }) => pod,
}

/** `KEY=PATTERN`…: one of those of each key has to match. */
export function quadletFilter(filters: readonly string[]): (quadlet: QuadletSummary) => boolean {
  const byKey = new Map<string, ((text: string) => boolean)[]>()
  for (const filter of filters) {
    const [, key = '', pattern] = /^([^=]*)=(.+)$/s.exec(filter) ?? []
    if (pattern === undefined || !Object.hasOwn(subjects, key))
      throw new TspodError('invalid-argument', `filter "${filter}": name, status or pod=PATTERN was expected`)
    byKey.set(key, [...(byKey.get(key) ?? []), matcher(pattern)])
  }
  return (quadlet) =>
    [...byKey].every(([key, matchers]) => matchers.some((matches) => matches(subjects[key]?.(quadlet) ?? '')))
}

/** `*` and `?` as in a shell; without them a part of it is enough. */
function matcher(pattern: string): (text: string) => boolean {
  if (!/[*?]/.test(pattern)) return (text) => text.includes(pattern)
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.')
  const expression = new RegExp(`^${source}$`, 's')
  return (text) => expression.test(text)
}
