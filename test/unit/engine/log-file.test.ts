import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { LogFile, logFiles, tailOffset } from '../../../src/engine/containers/log-file.js'
import { parseLogRecord } from '../../../src/engine/containers/log-format.js'

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tspod-log-'))
  path = join(folder, 'log')
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

const isPartial = (record: Buffer): boolean => record.toString().startsWith('P')
const tail = (count: number) => {
  const { offset, lines } = tailOffset(path, count, isPartial)
  using file = new LogFile(path, offset)
  return { lines, text: [...file.records()].map(String) }
}

describe('the last lines', () => {
  test.each([0, 1, 2, 3])('are %i of three', (count) => {
    writeFileSync(path, 'F1\nF2\nF3\n')
    expect(tail(count)).toEqual({ lines: count, text: ['F1', 'F2', 'F3'].slice(3 - count) })
  })

  test('are all if there are fewer', () => {
    writeFileSync(path, 'F1\nF2\n')
    expect(tail(9)).toEqual({ lines: 2, text: ['F1', 'F2'] })
  })

  test('have all their parts', () => {
    writeFileSync(path, 'F1\nP2a\nP2b\nF2c\nF3\n')
    expect(tail(2).text).toEqual(['P2a', 'P2b', 'F2c', 'F3'])
  })

  test('count one that is not finished', () => {
    writeFileSync(path, 'F1\nF2\nP3\n')
    expect(tail(2).text).toEqual(['F2', 'P3'])
  })

  test('are found across the borders of what is read at once', () => {
    const lines = Array.from({ length: 5000 }, (_, index) => `F${index} ${'x'.repeat(index % 97)}`)
    writeFileSync(path, lines.map((line) => `${line}\n`).join(''))
    for (const count of [1, 2, 699, 700, 701, 4999, 5000]) expect(tail(count).text).toEqual(lines.slice(-count))
  })

  test('of an empty file are none', () => {
    writeFileSync(path, '')
    expect(tail(3)).toEqual({ lines: 0, text: [] })
  })
})

test('a file that grows is read on, and a record only once it is whole', () => {
  writeFileSync(path, 'one\ntw')
  using file = new LogFile(path)
  expect([...file.records()].map(String)).toEqual(['one'])
  appendFileSync(path, 'o\nthree\n')
  expect([...file.records()].map(String)).toEqual(['two', 'three'])
})

test('rotated files come first, the oldest of all at the beginning', () => {
  for (const name of ['log', 'log.1', 'log.2', 'log.x']) writeFileSync(join(folder, name), '')
  expect(logFiles(path)).toEqual([`${path}.2`, `${path}.1`, path])
})

const records: [text: string, expected: object | undefined][] = [
  ['2026-11-21T05:46:00.123456789+00:00 stdout F a b', { stream: 'stdout', partial: false, text: 'a b' }],
  ['2026-11-21T05:46:00.123456789Z stderr P ', { stream: 'stderr', partial: true, text: '' }],
  ['{"log":"x\\n","stream":"stderr","time":"2026-11-21T05:46:00.1Z"}', { stream: 'stderr', partial: false, text: 'x' }],
  ['{"log":"x","stream":"stdout","time":""}', { stream: 'stdout', partial: true, text: 'x' }],
  ['nonsense', undefined],
  ['2026 stdnone F x', undefined],
  ['{"log":1}', undefined],
  ['{', undefined],
]

test.each(records)('the record %s', (text, expected) => {
  const line = parseLogRecord(Buffer.from(text))
  expect(line && { stream: line.stream, partial: line.partial, text: line.text.toString() }).toEqual(expected)
})
