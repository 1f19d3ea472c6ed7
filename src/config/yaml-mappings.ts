import { TspodError } from '../base/errors.js'

/** A mapping of texts and mappings; an empty value is undefined. */
export interface YamlMapping {
  readonly [key: string]: string | YamlMapping | undefined
}

interface Level {
  readonly indent: number
  readonly mapping: Record<string, string | YamlMapping | undefined>
}

const mostLines = 100_000

/**
 * Reads the part of YAML that registries.d uses: block mappings of mappings and scalars, comments, quotes. Whatever else
 * YAML has is refused with its line, never guessed.
 */
export function parseYamlMappings(text: string, path: string): YamlMapping {
  const lines = text.split(/\r?\n/)
  if (lines.length > mostLines) throw new TspodError('limit-exceeded', `${path} is too long`)
  const root: Level = { indent: 0, mapping: Object.create(null) as Level['mapping'] }
  const levels: Level[] = [root]
  let open: { readonly level: Level; readonly key: string } | undefined
  for (const [number, line] of lines.entries()) {
    const fail = (why: string): TspodError =>
      new TspodError('config-invalid', `${path}, line ${String(number + 1)}: ${why}`)
    const body = withoutComment(line).trimEnd()
    if (body.trim() === '' || (number === 0 && body === '---')) continue
    const indent = body.length - body.trimStart().length
    if (body.slice(0, indent).includes('\t')) throw fail('a tab cannot indent YAML')
    if (open !== undefined && indent > open.level.indent) {
      const mapping = Object.create(null) as Level['mapping']
      open.level.mapping[open.key] = mapping
      levels.push({ indent, mapping })
    }
    open = undefined
    while (levels.length > 1 && (levels.at(-1)?.indent ?? 0) > indent) levels.pop()
    const level = levels.at(-1) ?? root
    if (level.indent !== indent) throw fail('the line is indented like none before it')
    const { key, value } = entryOf(body.trim(), fail)
    if (Object.hasOwn(level.mapping, key)) throw fail(`${JSON.stringify(key)} is there twice`)
    level.mapping[key] = value === '{}' ? (Object.create(null) as YamlMapping) : value
    if (value === undefined) open = { level, key }
  }
  return root.mapping
}

function entryOf(text: string, fail: (why: string) => TspodError): { key: string; value: string | undefined } {
  const match = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'[\]{}&*!|>%@`#?-](?:[^:]|:(?=\S))*?)\s*:(?:\s+(.*))?$/.exec(
    text,
  )
  const [, key, value] = match ?? []
  if (key === undefined) throw fail('expected KEY: VALUE')
  return { key: scalar(key, fail), value: value === undefined || value === '' ? undefined : scalar(value, fail) }
}

function scalar(text: string, fail: (why: string) => TspodError): string {
  if (text === '{}') return text
  if (text.startsWith('"')) {
    try {
      return String(JSON.parse(text))
    } catch {
      throw fail('a quoted text is not closed, or has an escape that JSON does not know')
    }
  }
  if (text.startsWith("'")) {
    if (!/^'(?:[^']|'')*'$/.test(text)) throw fail('a quoted text is not closed')
    return text.slice(1, -1).replaceAll("''", "'")
  }
  if (/^[[{&*!|>%@`]/.test(text) || /^[-?] /.test(text))
    throw fail(`${JSON.stringify(text.slice(0, 40))} is not supported here`)
  return text
}

/** A `#` at the beginning or after a space, outside of quotes. */
function withoutComment(line: string): string {
  let quote: string | undefined
  for (let at = 0; at < line.length; at++) {
    const character = line[at]
    if (quote !== undefined) {
      if (character === '\\' && quote === '"') at++
      else if (character === quote) quote = undefined
    } else if ((character === '"' || character === "'") && (at === 0 || /[\s:]/.test(line[at - 1] ?? '')))
      quote = character
    else if (character === '#' && (at === 0 || /\s/.test(line[at - 1] ?? ''))) return line.slice(0, at)
  }
  return line
}
