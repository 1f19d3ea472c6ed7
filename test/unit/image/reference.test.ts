import { describe, expect, test } from 'vitest'
import { formatReference, parseFamiliar, parseReference, withDefaultTag } from '../../../src/image/reference.js'

const digest = `sha256:${'a'.repeat(64)}`

describe('parseReference', () => {
  test.each([
    ['busybox', 'docker.io/library/busybox'],
    ['busybox:1', 'docker.io/library/busybox:1'],
    ['a/b', 'docker.io/a/b'],
    ['docker.io/busybox', 'docker.io/library/busybox'],
    ['index.docker.io/busybox', 'docker.io/library/busybox'],
    ['localhost/busybox', 'localhost/busybox'],
    ['localhost:5000/busybox:1', 'localhost:5000/busybox:1'],
    ['host.example/a/b-c/d__e:v1.2_3', 'host.example/a/b-c/d__e:v1.2_3'],
    ['[::1]:5000/a', '[::1]:5000/a'],
    [`busybox@${digest}`, `docker.io/library/busybox@${digest}`],
    [`busybox:1@${digest}`, `docker.io/library/busybox:1@${digest}`],
    ['Host.example/a', 'Host.example/a'],
    ['a.b/c', 'a.b/c'],
    ['127.0.0.1/a', '127.0.0.1/a'],
  ])('reads %s as %s', (text, whole) => {
    expect(formatReference(parseReference(text))).toBe(whole)
  })

  test.each([
    '',
    ':tag',
    'a:',
    'a:b:c',
    'UPPER',
    'a/UPPER',
    'Bad/name',
    '-a',
    'a-',
    'a..b',
    'a___b',
    'a/',
    '/a',
    'a//b',
    'a@sha256:abc',
    `a@md5:${'a'.repeat(32)}`,
    `a@sha256:${'A'.repeat(64)}`,
    `a@${digest}@${digest}`,
    'host:port/a',
    'a b',
    'a\u0000',
    'a\n',
    'ä',
    '../../etc/passwd',
    'a:.b',
    `a:${'b'.repeat(129)}`,
    'a'.repeat(256),
    'f'.repeat(64),
    'http://host/a',
    'a\u001b[31m',
  ])('refuses %j', (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'invalid-reference' }))
  })

  test('keeps control characters of a refused name out of its message', () => {
    expect(() => parseReference('a\u001b[2Jb')).toThrow(/\\u001b\[2J/)
  })
})

test('a short name has no registry', () => {
  expect(parseFamiliar('a/b:1')).toEqual({ domain: '', path: 'a/b', tag: '1' })
})

test('a name without tag and digest is the latest', () => {
  expect(withDefaultTag(parseReference('a')).tag).toBe('latest')
  expect(withDefaultTag(parseReference(`a@${digest}`)).tag).toBeUndefined()
})
