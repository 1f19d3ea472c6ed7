import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { connect, type AddressInfo } from 'node:net'

/** An HTTP proxy that knows by name what is on this machine's loopback. */
export interface TestProxy extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** `METHOD HOST`, a line for each request. */
  readonly seen: string[]
}

/** `hosts`: `NAME:PORT` ─► `127.0.0.1:PORT`. With `login` (`user:password`) who does not give it gets 407. */
export async function startProxy(hosts: Readonly<Record<string, string>>, login?: string): Promise<TestProxy> {
  const seen: string[] = []
  const expected = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`
  const server = createServer((asked, answer) => {
    const url = new URL(asked.url ?? '')
    seen.push(`${asked.method ?? ''} ${url.host}`)
    if (expected !== undefined && asked.headers['proxy-authorization'] !== expected) {
      answer.writeHead(407).end()
      return
    }
    const { hostname, port } = new URL(`http://${hosts[url.host] ?? '127.0.0.1:1'}`)
    const { 'proxy-authorization': _, ...headers } = asked.headers
    const onward = request({ hostname, port, method: asked.method, path: `${url.pathname}${url.search}`, headers })
    onward.once('error', () => answer.writeHead(502).end())
    onward.once('response', (response) => {
      answer.writeHead(response.statusCode ?? 500, response.headers)
      response.pipe(answer)
    })
    asked.pipe(onward)
  })
  server.on('connect', (asked, socket, head) => {
    seen.push(`CONNECT ${asked.url ?? ''}`)
    socket.on('error', () => undefined)
    if (expected !== undefined && asked.headers['proxy-authorization'] !== expected) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
      return
    }
    const { hostname, port } = new URL(`http://${hosts[asked.url ?? ''] ?? '127.0.0.1:1'}`)
    const onward = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.write(head)
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
    socket.once('close', () => onward.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
