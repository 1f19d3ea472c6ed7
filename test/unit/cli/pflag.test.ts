import { describe, expect, test } from 'vitest'
import { scan, type FlagShape } from '../../../src/cli/pflag.js'

const flags = {
  detach: { type: 'boolean', char: 'd' },
  interactive: { type: 'boolean', char: 'i' },
  tty: { type: 'boolean', char: 't' },
  publish: { type: 'option', char: 'p' },
  name: { type: 'option', aliases: ['nom'] },
  color: { type: 'boolean', allowNo: true },
  pull: { type: 'option', bareValue: 'always' },
} satisfies Record<string, FlagShape>

function run(line: string, fenced = true) {
  const { occurrences, positionals } = scan(line === '' ? [] : line.split(' '), flags, { fenced })
  return { flags: occurrences.map(({ name, value }) => `${name}=${value}`), positionals }
}

describe('flags', () => {
  test.each<[string, string[]]>([
    ['-d', ['detach=true']],
    ['-itd', ['interactive=true', 'tty=true', 'detach=true']],
    ['-itp 8080:80', ['interactive=true', 'tty=true', 'publish=8080:80']],
    ['-p8080:80', ['publish=8080:80']],
    ['-p=8080:80', ['publish=8080:80']],
    ['-dp8080:80', ['detach=true', 'publish=8080:80']],
    ['-p 1 -p 2 --publish=3', ['publish=1', 'publish=2', 'publish=3']],
    ['--detach=false', ['detach=false']],
    ['--detach=0', ['detach=false']],
    ['-d=false', ['detach=false']],
    ['--detach --detach=false', ['detach=true', 'detach=false']],
    ['--name=a=b', ['name=a=b']],
    ['--name=', ['name=']],
    ['--name -d', ['name=-d']],
    ['--name --', ['name=--']],
    ['--nom x', ['name=x']],
    ['--no-color', ['color=false']],
    ['--pull', ['pull=always']],
    ['--pull=never', ['pull=never']],
  ])('%s', (line, expected) => {
    expect(run(line)).toEqual({ flags: expected, positionals: [] })
  })

  test.each([
    ['--nosuch', 'unknown flag: --nosuch'],
    ['--publsh', 'unknown flag: --publsh; did you mean --publish?'],
    ['-x', "unknown shorthand flag: 'x' in -x"],
    ['-itx', "unknown shorthand flag: 'x' in -itx"],
    ['--name', 'flag needs an argument: --name'],
    ['-dp', "flag needs an argument: 'p' in -dp"],
    ['--detach=maybe', 'invalid argument "maybe" for "--detach" flag: neither true nor false'],
    ['--no-detach', 'unknown flag: --no-detach'],
    ['--__proto__', 'unknown flag: --__proto__'],
    ['--constructor', 'unknown flag: --constructor'],
  ])('%s is refused', (line, message) => {
    expect(() => run(line)).toThrow(message)
  })
})

describe('where flags end', () => {
  test('at the first positional, for a command that runs another one', () => {
    expect(run('-d img ls -la --name x -- y')).toEqual({
      flags: ['detach=true'],
      positionals: ['img', 'ls', '-la', '--name', 'x', '--', 'y'],
    })
  })

  test('help of the inner command is its own', () => {
    expect(run('img ls --help').positionals).toEqual(['img', 'ls', '--help'])
  })

  test('elsewhere they may stand after positionals', () => {
    expect(run('a -d b --name x c', false)).toEqual({ flags: ['detach=true', 'name=x'], positionals: ['a', 'b', 'c'] })
  })

  test.each([true, false])('two dashes end them (fenced: %s)', (fenced) => {
    expect(run('-d -- -t img', fenced)).toEqual({ flags: ['detach=true'], positionals: ['-t', 'img'] })
  })

  test('one dash is a positional', () => {
    expect(run('- -d', false)).toEqual({ flags: ['detach=true'], positionals: ['-'] })
  })

  test('positionals keep their order and repetitions', () => {
    expect(run('img echo a b a').positionals).toEqual(['img', 'echo', 'a', 'b', 'a'])
  })
})
