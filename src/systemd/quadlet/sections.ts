import { TspodError } from '../../base/errors.js'
import { parseUnit } from '../unit-file.js'
import { kindOf, sectionOf } from './source.js'

/** One of the quadlets of a `.quadlets` file. */
export interface Section {
  /** `web.container` */
  readonly name: string
  readonly text: string
}

/**
 * The quadlets of a `.quadlets` file: between lines `---`, each with a comment `# FileName=NAME`. Their kind is that of their
 * section.
 */
export function splitQuadlets(text: string, path: string): Section[] {
  const parts: { line: number; lines: string[] }[] = [{ line: 1, lines: [] }]
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '---') parts.push({ line: index + 2, lines: [] })
    else parts.at(-1)?.lines.push(line)
  }
  const sections = parts
    .filter(({ lines }) => lines.some((line) => line.trim() !== ''))
    .map(({ line, lines }) => named(lines, `${path}:${String(line)}`))
  if (sections.length === 0) throw new TspodError('config-invalid', `${path}: there is no quadlet in it`)
  const twice = sections.find(({ name }, index) => sections.findIndex((other) => other.name === name) !== index)
  if (twice !== undefined) throw new TspodError('config-invalid', `${path}: ${twice.name} is in it twice`)
  return sections
}

function named(lines: readonly string[], where: string): Section {
  const text = `${lines.join('\n').trim()}\n`
  const stem = lines.map((line) => /^\s*#\s*FileName=(.*)$/.exec(line)?.[1]?.trim()).find((name) => name !== undefined)
  if (stem === undefined || stem === '')
    throw new TspodError('config-invalid', `${where}: the comment "# FileName=NAME" is missing`)
  const unit = parseUnit(text, where)
  const kind = Object.entries(sectionOf).find(([, section]) => unit.has(section))?.[0]
  if (kind === undefined)
    throw new TspodError('config-invalid', `${where}: none of [${Object.values(sectionOf).join('], [')}] is in it`)
  const name = kindOf(stem) === kind ? stem : `${stem}.${kind}`
  if (stem.includes('/') || stem.startsWith('.') || kindOf(name) === undefined)
    throw new TspodError('config-invalid', `${where}: FileName=${stem} cannot be a file's name`)
  return { name, text }
}
