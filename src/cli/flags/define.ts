import * as OclifArgs from '@oclif/core/args'
import * as OclifFlags from '@oclif/core/flags'
import type { Interfaces } from '@oclif/core'

/** oclif's own builders, named once so that commands need no other import than `base-command`. */
export const Flags = OclifFlags
export const Args = OclifArgs

interface Common {
  readonly char?: NonNullable<Interfaces.OptionFlag<string>['char']>
  readonly aliases?: string[]
  readonly hidden?: boolean
}

interface Valued extends Common {
  readonly helpValue?: string
  readonly options?: string[]
  /** An empty value is none: what scripts say whose variable is not set. */
  readonly emptyIsNone?: boolean
  /** What `--flag` alone means; it then takes a value only by `=`. */
  readonly bareValue?: string
}

/** `--flag` */
export function switchFlag(summary: string, more: Common = {}): Interfaces.BooleanFlag<boolean> {
  return Flags.boolean({ summary, ...more })
}

/** `--flag`, on unless `--flag=false`. */
export function switchFlagOn(summary: string, more: Common = {}): Interfaces.BooleanFlag<boolean> {
  return Flags.boolean({ summary, default: true, ...more })
}

/** `--flag TEXT` */
export function textFlag(summary: string, more: Valued = {}): Interfaces.OptionFlag<string | undefined> {
  return parsedFlag(asTyped, { summary, ...more }) as Interfaces.OptionFlag<string | undefined>
}

/** `--flag VALUE`, turned into what it means at once: the error then names the flag. */
export function valueFlag<T>(
  parse: (text: string) => T,
  summary: string,
  more: Valued = {},
): Interfaces.OptionFlag<NonNullable<T> | undefined> {
  return parsedFlag(parse, { summary, ...more }) as Interfaces.OptionFlag<NonNullable<T> | undefined>
}

/** `--flag VALUE --flag VALUE`, in order. */
export function listFlag<T>(
  parse: (text: string) => T,
  summary: string,
  more: Valued = {},
): Interfaces.OptionFlag<T[] | undefined> {
  return parsedFlag(parse, { summary, multiple: true, multipleNonGreedy: true, ...more }) as Interfaces.OptionFlag<
    T[] | undefined
  >
}

/** `--flag A,B --flag C`, in order. */
export function commaListFlag<T>(
  parse: (text: string) => T,
  summary: string,
  more: Valued = {},
): Interfaces.OptionFlag<T[] | undefined> {
  const list = { summary, multiple: true, multipleNonGreedy: true, delimiter: ',' as const }
  return parsedFlag(parse, { ...list, ...more }) as Interfaces.OptionFlag<T[] | undefined>
}

/** oclif's types cannot say “a list of whatever this returns”, so the callers do. */
function parsedFlag(
  parse: (text: string) => unknown,
  properties: Valued & { summary: string; multiple?: boolean; multipleNonGreedy?: boolean; delimiter?: ',' },
): unknown {
  // What Flags.custom makes, without its detours: there are more than a hundred of these on the way to a start.
  return { type: 'option', multiple: false, input: [], ...properties, parse: (input: string) => promised(parse, input) }
}

/** As it was typed. */
export const asTyped = (text: string): string => text

/** oclif wants a promise; a parser that throws becomes one that rejects. */
function promised(parse: (text: string) => unknown, input: string): Promise<NonNullable<unknown> | undefined> {
  return new Promise((done) => {
    done(parse(input) ?? undefined)
  })
}
