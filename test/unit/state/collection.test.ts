import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readFolders } from '../../../src/state/collection.js'
import { removeFolder } from '../../../src/state/file.js'

const root = mkdtempSync(join(tmpdir(), 'tspod-collection-'))
afterAll(() => removeFolder(root))

function folder(name: string, files: Readonly<Record<string, string>>): string {
  const path = join(root, name)
  mkdirSync(path, { recursive: true })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text)
  return path
}

test('the files of all folders are read at once, with only the first lines where no more is wanted', () => {
  folder('read/one', { a: 'head ä\ntail', b: 'whole\ntext' })
  folder('read/two', { b: '' })
  folder('read/.hidden', { a: 'x' })
  writeFileSync(join(root, 'read/file'), 'no folder')
  const found = readFolders(join(root, 'read'), ['a', 'b'], 1)
  const texts = new Map(found.map(({ name, text }) => [name, [text(0), text(1)]]))
  expect(texts).toEqual(
    new Map([
      ['one', ['head ä', 'whole\ntext']],
      ['two', [undefined, '']],
      ['file', [undefined, undefined]],
    ]),
  )
})

test('a folder that is not there has no folders', () => {
  expect(readFolders(join(root, 'missing'), ['a'])).toEqual([])
})

test('a text that is too long to be read with the others is read by itself', () => {
  const long = 'x'.repeat(300 * 1024)
  folder('long/one', { a: long })
  expect(readFolders(join(root, 'long'), ['a'])[0]?.text(0)).toBe(long)
})

test('what is no file is told when it is asked for, and hides no other', () => {
  folder('odd/one/a', {})
  spawnSync('mkfifo', [join(folder('odd/three', {}), 'a')])
  folder('odd/four', { a: 'text' })
  const found = new Map(readFolders(join(root, 'odd'), ['a']).map((item) => [item.name, item]))
  expect(() => found.get('one')?.text(0)).toThrow(/not a regular file/)
  expect(found.get('three')?.text(0)).toBe('')
  expect(found.get('four')?.text(0)).toBe('text')
})

test('a folder is removed whatever the modes below it, and no link is followed', () => {
  const kept = folder('kept', { a: 'text' })
  const gone = folder('gone/closed', { b: 'text' })
  symlinkSync(kept, join(root, 'gone/link'))
  chmodSync(gone, 0)
  removeFolder(join(root, 'gone'))
  expect(existsSync(join(root, 'gone'))).toBe(false)
  expect(existsSync(join(kept, 'a'))).toBe(true)
  removeFolder(join(root, 'gone'))
})
