import { describe, expect, test } from 'vitest'
import { describeWithSize, Rates } from '../../../../src/cli/output/progress-text.js'

const digest = `sha256:${'0123456789ab'.padEnd(64, 'c')}`

test.each([
  [
    { id: digest, action: 'Copying blob', current: 1_500_000, total: 3_000_000 },
    2_000_000,
    '0123456789ab  1.5MB / 3MB (50%)  2MB/s',
  ],
  [{ id: digest, action: 'Copying blob', current: 0, total: 3_000_000 }, undefined, '0123456789ab  0B / 3MB (0%)'],
  [{ id: digest, action: 'Copying blob', current: 7 }, undefined, '0123456789ab  7B'],
  [{ id: digest, action: 'Copying blob' }, undefined, '0123456789ab'],
])('%j at %s', (event, rate, text) => {
  expect(describeWithSize(event, rate)).toBe(`Copying blob ${text}`)
})

test('a remark follows what it is about', () => {
  const event = { id: digest, action: 'Copying blob', remark: 'skipped: already exists' }
  expect(describeWithSize(event, undefined)).toBe('Copying blob 0123456789ab skipped: already exists')
})

test('what has no ID is its action', () => {
  expect(describeWithSize({ id: '', action: 'Writing manifest' }, undefined)).toBe('Writing manifest')
})

describe('the rate', () => {
  /** The rates that are shown while bytes come at [milliseconds, bytes in all]. */
  const rates = (...samples: readonly (readonly [number, number])[]): readonly (number | undefined)[] => {
    const all = new Rates()
    return samples.map(([milliseconds, bytes]) => all.at('x', bytes, milliseconds))
  }

  test('is said after half a second', () => {
    expect(rates([0, 0], [499, 10], [500, 50])).toEqual([undefined, undefined, 100])
  })

  test('is that of the last seconds, however much came before', () => {
    expect(rates([0, 0], [1000, 10_000], [6000, 10_500], [11_000, 11_000]).at(-1)).toBe(100)
  })

  test('begins again when its bytes do', () => {
    expect(rates([0, 0], [1000, 1000], [1010, 10], [2010, 60])).toEqual([undefined, 1000, undefined, 50])
  })

  test('is right however often it is asked for', () => {
    const often = Array.from({ length: 3001 }, (_, at) => [at, at * 5] as const)
    expect(rates(...often).at(-1)).toBeCloseTo(5000, 0)
  })
})
