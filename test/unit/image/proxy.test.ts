import { describe, expect, test } from 'vitest'
import { proxyAuthorization, proxyFor } from '../../../src/image/registry/proxy.js'

const proxy = 'http://proxy.example:3128'
const both = { HTTP_PROXY: proxy, HTTPS_PROXY: 'http://secure.example:3129' }

const hrefFor = (url: string, env: Record<string, string>): string | undefined => proxyFor(new URL(url), env)?.href

describe('the proxy of a request', () => {
  test.each<[string, Record<string, string>, string | undefined]>([
    ['http://registry.test/', {}, undefined],
    ['http://registry.test/', both, 'http://proxy.example:3128/'],
    ['https://registry.test/', both, 'http://secure.example:3129/'],
    ['https://registry.test/', { HTTP_PROXY: proxy }, undefined],
    ['https://registry.test/', { https_proxy: 'proxy.example:1' }, 'http://proxy.example:1/'],
    ['https://registry.test/', { ALL_PROXY: proxy }, 'http://proxy.example:3128/'],
    ['https://registry.test/', { HTTPS_PROXY: '', all_proxy: proxy }, 'http://proxy.example:3128/'],
    ['http://registry.test/', { HTTP_PROXY: proxy, REQUEST_METHOD: 'GET' }, undefined],
    ['https://registry.test/', { HTTPS_PROXY: 'http://[' }, undefined],
    ['http://localhost:5000/', both, undefined],
    ['http://127.0.0.9:5000/', both, undefined],
    ['http://[::1]:5000/', both, undefined],
  ])('%s with %j', (url, env, expected) => {
    expect(hrefFor(url, env)).toBe(expected)
  })

  test.each(['socks5://proxy.example:1080', 'socks4://u:p@proxy.example'])('is not %s', (HTTPS_PROXY) => {
    expect(() => hrefFor('https://registry.test/', { HTTPS_PROXY })).toThrow(
      /proxy of the kind socks\d:\/\/: there are/,
    )
  })

  test.each<[string, string, boolean]>([
    ['https://registry.test/', '*', true],
    ['https://registry.test/', 'other.test, registry.test', true],
    ['https://registry.test/', 'REGISTRY.test', true],
    ['https://a.registry.test/', 'registry.test', true],
    ['https://a.registry.test/', '.registry.test', true],
    ['https://a.registry.test/', '*.registry.test', true],
    ['https://registry.test/', '.registry.test', false],
    ['https://myregistry.test/', 'registry.test', false],
    ['https://registry.test:5000/', 'registry.test:5000', true],
    ['https://registry.test:5001/', 'registry.test:5000', false],
    ['https://registry.test/', 'registry.test:443', true],
    ['https://192.0.2.7/', '192.0.2.7', true],
    ['https://192.0.2.7/', '192.0.2.0/24', true],
    ['https://192.0.3.7/', '192.0.2.0/24', false],
    ['https://192.0.2.7/', '0.0.0.0/0', true],
    ['https://192.0.2.7/', '192.0.2.0/33', false],
    ['https://[2001:db8::7]/', '2001:db8::/32', true],
    ['https://[2001:db9::7]/', '2001:db8::/32', false],
    ['https://[2001:db8::7]:5000/', '[2001:db8::7]:5000', true],
    ['https://[2001:db8::7]/', '2001:db8::7', true],
    ['https://[2001:db8::7]/', '192.0.2.0/24', false],
    ['https://registry.test/', '192.0.2.0/24', false],
    ['https://registry.test/', ' , ', false],
  ])('%s is reached directly with NO_PROXY %j: %s', (url, list, direct) => {
    expect(hrefFor(url, { ...both, NO_PROXY: list }) === undefined).toBe(direct)
    expect(hrefFor(url, { ...both, no_proxy: list }) === undefined).toBe(direct)
  })

  test('is given the login of its URL', () => {
    expect(proxyAuthorization(new URL('http://u:p%40ss@proxy.example'))).toEqual({
      'proxy-authorization': `Basic ${Buffer.from('u:p@ss').toString('base64')}`,
    })
    expect(proxyAuthorization(new URL(proxy))).toEqual({})
  })
})
