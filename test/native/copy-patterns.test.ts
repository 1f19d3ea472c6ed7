import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { IgnoreMatcher } from '../../src/build/ignore.js'
import { copyPlace, type CopyPlace } from '../helpers/copy-place.js'

/* What hides a path is known twice: where patterns are read, and in the native walk. Both must mean the same. */

const names = [
  'a', 'b.txt', 'foo', 'foobar', 'barfoo', 'x.foo', 'star*', 'br[1]', 'back\\slash', 'é', '日本', '.hidden', 'a b',
  'dir/a', 'dir/b.txt', 'dir/foo', 'dir/sub/a', 'dir/sub/foo', 'dir/sub/deep/foo', 'dir/sub/deep/b.txt', 'dir2/a',
  'foo.d/a', 'foo.d/foo', 'x/y/z/w', 'x/y/z.go', 'x/y.go',
] // prettier-ignore

const lists: string[][] = [
  ['foo'], ['*'], ['**'], ['*.txt'], ['**/*.txt'], ['**/foo'], ['**foo'], ['foo**'], ['dir/**'], ['dir/*'], ['dir/**/foo'],
  ['**/sub'], ['**/sub/**'], ['dir', '!dir/sub/foo'], ['**', '!dir/sub'], ['*', '!dir', 'dir/sub'], ['*/*', '!*/a'],
  ['?'], ['??'], ['[a-f]*'], ['[^a-f]*'], ['star\\*'], ['star*'], ['br[[]1*'], ['back\\\\slash'], ['é'], ['?*é'], ['[é日]*'],
  ['.*'], ['a*b'], ['a\\ b'], ['dir*/a'], ['dir?/a'], ['x/**/w'], ['x/**/*.go'], ['**/*.go', '!x/y.go'], ['x/y/../y.go'],
  ['./foo'], ['foo/'], ['/foo'], ['**/**/foo'], ['**/d*r/**'], ['dir/sub/deep', '!**/b.txt'], ['!foo'], ['foo', '!foo', 'foo'],
  ['**/f\\oo'], ['foo.d/**', '!foo.d/foo'], ['x[/]y.go'], ['x?y.go'], ['**[f]oo'], ['d**r/a'], ['**/', '!a'],
] // prettier-ignore

let place: CopyPlace
beforeAll(async () => {
  place = await copyPlace(Object.fromEntries(names.map((name) => [name, name])))
})
afterAll(async () => {
  await place[Symbol.asyncDispose]()
})

describe('ignored', () => {
  test.each(lists.map((list, number) => ({ list, number })))('$list', async ({ list, number }) => {
    const matcher = new IgnoreMatcher(list)
    const expected = names.filter((name) => !matcher.hides(name))
    const copied = place.copy('.', `/to${String(number)}/`, { from: { folder: place.context, ignore: list } })
    expect(await copied.then(() => filesOf(number))).toEqual(expected.toSorted())
  })
})

function filesOf(number: number): string[] {
  const root = join(place.layers.path, 'root', `to${String(number)}`)
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort()
}
