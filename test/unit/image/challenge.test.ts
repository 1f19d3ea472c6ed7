import { expect, test } from 'vitest'
import { parseChallenges } from '../../../src/image/registry/challenge.js'
import { proxyFor } from '../../../src/image/registry/proxy.js'

test.each([
  [
    'Bearer realm="https://auth.example/token",service="registry",scope="repository:a:pull,push"',
    [
      {
        scheme: 'bearer',
        parameters: { realm: 'https://auth.example/token', service: 'registry', scope: 'repository:a:pull,push' },
      },
    ],
  ],
  ['Basic realm="a \\"b\\""', [{ scheme: 'basic', parameters: { realm: 'a "b"' } }]],
  [
    'Basic realm=x, Bearer realm="y"',
    [
      { scheme: 'basic', parameters: { realm: 'x' } },
      { scheme: 'bearer', parameters: { realm: 'y' } },
    ],
  ],
  ['', []],
  ['=,;', []],
  ['Bearer realm="unfinished', [{ scheme: 'bearer', parameters: {} }]],
])('reads %j', (text, challenges) => {
  expect(parseChallenges(text)).toEqual(challenges)
})

test.each([
  ['https://a.example/', { HTTPS_PROXY: 'http://p:1' }, 'http://p:1/'],
  ['http://a.example/', { HTTPS_PROXY: 'http://p:1' }, undefined],
  ['http://a.example/', { HTTP_PROXY: 'p:1' }, 'http://p:1/'],
  ['http://a.example/', { HTTP_PROXY: 'p:1', REQUEST_METHOD: 'GET' }, undefined],
  ['https://a.example/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'example' }, undefined],
  ['https://a.example/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '.a.example' }, 'http://p:1/'],
  ['https://a.example/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a.example:443' }, undefined],
  ['https://a.example/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a.example:80' }, 'http://p:1/'],
  ['https://10.1.2.3/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '10.0.0.0/8' }, undefined],
  ['https://11.1.2.3/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '10.0.0.0/8' }, 'http://p:1/'],
  ['https://a.example/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '*' }, undefined],
  ['http://127.0.0.1:5000/', { HTTP_PROXY: 'http://p:1' }, undefined],
])('for %s and %j the proxy is %s', (url, env, proxy) => {
  expect(proxyFor(new URL(url), env)?.href).toBe(proxy)
})
