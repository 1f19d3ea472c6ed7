import { TspodError } from '../../base/errors.js'
import type { BuildFailure } from '../../index.js'
import { plainText } from '../output/plain-text.js'
import { sourceExcerpt } from './source-excerpt.js'

/** What an error says about the instruction that failed, wherever among its causes that stands. */
export function failureOf(error: unknown): BuildFailure | undefined {
  for (let current = error, depth = 0; current !== undefined && depth < 8; depth++) {
    if (isFailure(current)) return current
    current = current instanceof Error ? current.cause : undefined
  }
  return undefined
}

function isFailure(value: unknown): value is BuildFailure {
  return (
    typeof value === 'object' &&
    value !== null &&
    'source' in value &&
    typeof value.source === 'string' &&
    'instruction' in value &&
    typeof value.instruction === 'string' &&
    'line' in value &&
    typeof value.line === 'number'
  )
}

/** What comes above the error: the end of the step's output, if it ran, and the lines of the file. */
export function formatFailure(failure: BuildFailure): string {
  const { instruction, lastOutput = '', exitCode } = failure
  const output =
    exitCode === undefined ? '' : `${dashes} > ${plainText(instruction)}:\n${plainLines(lastOutput)}${dashes}`
  return output + sourceExcerpt(failure)
}

const dashes = '------\n'

function plainLines(text: string): string {
  const trimmed = text.replace(/\r?\n$/, '')
  return trimmed === ''
    ? ''
    : trimmed
        .split('\n')
        .map((line) => `${plainText(line)}\n`)
        .join('')
}

/** The error without what `formatFailure` has shown, which is no text for one line; with what lies behind that. */
export function withoutFailure(error: unknown): unknown {
  if (!(error instanceof TspodError)) return error
  const cause = withoutFailure(isFailure(error.cause) ? behind(error.cause) : error.cause)
  return cause === error.cause ? error : new TspodError(error.code, error.message, cause === undefined ? {} : { cause })
}

/** The engine's failure knows the error that it stands for, whose message is said already. */
function behind(failure: BuildFailure): unknown {
  return 'error' in failure && failure.error instanceof Error ? failure.error.cause : undefined
}
