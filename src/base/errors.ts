/** What went wrong, for programs. `cli/exit-status.ts` turns a code into a process's exit status. */
export type ErrorCode =
  | 'usage'
  | 'invalid-argument'
  | 'invalid-reference'
  | 'not-supported'
  | 'no-such-container'
  | 'no-such-image'
  | 'no-such-volume'
  | 'no-such-network'
  | 'ambiguous-name'
  | 'name-in-use'
  | 'image-in-use'
  | 'volume-in-use'
  | 'container-running'
  | 'container-not-running'
  | 'container-state'
  | 'exec-not-found'
  | 'exec-not-executable'
  | 'launch-failed'
  | 'image-pull-failed'
  | 'image-invalid'
  | 'digest-mismatch'
  | 'limit-exceeded'
  | 'registry-denied'
  | 'registry-error'
  | 'registry-unreachable'
  | 'archive-invalid'
  | 'config-invalid'
  | 'dockerfile-invalid'
  | 'build-failed'
  | 'host-requirement'
  | 'limits-unavailable'
  | 'store-corrupt'
  | 'lock-timeout'
  | 'io'
  | 'internal'

/** The one error class of tspod. `message` is for people: lower case, no full stop, names the object. */
export class TspodError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'TspodError'
    this.code = code
  }
}
