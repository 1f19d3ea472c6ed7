import { TspodError } from '../../base/errors.js'
import type { UnitFile } from '../unit-file.js'
import { splitList, splitWords } from '../words.js'

/** The kinds of quadlet, by their file's extension, with the section that is theirs. */
export const sectionOf = {
  container: 'Container',
  volume: 'Volume',
  network: 'Network',
  pod: 'Pod',
  kube: 'Kube',
  image: 'Image',
  build: 'Build',
} as const

export type Kind = keyof typeof sectionOf

/** A quadlet's file with its drop-ins merged. */
export interface Source {
  /** `web.container` */
  readonly name: string
  readonly kind: Kind
  readonly path: string
  readonly unit: UnitFile
}

/** The kind of a file's name; undefined: no quadlet. What begins with a dot is an editor's, as systemd has it. */
export function kindOf(name: string): Kind | undefined {
  const extension = /^[^/.][^/]*\.([a-z]+)$/.exec(name)?.[1]
  return Object.keys(sectionOf).find((kind): kind is Kind => kind === extension)
}

/** What a section says, with systemd's rules: the last of single values counts, an empty one empties a list. */
export interface Reader {
  readonly source: Source
  readonly section: string
  /** The last value, without quotes around it; undefined if there is none or it is empty. */
  text(key: string): string | undefined
  /** Every value since the last empty one. */
  all(key: string): readonly string[]
  /** Every value, split into words in which a backslash means nothing. */
  list(key: string): readonly string[]
  /** Every value, split into words as a command line is. */
  words(key: string): readonly string[]
  /** Every KEY=VALUE, split into words; a later one of the same key replaces the earlier. */
  pairs(key: string): readonly string[]
  flag(key: string): boolean | undefined
}

export function readerOf(source: Source, section: string = sectionOf[source.kind]): Reader {
  const entries = source.unit.get(section) ?? []
  const all = (key: string): readonly string[] => {
    const values: string[] = []
    for (const [name, value] of entries) {
      if (name !== key) continue
      if (value === '') values.length = 0
      else values.push(value)
    }
    return values
  }
  const text = (key: string): string | undefined => {
    const value = entries.findLast(([name]) => name === key)?.[1]
    const bare = value === undefined ? undefined : (/^"([^"]*)"$/.exec(value)?.[1] ?? value)
    return bare === '' ? undefined : bare
  }
  const words = (key: string): readonly string[] =>
    all(key).flatMap((value) => readable(source, key, value, splitWords))
  return {
    source,
    section,
    all,
    text,
    words,
    list: (key) => all(key).flatMap((value) => readable(source, key, value, splitList)),
    pairs: (key) => [...new Map(words(key).map((word) => [word.split('=', 1)[0], word])).values()],
    flag: (key) => {
      const value = text(key)
      return value === undefined ? undefined : parseFlag(source, section, key, value)
    },
  }
}

/** Names the file and the key of a value that cannot be split. */
export function readable(
  source: Source,
  key: string,
  value: string,
  split: (value: string) => readonly string[],
): readonly string[] {
  try {
    return split(value)
  } catch (error) {
    throw invalid(source, `${key}=: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function parseFlag(source: Source, section: string, key: string, value: string): boolean {
  if (/^(?:1|yes|y|true|t|on)$/i.test(value)) return true
  if (/^(?:0|no|n|false|f|off)$/i.test(value)) return false
  throw invalid(source, `${key}=${value} in [${section}] is neither true nor false`)
}

/** An error of one quadlet, which names its file. */
export function invalid(source: Pick<Source, 'path'>, why: string): TspodError {
  return new TspodError('config-invalid', `${source.path}: ${why}`)
}
