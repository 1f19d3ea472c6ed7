import type { IncomingMessage } from 'node:http'
import type { TspodError } from '../../base/errors.js'
import type { HttpLimits } from './limits.js'
import { TransportError, transportError } from './transport-error.js'

/**
 * The body of a response, watched while it is waited for: silence and slow drips end it, a slow reader does not. A body
 * shorter than its Content-Length is an error, never an end.
 */
export async function* guardedBody(
  message: IncomingMessage,
  limits: HttpLimits,
  host: string,
): AsyncGenerator<Uint8Array> {
  const iterator = message[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const expected = message.headers['content-length']
  let waiting = false
  let waited = 0
  let moved = 0
  let received = 0
  const timer = setTimeout(() => {
    if (waiting) message.destroy(new TransportError('ETIMEDOUT', `${host} stopped sending`))
    else timer.refresh()
  }, limits.idleMilliseconds)
  try {
    for (;;) {
      const start = performance.now()
      waiting = true
      timer.refresh()
      const { value, done } = await iterator.next()
      waiting = false
      if (done === true) break
      waited += performance.now() - start
      moved += value.length
      received += value.length
      if (waited > limits.windowMilliseconds) {
        if (moved < limits.windowBytes) throw tooSlow(host, limits)
        waited = 0
        moved = 0
      }
      yield value
    }
  } catch (error) {
    throw transportError(error, host)
  } finally {
    clearTimeout(timer)
    if (!message.complete) message.destroy()
  }
  if (!message.complete) throw new TransportError('ECONNRESET', `${host} ended the connection early`)
  if (expected !== undefined && Number(expected) !== received && message.statusCode !== 304) {
    throw new TransportError('ECONNRESET', `${host} sent ${String(received)} of ${expected} bytes`)
  }
}

function tooSlow(host: string, limits: HttpLimits): TspodError {
  const seconds = String(limits.windowMilliseconds / 1000)
  return new TransportError(
    'ETIMEDOUT',
    `${host} sends less than ${String(limits.windowBytes)} bytes in ${seconds} seconds`,
  )
}
