import { describe, expect, test } from 'vitest'
import { formatTable } from '../../../../src/cli/output/table.js'
import { goTime, humanDuration } from '../../../../src/cli/output/time.js'
import { binarySize, humanSize, spacedSize } from '../../../../src/cli/output/units.js'

describe('tables', () => {
  const columns = [
    { heading: 'ID', cell: (row: readonly string[]) => row[0] ?? '' },
    { heading: 'NAME', cell: (row: readonly string[]) => row[1] ?? '' },
  ]

  test('columns are at least twelve wide, with two spaces between, and nothing trails', () => {
    expect(
      formatTable(columns, [
        ['1', 'a'],
        ['a-long-name-here', 'b'],
      ]),
    ).toBe('ID                NAME\n1                 a\na-long-name-here  b\n')
    expect(formatTable(columns, [['1', 'a']], { heading: false })).toBe('1           a\n')
  })

  test('wide characters take two columns', () => {
    expect(formatTable(columns, [['日本', 'a']], { heading: false })).toBe('日本        a\n')
  })

  test('nothing in a cell moves the cursor', () => {
    expect(formatTable(columns, [['\u001b[2J', 'a\nb\u202e']], { heading: false })).toBe('?[2J        a?b?\n')
  })
})

test.each<[number, string]>([
  [0, 'Less than a second'],
  [1, '1 second'],
  [59, '59 seconds'],
  [60, 'About a minute'],
  [119, 'About a minute'],
  [120, '2 minutes'],
  [3599, '59 minutes'],
  [3600, 'About an hour'],
  [7200, '2 hours'],
  [47 * 3600, '47 hours'],
  [48 * 3600, '2 days'],
  [13 * 86400, '13 days'],
  [14 * 86400, '2 weeks'],
  [60 * 86400, '2 months'],
  [729 * 86400, '24 months'],
  [730 * 86400, '2 years'],
])('%i seconds are %s', (seconds, text) => {
  expect(humanDuration(seconds * 1000)).toBe(text)
})

test.each<[number, string, string, string]>([
  [0, '0B', '0 B', '0B'],
  [999, '999B', '999 B', '999B'],
  [4494848, '4.495MB', '4.49 MB', '4.287MiB'],
  [1_000_000_000, '1GB', '1 GB', '953.7MiB'],
])('%i bytes', (bytes, human, spaced, binary) => {
  expect([humanSize(bytes), spacedSize(bytes), binarySize(bytes)]).toEqual([human, spaced, binary])
})

test('times are printed as Go does', () => {
  expect(goTime(new Date('2026-01-31T08:05:09.120Z'))).toMatch(/^2026-01-3[01] \d\d:\d\d:09\.12 [+-]\d{4} \S+$/)
})
