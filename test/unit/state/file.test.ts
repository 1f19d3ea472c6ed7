import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { collection } from '../../../src/state/collection.js'
import { readJson, readText, writeFile, writeFileAtomic } from '../../../src/state/file.js'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tspod-file-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

test('a missing file is undefined, one that is no JSON is an error', () => {
  expect(readJson(join(folder, 'none'))).toBeUndefined()
  writeFileSync(join(folder, 'bad'), '{')
  expect(() => readJson(join(folder, 'bad'))).toThrow('not valid JSON')
})

test('a folder, or a file of a gigabyte, is not read', () => {
  mkdirSync(join(folder, 'folder'))
  expect(() => readText(join(folder, 'folder'))).toThrow()
  const large = join(folder, 'large')
  writeFileSync(large, '')
  truncateSync(large, 2 ** 30)
  expect(() => readText(large)).toThrow('larger than')
})

test('a file is replaced whole, and leaves nothing beside it', () => {
  const path = join(folder, 'x')
  writeFileAtomic(path, 'one')
  writeFileAtomic(path, 'two', { sync: true })
  expect(readText(path)).toBe('two')
  expect(readdirSync(folder)).toEqual(['x'])
})

test('a file is not written through a link', () => {
  symlinkSync(join(folder, 'target'), join(folder, 'link'))
  expect(() => writeFile(join(folder, 'link'), 'x')).toThrow()
  expect(readText(join(folder, 'target'))).toBeUndefined()
})

test('a collection keeps, lists and removes things, and skips what it cannot read', () => {
  const things = collection<{ n: number }>(
    join(folder, 'things'),
    join(folder, 'tmp'),
    (value) => value as { n: number },
  )
  expect(things.create('b', { n: 2 })).toBe(true)
  expect(things.create('a', { n: 1 }, (path) => writeFileSync(join(path, 'more'), ''))).toBe(true)
  expect(things.create('a', { n: 3 })).toBe(false)
  expect(things.get('a')).toEqual({ n: 1 })
  things.update('a', { n: 4 })
  writeFileSync(join(things.folder('b'), 'record.json'), '?')
  const corrupt: string[] = []
  expect(things.list((name) => corrupt.push(name))).toEqual([{ n: 4 }])
  expect(corrupt).toEqual(['b'])
  things.remove('a')
  expect(things.get('a')).toBeUndefined()
  expect(readdirSync(join(folder, 'tmp'))).toEqual([])
})

test.each(['../x', '', '.', 'a/b', 'a\0'])('%j is no name for a thing', (name) => {
  const things = collection(folder, join(folder, 'tmp'), (value) => value)
  expect(() => things.get(name)).toThrow('is not a name')
})
