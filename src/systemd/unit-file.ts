import { TspodError } from '../base/errors.js'

/** A line `Key=value`; continued lines are joined. */
export type Entry = readonly [key: string, value: string]

/** A unit's sections, in the order of the file; one that comes twice is one (systemd.syntax(7)). */
export type UnitFile = ReadonlyMap<string, readonly Entry[]>

/** What nobody's unit is longer than: systemd itself reads a line of up to a megabyte. */
export const maximumUnitBytes = 1 << 20

/** Reads a unit. Comments are left out. Throws with the number of the line that is none. */
export function parseUnit(text: string, path: string): UnitFile {
  const unit = new Map<string, Entry[]>()
  let section: Entry[] | undefined
  for (const { number, line } of logicalLines(text)) {
    const control = /[^\P{Cc}\t]/u.exec(line)
    if (control !== null) throw broken(path, number, `there is a control character, ${codeOf(control[0])}`)
    const heading = /^\[([^\][]+)\]$/.exec(line)?.[1]
    if (heading !== undefined) {
      section = unit.get(heading) ?? []
      unit.set(heading, section)
      continue
    }
    const at = line.indexOf('=')
    const key = line.slice(0, at).trimEnd()
    if (at < 1 || key.startsWith('['))
      throw broken(path, number, `"${line.slice(0, 80)}" is neither a section, nor KEY=VALUE, nor a comment`)
    if (section === undefined) throw broken(path, number, 'a key stands before the first section')
    section.push([key, line.slice(at + 1).trimStart()])
  }
  return unit
}

/** The unit as text. */
export function formatUnit(unit: UnitFile): string {
  return [...unit]
    .map(([name, entries]) => `[${name}]\n${entries.map(([key, value]) => `${key}=${value}\n`).join('')}`)
    .join('\n')
}

/** `more`'s entries after `base`'s, section by section: what a drop-in does. */
export function mergeUnits(base: UnitFile, more: UnitFile): UnitFile {
  const merged = new Map(base)
  for (const [name, entries] of more) merged.set(name, [...(base.get(name) ?? []), ...entries])
  return merged
}

/**
 * Lines without comments and empty ones. A backslash at the end takes the next one in, over comments between, as Podman
 * does: systemd would put a space there, and what was made for one of the two is written with one before the backslash.
 */
function logicalLines(text: string): { readonly number: number; readonly line: string }[] {
  const found: { number: number; line: string }[] = []
  let open: { number: number; line: string } | undefined
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = raw.trim()
    if (/^[#;]/.test(line) || (line === '' && open === undefined)) continue
    const current: { number: number; line: string } = open ?? { number: index + 1, line: '' }
    const continues = endsInBackslash(line)
    current.line += continues ? line.slice(0, -1) : line
    open = continues ? current : undefined
    if (open === undefined) found.push(current)
  }
  if (open !== undefined) found.push(open)
  return found.map(({ number, line }) => ({ number, line: line.trim() })).filter(({ line }) => line !== '')
}

/** Of two, the first makes the second a character. */
function endsInBackslash(line: string): boolean {
  let start = line.length
  while (line.charAt(start - 1) === '\\') start--
  return (line.length - start) % 2 === 1
}

function codeOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

function broken(path: string, line: number, why: string): TspodError {
  return new TspodError('config-invalid', `${path}:${String(line)}: ${why}`)
}
