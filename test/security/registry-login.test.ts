import { describe, expect, test } from 'vitest'
import { checkLogin } from '../../src/image/registry/login.js'
import type { RegistryOptions } from '../../src/image/registry/source.js'
import { startTestRegistry } from '../helpers/registry.js'
import { endless, lyingRegistry, secret } from './lies.js'

const lies = lyingRegistry()
const withPassword: Partial<RegistryOptions> = {
  credentials: () => Promise.resolve({ kind: 'password', username: 'user', password: 'secret' }),
}
const withToken: Partial<RegistryOptions> = {
  credentials: () => Promise.resolve({ kind: 'token', identityToken: 'long-lived' }),
}
const once: Partial<RegistryOptions> = { retry: { retries: 0, delayMilliseconds: 1 } }

const login = (more: Partial<RegistryOptions> = {}): Promise<void> =>
  checkLogin(lies.registry.host, lies.options({ ...withPassword, ...more }))

/** A registry that wants tokens from `realm`. */
function wantsTokens(realm = `http://${lies.registry.host}/token`): void {
  lies.registry.misbehave = (_, response, url) => {
    if (url.pathname === '/token') return false
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end()
    return true
  }
}

describe('a password', () => {
  test('does not follow a redirect to another host', async () => {
    await using other = await startTestRegistry()
    lies.registry.misbehave = (request, response) => {
      if (request.headers.authorization === `Basic ${secret}`) {
        response.writeHead(307, { location: `http://${other.host}/v2/` }).end()
      } else response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end()
      return true
    }
    await login()
    expect(other.requests.map(({ authorization }) => authorization)).toEqual([undefined])
  })

  test.each(['http://192.0.2.1/token', 'ftp://192.0.2.1/token', 'javascript:alert(1)', 'no URL at all'])(
    'is not sent to a token service at %s',
    async (realm) => {
      wantsTokens(realm)
      await expect(login()).rejects.toMatchObject({ code: 'registry-error' })
      expect(lies.registry.requests.every(({ authorization }) => authorization === undefined)).toBe(true)
    },
  )

  test('does not follow the token service elsewhere', async () => {
    await using other = await startTestRegistry()
    lies.registry.misbehave = (_, response, url) => {
      if (url.pathname === '/token') response.writeHead(302, { location: `http://${other.host}/token` }).end()
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${lies.registry.host}/token"` }).end()
      return true
    }
    await expect(login()).rejects.toMatchObject({ code: 'registry-error' })
    expect(other.requests.map(({ authorization }) => authorization)).toEqual([undefined])
  })

  test('that is wrong is tried once', async () => {
    lies.registry.misbehave = (_, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end()
      return true
    }
    await expect(login()).rejects.toMatchObject({ code: 'registry-denied' })
    expect(lies.registry.requests).toHaveLength(2)
  })
})

describe('an identity token', () => {
  test('does not follow a redirect, in whose body it would be', async () => {
    await using other = await startTestRegistry()
    lies.registry.misbehave = (_, response, url) => {
      if (url.pathname === '/token') response.writeHead(307, { location: `http://${other.host}/token` }).end()
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${lies.registry.host}/token"` }).end()
      return true
    }
    await expect(login(withToken)).rejects.toMatchObject({ code: 'registry-error' })
    expect(other.requests).toEqual([])
  })
})

describe('a token service', () => {
  const answers: readonly [string, string | Buffer, string][] = [
    ['that answers no JSON', 'hello', 'registry-error'],
    ['that answers null', 'null', 'registry-error'],
    ['that answers no token', '{}', 'registry-error'],
    ['whose token would end the header', JSON.stringify({ token: 'a\r\nX-Evil: 1' }), 'registry-error'],
    ['whose token is a number', JSON.stringify({ token: 7 }), 'registry-error'],
    ['whose answer is a megabyte', JSON.stringify({ token: 'x'.repeat(1024 * 1024) }), 'limit-exceeded'],
  ]
  test.each(answers)('%s is an error', async (_, body, code) => {
    wantsTokens()
    const before = lies.registry.misbehave
    lies.registry.misbehave = (request, response, url) => {
      if (url.pathname !== '/token') return before(request, response, url)
      response.end(body)
      return true
    }
    await expect(login()).rejects.toMatchObject({ code })
  })

  test('that drips is ended', async () => {
    wantsTokens()
    const before = lies.registry.misbehave
    lies.registry.misbehave = (request, response, url) => {
      if (url.pathname !== '/token') return before(request, response, url)
      const timer = setInterval(() => response.write(' '), 20)
      response.once('close', () => clearInterval(timer))
      return true
    }
    await expect(login(once)).rejects.toThrow(/less than 10000 bytes/)
  })
})

describe('a registry', () => {
  test('whose answer has no end is not read to it', async () => {
    lies.registry.misbehave = (_, response) => {
      response.writeHead(500)
      endless(response)
      return true
    }
    await expect(login(once)).rejects.toMatchObject({ code: 'registry-error' })
  })

  test('that redirects in a circle is given up', async () => {
    lies.registry.misbehave = (_, response) => {
      response.writeHead(302, { location: '/v2/' }).end()
      return true
    }
    await expect(login()).rejects.toThrow(/redirects more than/)
    expect(lies.registry.requests.length).toBeLessThan(10)
  })

  test('with two hundred challenges is read as far as makes sense', async () => {
    const header = Array.from({ length: 200 }, (_, number) => `Scheme${String(number)} realm="x"`).join(', ')
    lies.registry.misbehave = (_, response) => {
      response.writeHead(401, { 'www-authenticate': header }).end()
      return true
    }
    await expect(login()).rejects.toMatchObject({ code: 'registry-denied' })
  })
})
