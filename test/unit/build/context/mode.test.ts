import { expect, test } from 'vitest'
import { parseMode } from '../../../../src/build/context/mode.js'

test.each(['0', '755', '0755', '7777', '+x', 'u+x', 'u=rwX,go=rX', 'a-w', 'g=u', 'u+s,+t', 'ug+rw-x', '='])(
  '%s',
  (text) => {
    expect(parseMode(text)).toBe(text)
  },
)

test.each(['', '8', '10000', '77777', '0x1ff', '-1', '755 ', 'rwx', 'u+q', 'u+x,', ',u+x', 'u=go', 'x'.repeat(300)])(
  '%j is no mode',
  (text) => {
    expect(() => parseMode(text)).toThrow('invalid chmod parameter')
  },
)
