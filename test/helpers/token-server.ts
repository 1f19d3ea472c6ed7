import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A token service as distribution's “Token Authentication Specification” wants it, whose tokens docker-registry takes. */
export interface TokenServer extends AsyncDisposable {
  readonly realm: string
  /** The `auth` section of the registry's configuration. */
  readonly configuration: string
  /** The scopes that were asked for, in order; with the user's name in front, if there was a login. */
  readonly asked: string[]
}

export interface TokenServerOptions {
  /** A certificate that the registry trusts, and its key; PEM files. */
  readonly certificate: string
  readonly key: string
  /** user ─► password. Who does not log in may only pull. */
  readonly users: Readonly<Record<string, string>>
}

const service = 'test-registry'
const issuer = 'test-issuer'

export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const key = createPrivateKey(await readFile(options.key))
  const chain = [new X509Certificate(await readFile(options.certificate)).raw.toString('base64')]
  const asked: string[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://tokens')
    const login = loginOf(request)
    if (login !== undefined && options.users[login.user] !== login.password) {
      response.writeHead(401).end()
      return
    }
    const scopes = url.searchParams.getAll('scope')
    asked.push([login?.user ?? '', ...scopes].join(' ').trim())
    const access = scopes.map((scope) => {
      const [type = '', name = '', actions = ''] = scope.split(':')
      return { type, name, actions: actions.split(',').filter((action) => action === 'pull' || login !== undefined) }
    })
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: issuer, sub: login?.user ?? '', aud: service, exp: now + 300, nbf: now - 10, iat: now }
    const parts = [
      { typ: 'JWT', alg: 'ES256', x5c: chain },
      { ...claims, jti: randomUUID(), access },
    ]
    const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ token: `${text}.${signature}`, expires_in: 300 }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const realm = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/token`
  return {
    realm,
    asked,
    configuration: `auth: ${JSON.stringify({ token: { realm, service, issuer, rootcertbundle: options.certificate } })}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function loginOf(request: IncomingMessage): { user: string; password: string } | undefined {
  const encoded = /^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return { user: text.slice(0, colon), password: text.slice(colon + 1) }
}
