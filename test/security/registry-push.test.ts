import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { parseReference } from '../../src/image/reference.js'
import { RegistryDestination } from '../../src/image/registry/destination.js'
import type { RegistryOptions } from '../../src/image/registry/source.js'
import { mediaTypes } from '../../src/oci/image-spec.js'
import { digestOf, startTestRegistry } from '../helpers/registry.js'
import { drop, endless, lyingRegistry, secret } from './lies.js'

const lies = lyingRegistry()
const small = Buffer.from('a small blob')
/** More than goes in one PUT. */
const large = Buffer.alloc(6 * 1024 * 1024, 'x')
const withLogin: Partial<RegistryOptions> = {
  credentials: () => Promise.resolve({ kind: 'password', username: 'user', password: 'secret' }),
}

async function pushBlob(content: Buffer, more: Partial<RegistryOptions> = {}): Promise<boolean> {
  const target = new RegistryDestination(parseReference(`${lies.registry.host}/image`), lies.options(more))
  const descriptor = { mediaType: mediaTypes.ociLayer, digest: digestOf(content), size: content.length }
  try {
    return (await target.putBlob(descriptor, () => pieces(content))).existed
  } finally {
    await target.close()
  }
}

async function pushManifest(): Promise<void> {
  const target = new RegistryDestination(parseReference(`${lies.registry.host}/image`), lies.options())
  const bytes = Buffer.from('{}')
  try {
    await target.putManifest({ bytes, mediaType: mediaTypes.ociManifest, digest: digestOf(bytes) })
  } finally {
    await target.close()
  }
}

async function* pieces(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += 65_536) {
    yield await Promise.resolve(content.subarray(at, at + 65_536))
  }
}

type Answer = (request: IncomingMessage, response: ServerResponse, url: URL) => void

/** Answers each method so; the rest as a registry that has nothing and takes everything. */
function answering(answers: Readonly<Partial<Record<string, Answer>>>): void {
  lies.registry.misbehave = (request, response, url) => {
    const { method = '' } = request
    const own = answers[method]
    if (own !== undefined) own(request, response, url)
    else if (method === 'HEAD') response.writeHead(404).end()
    else if (method === 'GET') response.writeHead(204, { range: '0-0', location: url.pathname }).end()
    else {
      request.resume().once('end', () => {
        response.writeHead(method === 'PUT' ? 201 : 202, { location: '/v2/image/blobs/uploads/1' }).end()
      })
    }
    return true
  }
}

const requestsOf = (method: string): number => lies.registry.requests.filter((one) => one.method === method).length

describe('a blob is not taken for pushed', () => {
  test.each<[string, Buffer, Record<string, Answer>, object]>([
    [
      'when the upload goes to no URL',
      small,
      { POST: (_, response) => response.writeHead(202, { location: 'http://[' }).end() },
      { code: 'registry-error' },
    ],
    [
      'when the upload goes to a file',
      small,
      { POST: (_, response) => response.writeHead(202, { location: 'file:///etc/passwd' }).end() },
      { code: 'registry-error' },
    ],
    [
      'when the upload goes nowhere',
      small,
      { POST: (_, response) => response.writeHead(202).end() },
      { code: 'registry-error' },
    ],
    [
      'when the upload is redirected in a circle',
      small,
      { POST: (_, response, url) => response.writeHead(307, { location: url.pathname }).end() },
      { code: 'registry-error' },
    ],
    [
      'when it always fails',
      small,
      { PUT: (_, response) => response.writeHead(500).end() },
      { code: 'registry-error' },
    ],
    [
      'when every connection breaks halfway',
      large,
      { PATCH: (request, response) => request.once('data', () => drop(response)) },
      { code: 'registry-unreachable' },
    ],
    [
      'when the registry stops reading',
      large,
      { PATCH: (request) => request.pause() },
      { code: 'registry-unreachable' },
    ],
    [
      'when there is no answer to it',
      small,
      { PUT: (request) => void request.resume() },
      { code: 'registry-unreachable' },
    ],
    [
      'when more of it has arrived than was sent',
      large,
      {
        PATCH: (request, response) => request.once('data', () => drop(response)),
        GET: (_, response) => response.writeHead(204, { range: '0-99999999999', location: '/v2/image/up' }).end(),
      },
      { code: 'registry-unreachable' },
    ],
    [
      'when the refusal has no end',
      small,
      {
        PUT: (_, response) => {
          response.writeHead(400)
          endless(response)
        },
      },
      { code: 'registry-error' },
    ],
  ])('%s', async (_, content, answers, error) => {
    answering(answers)
    await expect(pushBlob(content)).rejects.toMatchObject(error)
    expect(lies.registry.requests.length).toBeLessThan(30)
  })

  test('when one of another length is there', async () => {
    answering({ HEAD: (_, response) => response.writeHead(200, { 'content-length': '1' }).end() })
    expect(await pushBlob(small)).toBe(false)
    expect(requestsOf('PUT')).toBe(1)
  })

  test('when the bytes at hand are not what they should be', async () => {
    answering({})
    const target = new RegistryDestination(parseReference(`${lies.registry.host}/image`), lies.options())
    const descriptor = { mediaType: mediaTypes.ociLayer, digest: digestOf(large), size: large.length }
    async function* broken(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(large.subarray(0, 65_536))
      throw new Error('wrong digest')
    }
    await expect(target.putBlob(descriptor, broken)).rejects.toThrow()
    expect(requestsOf('PUT')).toBe(0)
    await target.close()
  })
})

describe('a manifest', () => {
  test('that is kept under another digest is an error', async () => {
    answering({
      PUT: (request, response) =>
        request.resume().once('end', () => {
          response.writeHead(201, { 'docker-content-digest': `sha256:${'0'.repeat(64)}` }).end()
        }),
    })
    await expect(pushManifest()).rejects.toMatchObject({ code: 'digest-mismatch' })
  })

  test('that is refused for ever is given up', async () => {
    answering({ PUT: (_, response) => response.writeHead(503).end() })
    await expect(pushManifest()).rejects.toMatchObject({ code: 'registry-error' })
    expect(requestsOf('PUT')).toBe(3)
  })
})

describe('a login', () => {
  /** Another host that takes uploads and writes down what it is sent. */
  async function elsewhere(): Promise<{ host: string; logins: (string | undefined)[]; close: () => void }> {
    const logins: (string | undefined)[] = []
    const server = createServer((request, response) => {
      logins.push(request.headers.authorization)
      request.resume().once('end', () => response.writeHead(201).end())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return { host: `127.0.0.1:${String((server.address() as AddressInfo).port)}`, logins, close: () => server.close() }
  }

  test('does not go along with an upload to another host', async () => {
    const other = await elsewhere()
    lies.registry.misbehave = (request, response) => {
      if (request.headers.authorization !== `Basic ${secret}`) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end()
      } else if (request.method === 'HEAD') response.writeHead(404).end()
      else response.writeHead(202, { location: `http://${other.host}/upload` }).end()
      return true
    }
    await pushBlob(small, withLogin)
    expect(other.logins).toEqual([undefined])
    other.close()
  })

  test('is not sent for ever to a registry that is never content', async () => {
    let tokens = 0
    lies.registry.misbehave = (request, response, url) => {
      request.resume()
      if (url.pathname === '/token') response.end(JSON.stringify({ token: `t${String(tokens++)}` }))
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${lies.registry.host}/token"` }).end()
      return true
    }
    await expect(pushBlob(small, withLogin)).rejects.toMatchObject({ code: 'registry-denied' })
    expect(tokens).toBeLessThan(10)
  })

  test('for another repository than was asked for is of no use, and no loop', async () => {
    await using other = await startTestRegistry()
    answering({ POST: (_, response) => response.writeHead(403).end() })
    await expect(pushBlob(small, withLogin)).rejects.toMatchObject({ code: 'registry-denied' })
    expect(other.requests).toEqual([])
  })
})
