import { TspodError, type ErrorCode } from '../base/errors.js'
import { writeError } from './output/write.js'

/** The one table: an error's code to the exit status of the process. Whatever is not named is 125, as in Podman and Docker. */
const statuses: Partial<Record<ErrorCode, number>> = {
  'exec-not-executable': 126,
  'exec-not-found': 127,
}

export const engineFailed = 125

export function exitStatusOf(error: unknown, overrides: Partial<Record<ErrorCode, number>> = {}): number {
  if (!(error instanceof TspodError)) return engineFailed
  return overrides[error.code] ?? statuses[error.code] ?? engineFailed
}

/** One line, `Error: …`, the causes behind it; with `--log-level debug` the stacks as well. */
export function printError(error: unknown, logLevel?: string): void {
  writeError(`Error: ${messageOf(error)}\n`)
  if (logLevel === 'debug' || logLevel === 'trace') writeError(`${stackOf(error)}\n`)
}

/** The message and those of its causes that add something, joined as people expect: `what: why: why`. */
export function messageOf(error: unknown): string {
  const parts: string[] = []
  for (let current = error, depth = 0; current !== undefined && depth < 8; depth++) {
    const message = current instanceof Error ? current.message : String(current)
    if (message !== '' && !parts.some((part) => part.includes(message))) parts.push(message)
    current = current instanceof Error ? current.cause : undefined
  }
  const line = parts.join(': ') || 'unknown failure'
  return line.replace(/\s*\n\s*/g, ' ').replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
