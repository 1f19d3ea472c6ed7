import { TspodError } from '../../base/errors.js'
import { header, type HttpResponse } from './http.js'
import { abortReason, TransportError } from './transport-error.js'

export interface RetryOptions {
  /** Further tries after the first. */
  readonly retries: number
  /** Before the first further try; doubles from there. With `--retry-delay` it stays. */
  readonly delayMilliseconds: number
  readonly fixedDelay?: boolean
  readonly log?: (message: string) => void
  readonly signal?: AbortSignal | undefined
}

export const defaultRetries = { retries: 3, delayMilliseconds: 500 } as const
const longestDelayMilliseconds = 60_000
/** No answer will come from what is not there. */
const finalErrors: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EPROXY', 'ENETUNREACH', 'EHOSTUNREACH'])

/** A registry's answer that may be another one later; `retryAfterMilliseconds` is what it asked for. */
export class TemporaryError extends TspodError {
  readonly retryAfterMilliseconds: number | undefined

  constructor(message: string, retryAfterMilliseconds?: number) {
    super('registry-error', message)
    this.retryAfterMilliseconds = retryAfterMilliseconds
  }
}

/** Calls a function until it succeeds, fails for good, or has had its tries. Delays double, and scatter by a quarter. */
export async function withRetries<T>(options: RetryOptions, attempt: (number: number) => Promise<T>): Promise<T> {
  for (let number = 0; ; number++) {
    try {
      return await attempt(number)
    } catch (error) {
      await pauseAfter(error, number, options)
    }
  }
}

/** Waits before the next try, or throws the error again if there is to be none. */
export async function pauseAfter(error: unknown, number: number, options: RetryOptions): Promise<void> {
  if (number >= options.retries || !isTemporary(error) || options.signal?.aborted === true) throw error
  const delay = delayBefore(error, number, options)
  const message = error instanceof Error ? error.message : String(error)
  const seconds = String(Math.round(delay / 100) / 10)
  options.log?.(`failed, retrying in ${seconds}s ... (${String(number + 1)}/${String(options.retries)}): ${message}`)
  await pause(delay, options.signal)
}

/** Whether trying again could help. */
export function isTemporary(error: unknown): boolean {
  if (error instanceof TemporaryError) return true
  return (
    error instanceof TransportError &&
    !finalErrors.has(error.errno) &&
    !error.errno.startsWith('ERR_TLS') &&
    !/CERT|SSL|EPROTO|^UNABLE_TO_|^INVALID_|^PATH_LENGTH_/.test(error.errno)
  )
}

/** Too many requests, and failures of the server's own. */
export function isTemporaryStatus(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505)
}

/** Retry-After in seconds or as a date (RFC 9110, 10.2.3). */
export function retryAfter(response: HttpResponse, now: number): number | undefined {
  const value = header(response, 'retry-after')?.trim()
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function delayBefore(error: unknown, number: number, options: RetryOptions): number {
  const asked = error instanceof TemporaryError ? error.retryAfterMilliseconds : undefined
  if (asked !== undefined) {
    if (asked > longestDelayMilliseconds) throw error
    return asked
  }
  if (options.fixedDelay === true) return options.delayMilliseconds
  return Math.min(options.delayMilliseconds * 2 ** number, longestDelayMilliseconds) * (0.75 + Math.random() / 2)
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const give = (): void => {
      clearTimeout(timer)
      reject(abortReason(signal))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', give)
      resolve()
    }, milliseconds)
    signal?.addEventListener('abort', give, { once: true })
  })
}
