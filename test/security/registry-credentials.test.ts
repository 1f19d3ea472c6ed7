import { describe, expect, test } from 'vitest'
import type { RegistryOptions } from '../../src/image/registry/source.js'
import { startTestRegistry } from '../helpers/registry.js'
import { endless, lyingRegistry, secret } from './lies.js'

const lies = lyingRegistry()

describe('credentials', () => {
  const withLogin: Partial<RegistryOptions> = {
    credentials: () => Promise.resolve({ kind: 'password', username: 'user', password: 'secret' }),
  }

  test('go nowhere before they are asked for', async () => {
    lies.imageWithLayer(10)
    await lies.pull('image', withLogin)
    expect(lies.registry.requests.every(({ authorization }) => authorization === undefined)).toBe(true)
  })

  test('answer a basic challenge, and wrong ones are refused once', async () => {
    lies.imageWithLayer(10)
    lies.registry.misbehave = (request, response) => {
      if (request.headers.authorization === `Basic ${secret}`) return false
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end()
      return true
    }
    await lies.pull('image', withLogin)
    const wrong: Partial<RegistryOptions> = {
      credentials: () => Promise.resolve({ kind: 'password', username: 'user', password: 'no' }),
    }
    const before = lies.registry.requests.length
    await expect(lies.pull('image', wrong)).rejects.toMatchObject({ code: 'registry-denied' })
    expect(lies.registry.requests.length - before).toBe(2)
    await expect(lies.pull('image')).rejects.toMatchObject({ code: 'registry-denied' })
  })

  test('buy one token for all requests', async () => {
    lies.imageWithLayer(10)
    let tokens = 0
    lies.registry.misbehave = (request, response, url) => {
      if (url.pathname === '/token') {
        tokens++
        expect(url.searchParams.get('scope')).toBe('repository:image:pull')
        expect(request.headers.authorization).toBe(`Basic ${secret}`)
        response.end(JSON.stringify({ token: 'abc' }))
        return true
      }
      if (request.headers.authorization === 'Bearer abc') return false
      response
        .writeHead(401, { 'www-authenticate': `Bearer realm="http://${lies.registry.host}/token",service="s"` })
        .end()
      return true
    }
    await lies.pull('image', withLogin)
    expect(tokens).toBe(1)
  })

  test('a registry that is never content ends in an error', async () => {
    let tokens = 0
    lies.registry.misbehave = (_, response, url) => {
      if (url.pathname === '/token') response.end(JSON.stringify({ token: `t${String(tokens++)}` }))
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${lies.registry.host}/token"` }).end()
      return true
    }
    await expect(lies.pull('image', withLogin)).rejects.toMatchObject({ code: 'registry-denied' })
    expect(tokens).toBeLessThanOrEqual(2)
  })

  test('an endless token is not read to its end', async () => {
    lies.registry.misbehave = (_, response, url) => {
      if (url.pathname === '/token') endless(response)
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${lies.registry.host}/token"` }).end()
      return true
    }
    await expect(lies.pull()).rejects.toMatchObject({ code: 'limit-exceeded' })
  })

  test('never follow a redirect to another origin', async () => {
    await using other = await startTestRegistry()
    const digest = lies.imageWithLayer()
    for (const [key, blob] of lies.registry.blobs) other.blobs.set(key, blob)
    lies.registry.misbehave = (request, response, url) => {
      if (request.headers.authorization !== `Basic ${secret}`) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end()
        return true
      }
      if (!url.pathname.endsWith(digest)) return false
      response.writeHead(307, { location: `http://${other.host}${url.pathname}` }).end()
      return true
    }
    await lies.pull('image', withLogin)
    expect(other.requests.length).toBe(1)
    expect(other.requests[0]?.authorization).toBeUndefined()
  })

  test('are not sent where another origin asks for them', async () => {
    await using other = await startTestRegistry()
    const digest = lies.imageWithLayer()
    other.misbehave = (_, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="phish"' }).end()
      return true
    }
    lies.forBlob(digest, (response) => {
      response.writeHead(307, { location: `http://${other.host}/v2/image/blobs/${digest}` }).end()
      return true
    })
    await expect(lies.pull('image', withLogin)).rejects.toMatchObject({ code: 'registry-denied' })
    expect(other.requests.every(({ authorization }) => authorization === undefined)).toBe(true)
  })
})
