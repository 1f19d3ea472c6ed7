import { describe, expect, test } from 'vitest'
import { parseByteSize } from '../../../src/base/byte-size.js'
import { parseCsvLine } from '../../../src/base/csv.js'
import { goDuration, parseGoDuration } from '../../../src/base/go-duration.js'

describe('durations', () => {
  const cases: [text: string, nanoseconds: number | undefined][] = [
    ['0', 0],
    ['5s', 5e9],
    ['1h2m3.5s', 3_723_500_000_000],
    ['.5s', 5e8],
    ['1.s', 1e9],
    ['10us', 1e4],
    ['10µs', 1e4],
    ['10μs', 1e4],
    ['1ms1ns', 1_000_001],
    ['-1m', -60e9],
    ['5', undefined],
    ['', undefined],
    ['s', undefined],
    ['.s', undefined],
    ['1d', undefined],
    ['1s ', undefined],
    ['999999999h', undefined],
  ]
  test.each(cases)('%j: %j ns', (text, nanoseconds) => {
    expect(parseGoDuration(text)).toBe(nanoseconds)
  })

  test.each([1, 1500, 3e6, 5e9, 3_723_500_000_000, 0])('%j ns are read as they are printed', (nanoseconds) => {
    expect(parseGoDuration(goDuration(nanoseconds))).toBe(nanoseconds)
  })
})

describe('sizes', () => {
  const cases: [text: string, bytes: number | undefined][] = [
    ['512', 512],
    ['64m', 64 << 20],
    ['1.5G', 1.5 * 2 ** 30],
    ['1 kib', 1024],
    ['2KB', 2048],
    ['1.9b', 1],
    ['-1', undefined],
    ['m', undefined],
    ['1x', undefined],
    ['9007199254740993', undefined],
  ]
  test.each(cases)('%j: %j bytes', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes)
  })
})

describe('fields', () => {
  const cases: [text: string, fields: string[] | undefined][] = [
    ['a,b', ['a', 'b']],
    ['a,,b,', ['a', '', 'b', '']],
    ['', ['']],
    ['"a,b",c', ['a,b', 'c']],
    ['"a""b"', ['a"b']],
    ['a"b', undefined],
    ['"a', undefined],
    ['"a"b', undefined],
  ]
  test.each(cases)('%j: %j', (text, fields) => {
    expect(parseCsvLine(text)).toEqual(fields)
  })
})
