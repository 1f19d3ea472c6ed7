import type { Service } from './service.js'
import type { Reader } from './source.js'

/** How a key's values become options. */
type Form =
  /** The last value: `--flag VALUE`. */
  | 'text'
  /** The last value: `--flag=VALUE`. */
  | 'joined'
  /** Each value: `--flag VALUE`. */
  | 'all'
  /** Each word: `--flag WORD`; `list`: a backslash in it means nothing. */
  | 'words'
  | 'list'
  /** Each KEY=VALUE: `--flag KEY=VALUE`. */
  | 'pairs'
  /** `--flag`, or `--flag=false`. */
  | 'flag'
  /** `--flag` if it is true. */
  | 'switch'

/** A key, and the option that it is; `with` puts something before the value. */
export interface OptionRow {
  readonly key: string
  readonly flag: string
  readonly form: Form
  readonly with?: string
}

export function row(key: string, flag: string, form: Form, prefix?: string): OptionRow {
  return { key, flag, form, ...(prefix === undefined ? {} : { with: prefix }) }
}

/** The options that a section's keys stand for, in the order of the table. */
export function optionsOf(reader: Reader, rows: readonly OptionRow[]): string[] {
  return rows.flatMap((option) => {
    const { key, flag, form } = option
    const before = option.with ?? ''
    const each = (values: readonly string[]): string[] => values.flatMap((value) => [flag, before + value])
    switch (form) {
      case 'text': {
        const value = reader.text(key)
        return value === undefined ? [] : [flag, before + value]
      }
      case 'joined': {
        const value = reader.text(key)
        return value === undefined ? [] : [`${flag}=${value}`]
      }
      case 'all':
        return each(reader.all(key))
      case 'list':
        return each(reader.list(key))
      case 'words':
        return each(reader.words(key))
      case 'pairs':
        return each(reader.pairs(key))
      case 'flag': {
        const value = reader.flag(key)
        return value === undefined ? [] : [value ? flag : `${flag}=false`]
      }
      case 'switch':
        return reader.flag(key) === true ? [flag] : []
    }
  })
}

/** Keys that every section knows. */
export const commonKeys = ['ContainersConfModule', 'GlobalArgs', 'PodmanArgs', 'ServiceName'] as const

/** What stands between `tspod` and the command. */
export function globalOptions(reader: Reader): string[] {
  return [...reader.all('ContainersConfModule').map((path) => `--module=${path}`), ...reader.words('GlobalArgs')]
}

/** What stands before the last argument. */
export function extraOptions(reader: Reader): readonly string[] {
  return reader.words('PodmanArgs')
}

/** A command that is done when it ends; `remains`: the service then counts as active. */
export function once(service: Service, argv: readonly string[], remains = true): void {
  service.command('ExecStart', argv)
  service.byDefault('Service', 'SyslogIdentifier', '%N')
  service.byDefault('Service', 'Type', 'oneshot')
  if (remains) service.byDefault('Service', 'RemainAfterExit', 'yes')
}
