import { describe, expect, test } from 'vitest'
import { compileGlob, matchGlob } from '../../../src/build/glob.js'
import { IgnoreMatcher, readIgnoreFile } from '../../../src/build/ignore.js'

describe('a pattern', () => {
  const cases: [pattern: string, path: string, hidden: boolean][] = [
    ['a', 'a', true],
    ['a', 'a/b', true],
    ['a', 'b/a', false],
    ['a/', 'a/b', true],
    ['./a', 'a', true],
    ['a/../b', 'b', true],
    ['**', 'a', true],
    ['**', 'a/b', true],
    ['**/', 'a', true],
    ['**/**', 'a/b', true],
    ['a/**', 'a', false],
    ['a/**', 'a/b', true],
    ['a/**', 'a/b/c', true],
    ['a/**', 'ab/c', false],
    ['**/a', 'a', true],
    ['**/a', 'a/b', true],
    ['**/a', 'b/a', true],
    ['**/a', 'b/c/a/d', true],
    ['**/a', 'ba', false],
    ['**a', 'ba', true],
    ['**a*', 'ba', false],
    ['**\\a', 'ba', false],
    ['**/a/*', 'b/a/c', true],
    ['**/a/*', 'b/a', false],
    ['**/a/**', 'b/a/c/d', true],
    ['**/a*', 'b/c/ax', true],
    ['**/a*.txt', 'b/c/ax.txt', true],
    ['**/**/*.txt', 'a.txt', true],
    ['**/**/*.txt', 'a.txt2', false],
    ['a**/*.txt', 'a/b.txt', true],
    ['a**/*.txt', 'a/b/c.txt', true],
    ['a**/b', 'ax/b', true],
    ['a/*.txt**', 'a/b.txt', true],
    ['a/*.txt', 'a/b.txt', true],
    ['a/*.txt', 'a/b/c.txt', false],
    ['*', 'a/b', true],
    ['*.go', 'a.go', true],
    ['*.go', 'a/b.go', false],
    ['.*', '.a', true],
    ['.*', 'a', false],
    ['a.c', 'abc', false],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['a?c', 'ac', false],
    ['a?c', 'a☺c', true],
    ['a[b-d]e', 'ace', true],
    ['a[b-d]e', 'ae', false],
    ['a[^b-d]e', 'aze', true],
    ['a[^b-d]e', 'abe', false],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['a\\\\', 'a\\', true],
    ['**/.a', 'b.a', false],
    ['a(b)c/d', 'a(b)c/d', true],
    ['a.|)$(}+{bc', 'a.|)$(}+{bc', true],
    ['d/*.whl', 'd/p-2.4.0+g0-py3.whl', true],
    ['/a', 'a', false],
  ]
  test.each(cases)('%j and %j: %s', (pattern, path, hidden) => {
    expect(new IgnoreMatcher([pattern]).hides(path)).toBe(hidden)
  })

  test.each(['!', '[', 'a[', 'a\\', '[]a]', '[-]', '[x-]', '[-x]', '[^'])('%j is refused', (pattern) => {
    expect(() => new IgnoreMatcher([pattern])).toThrow(/syntax error in pattern|illegal exclusion/)
  })
})

describe('of several patterns the last that matches counts', () => {
  const cases: [patterns: string[], path: string, hidden: boolean][] = [
    [['*.go', '!a.go'], 'a.go', false],
    [['!a.go', '*.go'], 'a.go', true],
    [['a', '!a/b'], 'a/b', false],
    [['a', '!a/b'], 'a/c', true],
    [['a/*', '!a/b'], 'a/b', false],
    [['**', '!a/b/c'], 'a/b/c/d', false],
    [['**', '!a/b/c', 'a/b/c/d'], 'a/b/c/d', true],
    [['*', '!src', 'src/*.log'], 'src/a.ts', false],
    [['*', '!src', 'src/*.log'], 'src/a.log', true],
    [['a', '!*'], 'a/b', false],
    [['**', '!**/b', '?a'], 'xa/b', false],
    [['**', '!/'], 'a', true],
    [[' a ', ' !a/b '], 'a/b', false],
    [[], 'a', false],
  ]
  test.each(cases)('%j and %j: %s', (patterns, path, hidden) => {
    expect(new IgnoreMatcher(patterns).hides(path)).toBe(hidden)
  })

  test('and exceptions are known', () => {
    expect(new IgnoreMatcher(['a', '!b']).hasExceptions).toBe(true)
    expect(new IgnoreMatcher(['a', 'b']).hasExceptions).toBe(false)
    expect([['*'], ['**'], ['**/*'], ['a'], ['!*']].map((list) => new IgnoreMatcher(list).hidesAll)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
  })
})

test('an ignore file is cleaned', () => {
  const text =
    '\ufefftest1\n/test2\n/a/file/here\n\nlastfile\n# this is a comment\n! /inverted/abs/path\n!\n! \n\r\n  # no comment\n./x/../y/\n/\n'
  expect(readIgnoreFile(text, '.dockerignore')).toEqual([
    'test1',
    'test2',
    'a/file/here',
    'lastfile',
    '!inverted/abs/path',
    '!',
    '!',
    '# no comment',
    'y',
    '/',
  ])
  expect(() => readIgnoreFile(Buffer.alloc(5 << 20), '.dockerignore')).toThrow('.dockerignore: larger than')
  expect(() => readIgnoreFile('a\n'.repeat(10_001), 'f')).toThrow('f: more than 10000 patterns')
})

describe("Go's filepath.Match", () => {
  const cases: [pattern: string, name: string, matches: boolean][] = [
    ['abc', 'abc', true],
    ['*', 'abc', true],
    ['*', '', true],
    ['*c', 'abc', true],
    ['a*', 'a', true],
    ['a*', 'ab/c', false],
    ['a*/b', 'abc/b', true],
    ['a*/b', 'a/c/b', false],
    ['a*b*c*d*e*/f', 'axbxcxdxexxx/f', true],
    ['a*b*c*d*e*/f', 'axbxcxdxe/xxx/f', false],
    ['a*b?c*x', 'abxbbxdbxebxczzx', true],
    ['a*b?c*x', 'abxbbxdbxebxczzy', false],
    ['ab[c]', 'abc', true],
    ['ab[e-g]', 'abc', false],
    ['ab[^c]', 'abc', false],
    ['a[^a]b', 'a☺b', true],
    ['a???b', 'a☺b', false],
    ['[a-ζ]*', 'α', true],
    ['*[a-ζ]', 'A', false],
    ['[\\]a]', ']', true],
    ['[\\-x]', '-', true],
    ['[x\\-]', 'z', false],
    ['*x', 'xxx', true],
    ['**', 'a/b', false],
    ['a**b', 'axb', true],
  ]
  test.each(cases)('%j and %j: %s', (pattern, name, matches) => {
    expect(matchGlob(compileGlob(pattern), name)).toBe(matches)
  })

  test('takes linear time for patterns that make others go back', () => {
    const hostile = compileGlob(`${'*a'.repeat(50)}b`)
    expect(matchGlob(hostile, 'a'.repeat(2000))).toBe(false)
    const folders = compileGlob(`${'**/a*/'.repeat(30)}b`, true)
    expect(matchGlob(folders, 'a/'.repeat(1000))).toBe(false)
  })
})
