import { describe, expect, test } from 'vitest'
import { parseEnv, parseEnvFile, parseLabelFile } from '../../../../src/cli/parse/env.js'
import { grammar } from './table.js'

const host = { HOME: '/home/u', LC_ALL: 'C', LC_TIME: 'de', EMPTY: '' }

describe('--env', () => {
  grammar(
    (text) => parseEnv(text, host),
    [
      ['A=b', [['A', 'b']]],
      ['A=', [['A', '']]],
      ['A=b=c', [['A', 'b=c']]],
      ['HOME', [['HOME', '/home/u']]],
      ['EMPTY', [['EMPTY', '']]],
      ['NOSUCH', []],
      [
        'LC_*',
        [
          ['LC_ALL', 'C'],
          ['LC_TIME', 'de'],
        ],
      ],
      ['toString', []],
    ],
    [
      ['', 'no name'],
      ['=b', 'no name'],
      ['A=\0', 'null character'],
    ],
  )
})

test('a file has comments, empty lines, and takes values as they are', () => {
  const text = '\ufeff# comment\n\nA=b # not a comment\n  B="quoted"\r\nHOME\nNOSUCH\nC=\n'
  expect(parseEnvFile(text, host, 'f')).toEqual([
    ['A', 'b # not a comment'],
    ['B', '"quoted"'],
    ['HOME', '/home/u'],
    ['C', ''],
  ])
})

test('a name with white space is refused with its line', () => {
  expect(() => parseEnvFile('A=b\nB C=d\n', host, 'my.env')).toThrow('my.env, line 2')
})

test('a file of labels may have names alone', () => {
  expect(parseLabelFile('a=1\nb\n# c\n', 'f')).toEqual([
    ['a', '1'],
    ['b', ''],
  ])
})
