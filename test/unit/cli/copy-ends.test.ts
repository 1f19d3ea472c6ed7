import { expect, test } from 'vitest'

import { parseEnd } from '../../../src/cli/copy-ends.js'

test.each([
  ['web:/etc', { container: 'web', path: '/etc' }],
  ['web:etc', { container: 'web', path: '/etc' }],
  ['web:/a:b', { container: 'web', path: '/a:b' }],
  ['file', { path: 'file' }],
  ['./a:b', { path: './a:b' }],
  ['/a:b', { path: '/a:b' }],
  ['../a:b', { path: '../a:b' }],
])('%s is %j', (text, expected) => {
  expect(parseEnd(text)).toEqual(expected)
})

test.each(['', ':/x', 'web:'])('%j is refused', (text) => {
  expect(() => parseEnd(text)).toThrow(expect.objectContaining({ code: 'usage' }))
})
