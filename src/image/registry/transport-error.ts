import { TspodError } from '../../base/errors.js'

/** What went wrong below HTTP; `errno` is Node's code (`ECONNREFUSED` …). */
export class TransportError extends TspodError {
  readonly errno: string

  constructor(errno: string, message: string, options?: ErrorOptions) {
    super('registry-unreachable', message, options)
    this.errno = errno
  }
}

/** Errors of Node become ours here; what is ours already stays. */
export function transportError(error: unknown, where: string, signal?: AbortSignal): Error {
  if (error instanceof TspodError) return error
  if (signal?.aborted === true) return abortReason(signal)
  const { code = 'EIO', message = String(error) } = error as NodeJS.ErrnoException
  const tls = tlsReason(message)
  if (tls !== undefined) return new TransportError(tls === notTls ? noTlsErrno : code, `${where}: ${tls}`)
  if (message === 'aborted') return new TransportError(code, `${where}: the connection broke off`)
  return new TransportError(code, `${where}: ${message === '' ? code : message}`, { cause: error })
}

/** The `errno` of an answer that is not TLS to a greeting that is. */
export const noTlsErrno = 'EPROTO_NO_TLS'
const notTls = 'the server does not speak TLS; --tls-verify=false, or insecure in registries.conf(5), allows HTTP'

/** OpenSSL's reason without the file and line of its source, in which a person has to look for it. */
function tlsReason(message: string): string | undefined {
  const reason = /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1]
  if (reason === 'wrong version number' || reason === 'packet length too long') return notTls
  return reason === undefined ? undefined : `TLS: ${reason}`
}

/** What an operation that was given up ends with. */
export function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason
  return reason instanceof Error ? reason : new Error('aborted')
}
