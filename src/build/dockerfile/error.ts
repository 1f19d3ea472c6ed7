import { TspodError } from '../../base/errors.js'

/** What is wrong in a Dockerfile; `located` puts the place in front. */
export function invalid(message: string): TspodError {
  return new TspodError('dockerfile-invalid', message)
}

/** An error that says its place. */
class LocatedError extends TspodError {}

/** `FILE:LINE: what`. */
export function invalidAt(filename: string, line: number, message: string): TspodError {
  return new LocatedError('dockerfile-invalid', `${filename}:${String(line)}: ${message}`)
}

/** What `action` returns; what it throws of ours gets the file and the line in front of it, unless it has them. */
export function located<T>(filename: string, line: number, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof TspodError) || error instanceof LocatedError) throw error
    throw new LocatedError(error.code, `${filename}:${String(line)}: ${error.message}`, { cause: error.cause })
  }
}
