/** How long a registry may take, and how slow it may be. */
export interface HttpLimits {
  /** Until a connection, TLS included, stands. */
  readonly connectMilliseconds: number
  /** From the request until the response's headers. */
  readonly headersMilliseconds: number
  /** Longest silence within a body. */
  readonly idleMilliseconds: number
  /** Over each window of waiting a body must have moved so many bytes: against slow drips. */
  readonly windowMilliseconds: number
  readonly windowBytes: number
  readonly redirects: number
}

export const defaultLimits: HttpLimits = {
  connectMilliseconds: 30_000,
  headersMilliseconds: 60_000,
  idleMilliseconds: 60_000,
  windowMilliseconds: 60_000,
  windowBytes: 64 * 1024,
  redirects: 5,
}
