import { parseGoDuration } from '../../base/go-duration.js'
import type { ImageHealthcheck } from '../../oci/image-spec.js'
import { invalid } from './error.js'
import { flagValue } from './flags.js'
import type { CommandForm, InstructionFlag } from './syntax.js'

/** HEALTHCHECK as the image's configuration has it. Throws dockerfile-invalid. */
export function healthcheckOf(test: 'NONE' | CommandForm, flags: readonly InstructionFlag[]): ImageHealthcheck {
  if (test === 'NONE') return { Test: ['NONE'] }
  const times = [
    ['Interval', interval(flags, 'interval')],
    ['Timeout', interval(flags, 'timeout')],
    ['StartPeriod', interval(flags, 'start-period')],
    ['StartInterval', interval(flags, 'start-interval')],
    ['Retries', retries(flags)],
  ] as const
  return {
    Test: test.form === 'exec' ? ['CMD', ...test.args] : ['CMD-SHELL', test.text],
    ...Object.fromEntries(times.filter(([, value]) => value !== 0)),
  }
}

/** Nanoseconds; 0: what the engine has by default. */
function interval(flags: readonly InstructionFlag[], name: string): number {
  const text = flagValue(flags, name) ?? ''
  if (text === '') return 0
  const nanoseconds = parseGoDuration(text)
  if (nanoseconds === undefined) throw invalid(`invalid value for --${name}: "${text}" is not a duration like 30s`)
  if (nanoseconds !== 0 && nanoseconds < 1e6) throw invalid(`--${name} cannot be less than 1ms`)
  return nanoseconds
}

function retries(flags: readonly InstructionFlag[]): number {
  const text = flagValue(flags, 'retries') ?? ''
  if (text === '') return 0
  const count = /^[+-]?\d+$/.test(text) ? Number(text) : NaN
  if (!(Math.abs(count) < 2 ** 31)) throw invalid(`invalid value for --retries: "${text}" is not a number`)
  if (count < 0) throw invalid(`--retries cannot be negative (${text})`)
  return count
}
