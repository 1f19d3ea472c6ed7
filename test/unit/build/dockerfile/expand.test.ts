import { describe, expect, test } from 'vitest'
import { expandWord, expandWords, maxDepth, type ExpandOptions } from '../../../../src/build/dockerfile/expand.js'

const values: Readonly<Record<string, string>> = {
  PWD: '/home',
  SHELL: 'bash',
  KOREAN: '한국어',
  NULL: '',
  SPACES: 'ab  c',
  PATHS: '/tmp/tmp/bar.txt',
  STARS: 'a***yy*',
}
const lookup = (name: string): string | undefined => (Object.hasOwn(values, name) ? values[name] : undefined)

function expanded(word: string, options?: ExpandOptions): string {
  try {
    return expandWord(word, lookup, options)
  } catch (error) {
    return error instanceof Error ? `error: ${error.message}` : 'error'
  }
}

describe('a word', () => {
  const cases: [word: string, expected: string][] = [
    ['hello', 'hello'],
    ["he'll'o", 'hello'],
    ["he\\'llo", "he'llo"],
    ['abc\\tdef', 'abctdef'],
    ['"abc\\tdef"', 'abc\\tdef'],
    ['"abc\\\\tdef"', 'abc\\tdef'],
    ["'abc\\tdef'", 'abc\\tdef'],
    ['hello\\', 'hello'],
    ['hello\\\\', 'hello\\'],
    ['"hel\'lo"', "hel'lo"],
    ["'hello\\'", 'hello\\'],
    ['"\'\'"', "''"],
    ['a <<  b', 'a <<  b'],
    ['a<b', 'a<b'],
    ['$.', '$.'],
    ['$', '$'],
    ['he$1x', 'hex'],
    ['he$PWD', 'he/home'],
    ['he$pwd.', 'he.'],
    ['he\\$PWD', 'he$PWD'],
    ['he\\\\$PWD', 'he\\/home'],
    ['"he\\$PWD"', 'he$PWD'],
    ["'$PWD'", '$PWD'],
    ['"$PWD"', '/home'],
    ['\\${}', '${}'],
    ['${hi}xx', 'xx'],
    ['he${PWD}xx', 'he/homexx'],
    ['안$KOREAN', '안한국어'],
    ['$한x', ''],
    ['${XXX:-000}xx', '000xx'],
    ['${XXX-000}', '000'],
    ['${NULL:-x}', 'x'],
    ['${NULL-x}', ''],
    ['${PWD:-000}', '/home'],
    ['${XXX:-$PWD}xx', '/homexx'],
    ['${XXX:-${YYY:-yyy}}xx', 'yyyxx'],
    ['${XXX:-"a b"c}', 'a bc'],
    ['${XXX:+000}xx', 'xx'],
    ['${PWD:+000}', '000'],
    ['${NULL:+x}', ''],
    ['${NULL+x}', 'x'],
    ['${PWD:+${PWD}:}xx', '/home:xx'],
    ['${XXX:-\\$PWD:}xx', '$PWD:xx'],
    ['${XXX:-\\${PWD}z}xx', '${PWDz}xx'],
    ['${aaa}}', '}'],
    ['${aaa:-bbb}}', 'bbb}'],
    ['${aaa:-bbb {foo}', 'bbb {foo'],
    ['${PWD?}', '/home'],
    ['${NULL?}', ''],
    ['${1:-b}a$999aaa', 'baaaa'],
    ['$@@@ $*x $#x $? $- $$ $! $0x', '@@ x x     x'],
    ['${@:+b}${-:-c}${?:-d}', 'cd'],
    ['${PATHS#/tmp}', '/tmp/bar.txt'],
    ['${PATHS#*/}', 'tmp/tmp/bar.txt'],
    ['${PATHS##*/}', 'bar.txt'],
    ['${PATHS%/*}', '/tmp/tmp'],
    ['${PATHS%%/*}', ''],
    ['${PATHS%.???}', '/tmp/tmp/bar'],
    ['${PATHS#x}', '/tmp/tmp/bar.txt'],
    ['${PATHS#}', '/tmp/tmp/bar.txt'],
    ['${PATHS#$PWD}', '/tmp/tmp/bar.txt'],
    ['${STARS%%\\**\\*}', 'a'],
    ['${STARS%\\*}', 'a***yy'],
    ['${STARS#*y}', 'y*'],
    ['${PATHS/\\/tmp/}', '/tmp/bar.txt'],
    ['${PATHS//\\/tmp/}', '/bar.txt'],
    ['${PATHS//t?p/$SHELL}', '/bash/bash/bar.txt'],
    ['${PATHS/t*r/x}', '/x.txt'],
    ['${PATHS//\\//\\/}', '\\/tmp\\/tmp\\/bar.txt'],
    ['${STARS//\\*/.}', 'a...yy.'],
    ['${SHELL///x}', 'xbxaxsxhx'],
    ['${SHELL//*/x}', 'x'],
    ['${SHELL/$NULL/ww}', 'wwbash'],
    ['${XXX//a/b}', ''],
    ['v.${OS-linux}-${ARCH-arm}${VARIANT:+-${VARIANT}}.tar', 'v.linux-arm.tar'],
  ]
  test.each(cases)('%j becomes %j', (word, expected) => {
    expect(expanded(word)).toBe(expected)
  })
})

describe('a word that is refused', () => {
  const cases: [word: string, message: RegExp][] = [
    ["he'llo", /matching single-quote/],
    ['"hello', /matching double-quote/],
    ['"hello\\"', /matching double-quote/],
    ['${', /missing "}"/],
    ['${}', /bad substitution/],
    ['${:-x}', /bad substitution/],
    ['${{aaa}', /bad substitution/],
    ['he${.}', /unsupported modifier \(\.\)/],
    ['${PWD', /unsupported modifier \(\)|missing "}"/],
    ['${PWD:=000}', /unsupported modifier \(:=\)/],
    ['${PWD=000}', /unsupported modifier \(=\)/],
    ['${XXX:YYY}', /unsupported modifier \(:Y\)/],
    ['${PWD:#x}', /unsupported modifier \(:#\)/],
    ['${PWD:%x}', /unsupported modifier \(:%\)/],
    ['${aaa:-bbb', /missing "}"/],
    ['${aaa:-bbb ${foo}', /missing "}"/],
    ['${aaa:-"b}', /missing "}"/],
    ['${PWD//x}', /missing "\/"/],
    ['${PWD/x/y', /missing "}"/],
    ['${PWD#\\x}', /invalid escape/],
    ['${XXX?}', /XXX: is not allowed to be unset/],
    ['${XXX:?}', /XXX: is not allowed to be unset/],
    ['${NULL:?}', /NULL: is not allowed to be empty/],
    ['${XXX?set $SHELL}', /XXX: set bash$/],
    [`${'${a:-'.repeat(maxDepth + 1)}x${'}'.repeat(maxDepth + 1)}`, /nest deeper than 100/],
  ]
  test.each(cases)('%j: %s', (word, message) => {
    expect(expanded(word)).toMatch(/^error/)
    expect(expanded(word)).toMatch(message)
  })
})

describe('options', () => {
  test('the escape character may be a backtick', () => {
    expect(expanded('a`$PWD\\$PWD "`"\\"', { escape: '`' })).toBe('a$PWD\\/home "\\')
  })
  test('quotes may stay, or mean nothing', () => {
    expect(expanded(`'$PWD' "$PWD"`, { keepQuotes: true })).toBe(`'$PWD' "/home"`)
    expect(expanded(`'$PWD' "\\$PWD" it's`, { quotesAreText: true })).toBe(`'/home' "$PWD" it's`)
  })
  test('variables may stay where they are unset', () => {
    expect(expanded('$X ${X} ${X:-a} ${X#b} ${X/c/d} $PWD', { keepUnset: true })).toBe(
      '$X ${X} ${X:-a} ${X#b} ${X/c/d} /home',
    )
  })
  test('escape characters may stay', () => {
    expect(expanded('a\\b "c\\"d"', { keepEscapes: true })).toBe('a\\b c\\"d')
  })
  test('names are collected', () => {
    const used = new Set<string>()
    const unset = new Set<string>()
    expandWord('$PWD ${X:-$Y} ${NULL:-$Z} "$SHELL" \'$Q\' ${SHELL:-$A}', lookup, { used, unset })
    expect([...used].sort()).toEqual(['NULL', 'PWD', 'SHELL'])
    expect([...unset].sort()).toEqual(['A', 'X', 'Y', 'Z'])
  })
})

describe('words', () => {
  const cases: [word: string, expected: string[]][] = [
    ['hello', ['hello']],
    ['hello there  ', ['hello', 'there']],
    ['hello\\ there', ['hello there']],
    ['hello" there  "', ['hello there  ']],
    ['hello${SPACES}bye', ['helloab', 'cbye']],
    ['hello"${SPACES}"bye', ['helloab  cbye']],
    ['hello "${SPACES}"bye', ['hello', 'ab  cbye']],
    ['a${XXX:-b c}d', ['ab', 'cd']],
    ['""', []],
    ['$NULL', []],
    ['', []],
  ]
  test.each(cases)('%j are %j', (word, expected) => {
    expect(expandWords(word, lookup)).toEqual(expected)
  })
})

describe('hostile words', () => {
  test('do not grow without bound', () => {
    let value = 'x'.repeat(1024)
    const double = (): void => {
      for (let turn = 0; turn < 20; turn++) value = expandWord('$a$a', () => value)
    }
    expect(double).toThrow('a word grows longer than 1048576 characters')
    expect(expanded(`\${SHELL///${'y'.repeat(1 << 20)}}`)).toMatch(/^error: a word grows longer/)
  })
  test('match patterns in linear time', () => {
    const long = 'a'.repeat(3000)
    const get = (name: string): string => (name === 'v' ? long : '*a'.repeat(60))
    expect(expandWord('${v#${p}b}', get)).toBe(long)
    expect(expandWord('${v//${p}b/x}', get)).toBe(long)
    expect(() => expandWord('${v#$v$v$v$v$v$v$v$v}', (name) => (name === 'v' ? 'a*'.repeat(20_000) : ''))).toThrow(
      'too long',
    )
  })
})
