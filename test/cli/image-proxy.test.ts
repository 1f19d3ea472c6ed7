import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeCertificates } from '../helpers/certificates.js'
import { startProxy } from '../helpers/proxy.js'
import { startRegistry } from '../helpers/registry-process.js'
import { startTestRegistry } from '../helpers/registry.js'
import { tarArchive } from '../helpers/tar.js'
import { explain, tspodStore, type TspodStore } from '../helpers/tspod.js'

let store: TspodStore

beforeEach(async () => {
  store = await tspodStore()
})

afterEach(async () => {
  await store[Symbol.asyncDispose]()
})

const archive = tarArchive([{ path: 'file', content: 'x' }])

test('plain HTTP goes through HTTP_PROXY, with its login', async () => {
  await using registry = await startTestRegistry()
  registry.putImage('app', 'latest', [archive])
  await using proxy = await startProxy({ 'registry.test:5000': registry.host }, 'user:p@ss')
  const env = { HTTP_PROXY: `http://user:p%40ss@${proxy.host}`, HTTPS_PROXY: `http://user:p%40ss@${proxy.host}` }
  const args = ['pull', '-q', '--retry', '0', '--tls-verify=false', 'registry.test:5000/app']
  await store.ok(args, { env })
  expect(proxy.seen).toContain('GET registry.test:5000')
  const refused = await store.run([...args.slice(0, -1), 'registry.test:5000/other'], {
    env: { HTTP_PROXY: `http://${proxy.host}`, HTTPS_PROXY: `http://${proxy.host}` },
  })
  expect(refused.status, explain(refused)).toBe(125)
  expect(refused.stderr).toContain('407')
})

test('TLS goes through a tunnel, is checked end to end, and pushes come through it, too', async () => {
  const made = await makeCertificates(store.folder)
  await using registry = await startRegistry('', {
    tls: { certificate: made.serverCertificate, key: made.serverKey },
    relativeurls: true,
  })
  const port = registry.host.split(':')[1] ?? ''
  await using proxy = await startProxy({ [`secure.test:${port}`]: registry.host })
  const env = { HTTPS_PROXY: `http://${proxy.host}`, SSL_CERT_FILE: made.ca }
  const name = `secure.test:${port}/app`
  await store.ok(['import', '-q', '-', 'app'], { input: archive })
  await store.ok(['push', '-q', '--retry', '0', 'app', name], { env })
  await store.ok(['rmi', 'app'])
  await store.ok(['pull', '-q', '--retry', '0', name], { env })
  expect(new Set(proxy.seen)).toEqual(new Set([`CONNECT secure.test:${port}`]))
  const untrusted = await store.run(['pull', '-q', '--retry', '0', name], { env: { HTTPS_PROXY: env.HTTPS_PROXY } })
  expect(untrusted.stderr, explain(untrusted)).toMatch(/certificate/i)
  const other = await store.run(['pull', '-q', '--retry', '0', `other.test:${port}/app`], { env })
  expect(other.status, explain(other)).toBe(125)
})

test('import of a URL goes through the proxy, and trusts whom the host does', async () => {
  const made = await makeCertificates(store.folder)
  const [cert, key] = await Promise.all([readFile(made.serverCertificate), readFile(made.serverKey)])
  const plain = createServer((_request, response) => response.end(archive)).listen(0, '127.0.0.1')
  const secure = createSecureServer({ cert, key }, (request, response) =>
    request.headers.authorization === `Basic ${Buffer.from('me:pw').toString('base64')}`
      ? response.end(archive)
      : response.writeHead(401).end(),
  ).listen(0, '127.0.0.1')
  await Promise.all([once(plain, 'listening'), once(secure, 'listening')])
  const hostOf = (server: Server): string => `127.0.0.1:${String((server.address() as AddressInfo).port)}`
  await using proxy = await startProxy({ 'plain.test': hostOf(plain), 'secure.test:443': hostOf(secure) })
  const through = { HTTP_PROXY: `http://${proxy.host}`, HTTPS_PROXY: `http://${proxy.host}` }
  try {
    await store.ok(['import', '-q', 'http://plain.test/a.tar', 'app'], { env: through })
    const trusting = { ...through, SSL_CERT_FILE: made.ca }
    await store.ok(['import', '-q', 'https://me:pw@secure.test/a.tar', 'app'], { env: trusting })
    expect(proxy.seen).toEqual(['GET plain.test', 'CONNECT secure.test:443'])
    const untrusted = await store.run(['import', 'https://secure.test/a.tar'], { env: through })
    expect(untrusted.stderr, explain(untrusted)).toMatch(/certificate/i)
    const refused = await store.run(['import', 'https://me:no@secure.test/a.tar'], { env: trusting })
    expect(refused.stderr).toContain('https://secure.test/a.tar: the server answered 401')
  } finally {
    plain.close()
    secure.close()
  }
})

test('the loopback is reached without the proxy', async () => {
  await using registry = await startTestRegistry()
  registry.putImage('app', 'latest', [archive])
  await using proxy = await startProxy({})
  const env = { HTTP_PROXY: `http://${proxy.host}`, HTTPS_PROXY: `http://${proxy.host}` }
  await store.ok(['pull', '-q', '--retry', '0', `${registry.host}/app`], { env })
  expect(proxy.seen).toEqual([])
})

test('a proxy that is not there is named', async () => {
  const { status, stderr } = await store.run(['pull', '-q', '--retry', '0', 'registry.test/app'], {
    env: { HTTPS_PROXY: 'http://127.0.0.1:1' },
  })
  expect(status).toBe(125)
  expect(stderr).toMatch(/proxy 127\.0\.0\.1:1/)
})
