import { describe } from 'vitest'
import {
  parseCpuSet,
  parseDecimal,
  parseDuration,
  parseOctal,
  parsePair,
  parseSize,
  parseSizeOrUnlimited,
} from '../../../../src/cli/parse/value.js'
import { grammar } from './table.js'

describe('sizes', () => {
  grammar(
    parseSize,
    [
      ['0', 0],
      ['512', 512],
      ['512b', 512],
      ['1k', 1024],
      ['64m', 67108864],
      ['64M', 67108864],
      ['64MB', 67108864],
      ['64MiB', 67108864],
      ['1.5g', 1610612736],
      ['2t', 2199023255552],
    ],
    [
      ['', 'not a size'],
      ['-1', 'not a size'],
      ['m', 'not a size'],
      ['64x', 'not a size'],
      ['1,5g', 'not a size'],
      ['1e3', 'not a size'],
      ['99999999999999999', 'not a size'],
    ],
  )
})

describe('sizes that may be unlimited', () => {
  grammar(
    parseSizeOrUnlimited,
    [
      ['-1', -1],
      ['1m', 1048576],
    ],
    [['-2', 'not a size']],
  )
})

describe('durations', () => {
  grammar(
    parseDuration,
    [
      ['0', 0],
      ['30s', 30e9],
      ['1m30s', 90e9],
      ['1.5h', 5400e9],
      ['250ms', 250e6],
      ['1h2m3s', 3723e9],
    ],
    [
      ['', 'not a duration'],
      ['30', 'not a duration'],
      ['-5s', 'not a duration'],
      ['5 s', 'not a duration'],
      ['1d', 'not a duration'],
      ['99999999999999h', 'too long'],
    ],
  )
})

describe('octal numbers', () => {
  grammar(
    (text) => parseOctal(text, 0o777),
    [
      ['0022', 18],
      ['22', 18],
      ['777', 511],
    ],
    [
      ['8', 'octal'],
      ['1000', 'octal'],
      ['', 'octal'],
    ],
  )
})

describe('decimal numbers', () => {
  grammar(
    parseDecimal,
    [
      ['1', 1],
      ['0.5', 0.5],
      ['.5', 0.5],
    ],
    [
      ['-1', 'not a number'],
      ['1e3', 'not a number'],
      ['', 'not a number'],
    ],
  )
})

describe('pairs', () => {
  grammar<readonly [string, string]>(
    parsePair,
    [
      ['a=b', ['a', 'b']],
      ['a=b=c', ['a', 'b=c']],
      ['a=', ['a', '']],
      ['a', ['a', '']],
    ],
    [['=b', 'no name']],
  )
})

describe('cpu sets', () => {
  grammar(
    parseCpuSet,
    [
      ['0', '0'],
      ['0-3,7', '0-3,7'],
    ],
    [
      ['', 'list'],
      ['a', 'list'],
      ['0-', 'list'],
      ['0;rm', 'list'],
    ],
  )
})
