import { request } from 'node:http'
import { Agent, request as secureRequest, type AgentOptions } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { proxyAuthorization } from './proxy.js'
import { TransportError } from './transport-error.js'

/** An agent whose connections go through a proxy by CONNECT (RFC 9110, 9.3.6): TLS is end to end. */
export function tunnelAgent(proxy: URL, options: AgentOptions, timeoutMilliseconds: number): Agent {
  return new TunnelAgent(proxy, options, timeoutMilliseconds)
}

type Created = (error: Error | null, socket?: Duplex) => void

class TunnelAgent extends Agent {
  readonly #proxy: URL
  readonly #timeout: number
  readonly #tls: AgentOptions

  constructor(proxy: URL, options: AgentOptions, timeoutMilliseconds: number) {
    super(options)
    this.#proxy = proxy
    this.#timeout = timeoutMilliseconds
    this.#tls = options
  }

  /** Node calls this for every new connection; the socket is handed over by the callback. */
  override createConnection(
    options: { host?: string; port?: number | string; servername?: string },
    created: Created,
  ): undefined {
    const host = options.host ?? 'localhost'
    const target = `${host.includes(':') ? `[${host}]` : host}:${String(options.port ?? 443)}`
    const send = this.#proxy.protocol === 'https:' ? secureRequest : request
    const tunnel = send({
      method: 'CONNECT',
      host: this.#proxy.hostname,
      port: this.#proxy.port === '' ? (this.#proxy.protocol === 'https:' ? 443 : 80) : this.#proxy.port,
      path: target,
      headers: { host: target, ...proxyAuthorization(this.#proxy) },
      agent: false,
      timeout: this.#timeout,
    })
    const refuse = (why: string): void => created(new TransportError('EPROXY', `proxy ${this.#proxy.host}: ${why}`))
    tunnel.once('timeout', () => tunnel.destroy(new Error('the connection timed out')))
    tunnel.once('error', (error) => refuse(error.message))
    tunnel.once('response', (response) => {
      response.destroy()
      refuse(`it answered ${String(response.statusCode)}`)
    })
    tunnel.once('connect', (response, socket: Socket) => {
      if (response.statusCode !== 200) {
        socket.destroy()
        refuse(`it answered ${String(response.statusCode)}`)
        return
      }
      socket.setTimeout(0)
      created(null, connectTls({ ...this.#tls, socket, servername: options.servername ?? host }))
    })
    tunnel.end()
    return undefined
  }
}
