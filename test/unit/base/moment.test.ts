import { describe, expect, test } from 'vitest'
import { millisecondsOf, parseMoment, parseTimestamp } from '../../../src/base/moment.js'

const now = new Date('2026-11-28T12:00:00.500Z')
const local = (...parts: [number, number, number, number?, number?, number?]): bigint =>
  BigInt(new Date(...parts).getTime()) * 1_000_000n
const utc = (text: string, nanoseconds = 0n): bigint => BigInt(Date.parse(text)) * 1_000_000n + nanoseconds

describe('moments that people write', () => {
  const cases: [text: string, moment: bigint][] = [
    ['0', 0n],
    ['1732800000', 1_732_800_000_000_000_000n],
    ['1732800000.123456789', 1_732_800_000_123_456_789n],
    ['1732800000.5', 1_732_800_000_500_000_000n],
    ['-1.5', -1_500_000_000n],
    ['1h30m', utc('2026-11-28T10:30:00.500Z')],
    ['-1h', utc('2026-11-28T13:00:00.500Z')],
    ['1.5h', utc('2026-11-28T10:30:00.500Z')],
    ['2d', utc('2026-11-26T12:00:00.500Z')],
    ['1w', utc('2026-11-21T12:00:00.500Z')],
    ['1ns', utc('2026-11-28T12:00:00.499Z', 999_999n)],
    ['2026-11-21T05:46:00Z', utc('2026-11-21T05:46:00Z')],
    ['2026-11-21t05:46:00z', utc('2026-11-21T05:46:00Z')],
    ['2026-11-21T05:46:00.000000001+01:30', utc('2026-11-21T04:16:00Z', 1n)],
    ['2026-11-21T05:46+0130', utc('2026-11-21T04:16:00Z')],
    ['2026-11-21', local(2026, 10, 21)],
    ['2026-11-21Z', utc('2026-11-21T00:00:00Z')],
    ['2026-11-21 05:46:07', local(2026, 10, 21, 5, 46, 7)],
    ['2026-11-21T05:46:07.5', local(2026, 10, 21, 5, 46, 7) + 500_000_000n],
  ]
  test.each(cases)('%s', (text, moment) => {
    expect(parseMoment(text, now)).toBe(moment)
  })

  test('a duration is ahead of now, if it is asked for so', () => {
    expect(parseMoment('90s', now, 1)).toBe(utc('2026-11-28T12:01:30.500Z'))
    expect(parseMoment('-90s', now, 1)).toBe(utc('2026-11-28T11:58:30.500Z'))
    expect(parseMoment('90', now, 1)).toBe(90_000_000_000n)
  })

  const wrong = [
    '',
    'soon',
    'abc 5',
    '5 s',
    '1e9',
    '2026-13-01',
    '2026-02-30',
    '2026-11-21T25:00:00Z',
    '9999999999w',
    '2026-1-1',
  ]
  test.each(wrong)('%j is none', (text) => {
    expect(() => parseMoment(text, now)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
  })
})

test.each([
  ['2026-11-21T05:46:00.123456789+00:00', utc('2026-11-21T05:46:00Z', 123_456_789n)],
  ['2026-11-21T05:46:00.12Z', utc('2026-11-21T05:46:00Z', 120_000_000n)],
  ['2026-11-21T05:46:00-02:00', utc('2026-11-21T07:46:00Z')],
  ['2026-11-21', undefined],
  ['2026-11-41T05:46:00Z', undefined],
  ['', undefined],
])('the time of a record, %j', (text, moment) => {
  expect(parseTimestamp(text)).toBe(moment)
})

test('milliseconds are rounded down', () => {
  expect(millisecondsOf(1_999_999n)).toBe(1)
})
