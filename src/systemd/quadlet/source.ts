import { TspodError } from '../../base/errors.js'
import type { Entry, UnitFile } from '../unit-file.js'
import { splitWords } from '../words.js'

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

/** The kind of a file's name; undefined: no quadlet. */
export function kindOf(name: string): Kind | undefined {
  const extension = /^[^/]+\.([a-z]+)$/.exec(name)?.[1]
  return Object.keys(sectionOf).find((kind): kind is Kind => kind === extension)
}

/** What a section says, with systemd's rules: the last of single values counts, an empty one empties a list. */
export interface Reader {
  readonly source: Source
  readonly section: string
  /** The last value; undefined if there is none or it is empty. */
  text(key: string): string | undefined
  /** Every value since the last empty one. */
  all(key: string): readonly string[]
  /** Every value, split into words. */
  words(key: string): readonly string[]
  /** Every KEY=VALUE, split into words; a later one of the same key replaces the earlier. */
  pairs(key: string): readonly Entry[]
  flag(key: string): boolean | undefined
}

export function readerOf(source: Source, section: string = sectionOf[source.kind]): Reader {
  const entries = source.unit.get(section) ?? []
  const all = (key: string): readonly string[] => {
    let values: string[] = []
    for (const [name, value] of entries) {
      if (name === key) values = value === '' ? [] : [...values, value]
    }
    return values
  }
  const text = (key: string): string | undefined => {
    const value = entries.filter(([name]) => name === key).at(-1)?.[1]
    return value === '' ? undefined : value
  }
  const words = (key: string): readonly string[] => all(key).flatMap((value) => splitWords(value))
  return {
    source,
    section,
    all,
    text,
    words,
    pairs: (key) => {
      const found = new Map<string, string>()
      for (const word of words(key)) {
        const at = word.indexOf('=')
        found.set(at < 0 ? word : word.slice(0, at), at < 0 ? '' : word.slice(at + 1))
      }
      return [...found]
    },
    flag: (key) => {
      const value = text(key)
      return value === undefined ? undefined : parseFlag(source, section, key, value)
    },
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
