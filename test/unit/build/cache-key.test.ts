import { describe, expect, test } from 'vitest'
import { canonical, stepKey, type KeyPart } from '../../../src/build/cache-key.js'

describe('the key of a step', () => {
  test('is the same for equal values, in whatever order their members are', () => {
    const one = stepKey('RUN', 'parent', { argv: ['a', 'b'], env: { A: '1', B: '2' } })
    const other = stepKey('RUN', 'parent', { env: { B: '2', A: '1' }, argv: ['a', 'b'] })
    expect(one).toBe(other)
    expect(one).toMatch(/^[0-9a-f]{64}$/)
  })

  test('does not count what is undefined', () => {
    expect(stepKey('RUN', 'p', { argv: ['a'], script: undefined })).toBe(stepKey('RUN', 'p', { argv: ['a'] }))
  })

  const base: KeyPart = { argv: ['a', 'b'], user: 'root' }
  test.each<readonly [string, string, string, KeyPart]>([
    ['what is done', 'COPY', 'p', base],
    ['the parent', 'RUN', 'q', base],
    ['an argument', 'RUN', 'p', { argv: ['a', 'c'], user: 'root' }],
    ['the order of a list', 'RUN', 'p', { argv: ['b', 'a'], user: 'root' }],
    ['where a word ends', 'RUN', 'p', { argv: ['a b'], user: 'root' }],
    ['a text that is no number', 'RUN', 'p', { argv: ['a', 'b'], user: 0 }],
    ['a further member', 'RUN', 'p', { argv: ['a', 'b'], user: 'root', network: 'none' }],
  ])('is another one with another %s', (_, kind, parent, parts) => {
    expect(stepKey(kind, parent, parts)).not.toBe(stepKey('RUN', 'p', base))
  })

  test.each<readonly [KeyPart, string]>([
    [{ b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
    ['"', '"\\""'],
    [undefined, 'null'],
    [{}, '{}'],
    [[], '[]'],
  ])('takes %j as %s', (value, text) => {
    expect(canonical(value)).toBe(text)
  })
})
