import { mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { observe } from '../../../src/base/looks.js'
import { readText } from '../../../src/state/file.js'
import { isSettled, marksOf } from '../../../src/state/marks.js'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tspod-marks-'))
})

afterAll(() => {
  rmSync(folder, { recursive: true })
})

const second = 1_000_000_000n

test('a file is settled once a further change would show in its time', () => {
  const now = 1_700_000_000_500
  expect(isSettled(BigInt(now - 60) * 1_000_000n + 1n, now)).toBe(true)
  expect(isSettled(BigInt(now - 40) * 1_000_000n + 1n, now)).toBe(false)
  expect(isSettled(BigInt(now + 1000) * 1_000_000n + 1n, now)).toBe(false)
})

test('times in whole seconds may be counted in twos', () => {
  const now = 1_700_000_000_500
  expect(isSettled(1_700_000_000n * second, now)).toBe(false)
  expect(isSettled(1_699_999_998n * second, now)).toBe(true)
})

/** As if everything had been there for long. */
const later = (): number => Date.now() + 10_000

test('a link that leads to another file than was read has no marks', () => {
  const [link, one, two] = ['link', 'one', 'two'].map((name) => join(folder, name)) as [string, string, string]
  writeFileSync(one, 'one')
  writeFileSync(two, 'two')
  symlinkSync(one, link)
  const { looks } = observe()
  expect(readText(link)).toBe('one')
  const look = looks.get(`file ${link}`) ?? { kind: 'unset', path: '' }
  expect(marksOf(look, later())?.[2]).toContain(`:${String(statSync(one).ino)}:`)
  symlinkSync(two, `${link}.new`)
  renameSync(`${link}.new`, link)
  expect(marksOf(look, later())).toBeUndefined()
})

test('a file that was missing, and is there now, has no marks', () => {
  const path = join(folder, 'comes')
  const { looks } = observe()
  expect(readText(path)).toBeUndefined()
  const look = looks.get(`file ${path}`) ?? { kind: 'unset', path: '' }
  expect(marksOf(look, later())?.[2]).toBe('-')
  symlinkSync(join(folder, 'one'), path)
  expect(marksOf(look, later())).toBeUndefined()
})
