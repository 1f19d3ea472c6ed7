import { TspodError } from '../../base/errors.js'

/** Whether an error says that there is no such container. */
export function isMissing(error: unknown): boolean {
  return error instanceof TspodError && error.code === 'no-such-container'
}
