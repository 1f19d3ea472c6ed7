import { describe, expect, test } from 'vitest'
import { parseDockerfile, parseTrigger } from '../../../../src/build/dockerfile/parse.js'
import type { Instruction } from '../../../../src/build/dockerfile/syntax.js'

/** The instructions of a stage, without where they stand. */
function instructions(text: string): unknown[] {
  return parse(text).map(({ location: _, written: __, text: ___, ...rest }) => rest)
}

function parse(text: string): readonly Instruction[] {
  return parseDockerfile(`FROM base\n${text}\n`, 'Dockerfile').stages[0]?.instructions ?? []
}

function errorOf(text: string | Buffer): string {
  try {
    parseDockerfile(text, 'Dockerfile')
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return 'no error'
}

const shell = (text: string) => ({ form: 'shell', text })
const exec = (...args: string[]) => ({ form: 'exec', args })
const run = (text: string) => ({ kind: 'RUN', command: shell(text), heredocs: [], flags: [] })

describe('directives', () => {
  const cases: [string, unknown][] = [
    ['# syntax=docker/dockerfile:1.20', { syntax: 'docker/dockerfile:1.20' }],
    ['#syntax = a b c', { syntax: 'a' }],
    ['  # SYNTAX=a', { syntax: 'a' }],
    ['# check=skip=all;error=true\n# syntax=x', { syntax: 'x', check: 'skip=all;error=true' }],
    ['# a comment\n# syntax=x', {}],
    ['\n# syntax=x', {}],
    ['# unknown=directive\n# syntax=x', {}],
    ['#!/usr/bin/env build\n# syntax=x', { syntax: 'x' }],
    ['\ufeff# syntax=x', { syntax: 'x' }],
  ]
  test.each(cases)('%j', (top, expected) => {
    expect(parseDockerfile(`${top}\nFROM scratch`, 'f').directives).toEqual(expected)
  })

  test('escape= changes the continuation character', () => {
    const { escape, stages } = parseDockerfile('# escape=`\nFROM base\nRUN a `\n b \\\nRUN c', 'f')
    expect(escape).toBe('`')
    expect(stages[0]?.instructions.map(({ text }) => text)).toEqual(['RUN a  b \\', 'RUN c'])
  })

  test.each([
    ['# escape=x', 'Dockerfile:1: invalid escape character "x": use \\ or `'],
    ['# syntax=a\n# syntax=b', 'Dockerfile:2: only one syntax parser directive can be used'],
  ])('%j is refused', (top, message) => {
    expect(errorOf(`${top}\nFROM scratch`)).toBe(message)
  })
})

describe('lines', () => {
  const cases: [string, unknown[]][] = [
    ['RUN a \\\n  b', [run('a   b')]],
    ['RUN a \\  \t\n  b', [run('a   b')]],
    ['RUN a\\\nb', [run('ab')]],
    ['RUN a \\\n# comment\n  # another\n  b', [run('a   b')]],
    ['RUN a \\\n\n   \n  b', [run('a   b')]],
    ['RUN a \\\\\nRUN b', [run('a \\\\'), run('b')]],
    ['RUN a # no comment', [run('a # no comment')]],
    ['RUN a \\\r\n  b\r\n', [run('a   b')]],
    ['   RUN a  ', [run('a')]],
    ['\\\nRUN a', [run('a')]],
    ['run a', [run('a')]],
    ['RUN a \\', [run('a')]],
    ['RUN\ta', [run('a')]],
    ['RUN \\\n\\\n a', [run('a')]],
  ]
  test.each(cases)('%j', (text, expected) => {
    expect(instructions(text)).toEqual(expected)
  })

  test('know where they stand', () => {
    const [first, second, third] = parse('\nRUN a \\\n # c\n b\n\nRUN <<X\n1\nX\n# words\n#\n# kept\nRUN b \\\n\n c')
    expect(first?.location).toEqual({ startLine: 3, endLine: 5 })
    expect(second?.location).toEqual({ startLine: 7, endLine: 9 })
    expect(third).toMatchObject({
      location: { startLine: 13, endLine: 15 },
      written: { keyword: 'RUN', comments: ['kept'], emptyContinuation: 15 },
    })
  })
})

describe('here-documents', () => {
  const document = (name: string, content: string, expand = true) => ({ name, content, expand })
  const cases: [string, ReturnType<typeof document>[]][] = [
    ['RUN ls', []],
    ['RUN <<EMPTY\nEMPTY', [document('EMPTY', '')]],
    ['RUN 3<<EMPTY2\nEMPTY2', [document('EMPTY2', '')]],
    ['RUN "<<NO"', []],
    ['RUN <<<NO', []],
    ['RUN ["<<NO"]', []],
    ['RUN <<INDENT\n\tfoo\n\tbar\nINDENT', [document('INDENT', '\tfoo\n\tbar\n')]],
    ['RUN <<-CUT\n\t\tfoo\n\tbar\nCUT', [document('CUT', 'foo\nbar\n')]],
    ['RUN <<-CUT\n\tfoo\n\tCUT', [document('CUT', 'foo\n')]],
    ["RUN <<-'NOEXPAND'\n\t$NAME\nNOEXPAND", [document('NOEXPAND', '$NAME\n', false)]],
    ['RUN <<C\n# comment\necho \\\nC', [document('C', '# comment\necho \\\n')]],
    ['RUN --mount=type=cache,target=/foo <<M\necho\nM', [document('M', 'echo\n')]],
    ['COPY <<F1 <<F2 /dest\n1\nF1\n2\nF2', [document('F1', '1\n'), document('F2', '2\n')]],
    ['COPY <<X <<Y /dest\nY\nX\nX\nY', [document('X', 'Y\n'), document('Y', 'X\n')]],
    ['COPY <<X <<X /dest\n1\nX\n2\nX', [document('X', '2\n'), document('X', '2\n')]],
    ['COPY <<EOF /q\n"foo"\n\'bar\'\nEOF', [document('EOF', '"foo"\n\'bar\'\n')]],
    ['ADD <<file.txt /dest\nhello\nfile.txt', [document('file.txt', 'hello\n')]],
    ["RUN <<P python3\nprint('x')\nP", [document('P', "print('x')\n")]],
    ["RUN <<eo'f'\n1\neof", [document('eof', '1\n', false)]],
    ["RUN <<eo\\'f\n1\neo'f", [document("eo'f", '1\n')]],
    ["RUN <<'e'o\\'f\n1\neo'f", [document("eo'f", '1\n', false)]],
    ["RUN <<'one two'\n1\none two", [document('one two', '1\n', false)]],
    ['RUN <<$EOF\n$EOF', [document('$EOF', '')]],
    ['RUN <<  EOF\nEOF', [document('EOF', '')]],
    ['RUN <<  EOF  > foo\nEOF', [document('EOF', '')]],
    ['RUN <<EOF\r\na\r\nEOF\r', [document('EOF', 'a\r\n')]],
    ['RUN a \\\n <<EOF\nb\nEOF', [document('EOF', 'b\n')]],
  ]
  test.each(cases)('%j', (text, expected) => {
    const [instruction, ...more] = parse(text)
    expect(more).toEqual([])
    expect(instruction).toMatchObject({ heredocs: expected })
  })

  test('are no sources of COPY', () => {
    expect(parse('COPY a <<X b /dest\nX')[0]).toMatchObject({ sources: ['a', 'b'], destination: '/dest' })
  })

  test('follow no other instruction', () => {
    expect(parse('USER <<X\nRUN a')).toMatchObject([{ kind: 'USER', value: '<<X' }, { kind: 'RUN' }])
  })

  test('go with a trigger', () => {
    const [instruction] = parse('ONBUILD RUN <<-X\n\techo\n\tX')
    expect(instruction).toMatchObject({ kind: 'ONBUILD', trigger: 'RUN <<-X\n\techo\nX' })
    expect(parseTrigger('RUN <<-X\n\techo\nX', 'base')).toMatchObject({ heredocs: [document('X', 'echo\n')] })
  })
})

describe('instructions', () => {
  const cases: [string, unknown][] = [
    ['RUN ["a", "b c"]', { kind: 'RUN', command: exec('a', 'b c') }],
    ['RUN [ "a" ', { kind: 'RUN', command: shell('[ "a"') }],
    ["RUN ['a']", { kind: 'RUN', command: shell("['a']") }],
    ['RUN ["a"] && b', { kind: 'RUN', command: shell('["a"] && b') }],
    ['RUN', { kind: 'RUN', command: shell('') }],
    ['CMD []', { kind: 'CMD', command: exec() }],
    ['CMD a  "b"', { kind: 'CMD', command: shell('a  "b"') }],
    ['ENTRYPOINT ["\\u0061", "\\n"]', { kind: 'ENTRYPOINT', command: exec('a', '\n') }],
    ['SHELL ["/bin/bash", "-c"]', { kind: 'SHELL', args: ['/bin/bash', '-c'] }],
    ['ENV a=b', { pairs: [{ name: 'a', value: 'b' }] }],
    [
      'ENV a=b "c d"=e f="g h" i=\'j k\' l=m\\ n',
      {
        pairs: [
          { name: 'a', value: 'b' },
          { name: '"c d"', value: 'e' },
          { name: 'f', value: '"g h"' },
          { name: 'i', value: "'j k'" },
          { name: 'l', value: 'm\\ n' },
        ],
      },
    ],
    [
      'ENV a=b=c d=',
      {
        pairs: [
          { name: 'a', value: 'b=c' },
          { name: 'd', value: '' },
        ],
      },
    ],
    ['ENV a  b  c=d "e', { legacy: true, pairs: [{ name: 'a', value: 'b  c=d "e' }] }],
    ['LABEL a="b \\" c"', { pairs: [{ name: 'a', value: '"b \\" c"' }] }],
    ['ARG a b=c "d=e f"', { args: [{ name: 'a' }, { name: 'b', value: 'c' }, { name: '"d', value: 'e f"' }] }],
    ['COPY a b c/', { sources: ['a', 'b'], destination: 'c/', flags: [] }],
    ['COPY ["a b", "c"]', { sources: ['a b'], destination: 'c' }],
    ['COPY ["<<X", "c"]', { sources: ['<<X'], heredocs: [] }],
    ['COPY "a b" c', { sources: ['"a', 'b"'], destination: 'c' }],
    [
      'COPY --from=x --chown="1:2" --link --exclude=a --exclude=b a b',
      {
        flags: [
          { name: 'from', value: 'x' },
          { name: 'chown', value: '1:2' },
          { name: 'link', value: undefined },
          { name: 'exclude', value: 'a' },
          { name: 'exclude', value: 'b' },
        ],
      },
    ],
    ['ADD --checksum=sha256:00 --keep-git-dir=true --unpack=FALSE u d', { kind: 'ADD', sources: ['u'] }],
    ['COPY -- --a b', { sources: ['--a'], flags: [] }],
    ['RUN --network=none -- --x', { command: shell('--x'), flags: [{ name: 'network', value: 'none' }] }],
    ['RUN -x', { command: shell('-x') }],
    ['EXPOSE 80 90/tcp\t1-2', { values: ['80', '90/tcp', '1-2'] }],
    ['VOLUME ["a b", " c "]', { values: ['a b', 'c'] }],
    ['VOLUME a b', { values: ['a', 'b'] }],
    ['USER a:b c', { kind: 'USER', value: 'a:b c' }],
    ['WORKDIR /a b', { value: '/a b' }],
    ['STOPSIGNAL SIGINT', { value: 'SIGINT' }],
    ['MAINTAINER A <a@b>', { value: 'A <a@b>' }],
    ['HEALTHCHECK NONE', { test: 'NONE' }],
    ['HEALTHCHECK --interval=5s --retries=3 CMD a b', { test: shell('a b'), flags: [{}, {}] }],
    ['HEALTHCHECK cmd ["a"]', { test: exec('a') }],
    ['ONBUILD   run a \\\n b', { kind: 'ONBUILD', trigger: 'run a  b' }],
  ]
  test.each(cases)('%j', (text, expected) => {
    const [instruction, ...more] = parse(text)
    expect(more).toEqual([])
    expect(instruction).toMatchObject(expected as object)
  })

  test('before FROM can only be ARG', () => {
    const { globalArgs } = parseDockerfile('ARG A=1\nARG B\nFROM scratch', 'f')
    expect(globalArgs.map(({ args }) => args)).toEqual([[{ name: 'A', value: '1' }], [{ name: 'B', value: undefined }]])
    expect(errorOf('RUN a\nFROM b')).toBe('Dockerfile:1: RUN before the first FROM: no build stage in current context')
  })
})

test('stages', () => {
  const { stages } = parseDockerfile('FROM --platform=$P a AS One\nRUN x\nfrom ${B} as two.x_y-z\nFROM 0', 'f')
  expect(stages).toMatchObject([
    { index: 0, name: 'one', base: 'a', platform: '$P', written: { as: ['AS', 'One'] }, instructions: [{}] },
    { index: 1, name: 'two.x_y-z', base: '${B}', location: { startLine: 3, endLine: 3 }, instructions: [] },
    { index: 2, name: undefined, base: '0', platform: undefined, text: 'FROM 0' },
  ])
})

describe('errors say where', () => {
  const cases: [string, string][] = [
    ['FORM x', 'unknown instruction: FORM (did you mean FROM?)'],
    ['cpy a b', 'unknown instruction: cpy (did you mean copy?)'],
    ['Frobnicate', 'unknown instruction: Frobnicate'],
    ['FROM a b', 'FROM requires either one or three arguments'],
    ['FROM', 'FROM requires either one or three arguments'],
    ['FROM a AS 1b', `invalid name for build stage: "1b", name can't start with a number or contain symbols`],
    ['FROM --plat=x a', 'unknown flag: --plat'],
    ['RUN <<X\na', 'unterminated heredoc: no line is "X"'],
    ["RUN <<'X", 'no error'],
    ['COPY a', 'COPY requires at least two arguments, but only one was provided: destination could not be determined'],
    ['COPY <<../x /d\n../x', 'COPY cannot make a file called "../x" of a heredoc'],
    ['COPY a <<X\nX', 'COPY cannot accept a heredoc as a destination'],
    ['COPY --form=x a b', 'unknown flag: --form (did you mean from?)'],
    ['COPY --from=x --from=y a b', 'duplicate flag specified: --from'],
    ['COPY --from a b', 'missing a value on flag: --from'],
    ['COPY --link=1 a b', 'expecting boolean value for flag --link, not: 1'],
    ['COPY --link= a b', 'missing a value on flag: --link'],
    ['ADD --from=x a b', 'unknown flag: --from'],
    ['ENV --x=y a=b', 'unknown flag: --x'],
    ['ENV', 'ENV requires at least one argument'],
    ['ENV a', 'ENV must have two arguments'],
    ['ENV a=b c', `can't find = in "c": must be of the form name=value`],
    ['ENV =b', 'ENV names can not be blank'],
    ['ARG =b', 'ARG names can not be blank'],
    ['ARG', 'ARG requires at least one argument'],
    ['RUN ["a", 1]', 'when using JSON array syntax, arrays must be comprised of strings only'],
    ['SHELL a b', 'SHELL requires the arguments to be in JSON form'],
    ['SHELL []', 'SHELL requires at least one argument'],
    ['USER', 'USER requires exactly one argument'],
    ['WORKDIR', 'WORKDIR requires exactly one argument'],
    ['VOLUME ["", "a"]', 'VOLUME specified can not be an empty string'],
    ['VOLUME []', 'VOLUME requires at least one argument'],
    ['EXPOSE', 'EXPOSE requires at least one argument'],
    ['HEALTHCHECK', 'HEALTHCHECK requires at least one argument'],
    ['HEALTHCHECK NONE x', 'HEALTHCHECK NONE takes no arguments'],
    ['HEALTHCHECK CMD', 'missing command after HEALTHCHECK CMD'],
    ['HEALTHCHECK curl x', 'unknown type "curl" in HEALTHCHECK (try CMD)'],
    ['ONBUILD', 'ONBUILD requires at least one argument'],
    ['ONBUILD ONBUILD RUN a', `chaining ONBUILD via "ONBUILD ONBUILD" isn't allowed`],
    ['ONBUILD from a', "FROM isn't allowed as an ONBUILD trigger"],
    /* What the trigger says is read when it is run. */
    ['ONBUILD COPY a', 'no error'],
    ['ONBUILD FOO', 'no error'],
    ['RUN a\0b', 'line contains a NUL character'],
  ]
  test.each(cases)('%j: %s', (text, message) => {
    expect(errorOf(`FROM base\n\n${text}\n`)).toBe(message === 'no error' ? message : `Dockerfile:3: ${message}`)
  })

  test.each([
    ['', 'Dockerfile: file with no instructions'],
    ['# only\n\n', 'Dockerfile: file with no instructions'],
    ['ARG a', 'Dockerfile: no FROM: there are no stages to build'],
  ])('%j: %s', (text, message) => {
    expect(errorOf(text)).toBe(message)
  })

  test('of encodings', () => {
    expect(errorOf(Buffer.from('\ufeffFROM a', 'utf16le'))).toBe('Dockerfile: the file is UTF-16; save it as UTF-8')
    expect(errorOf(Buffer.from('\ufeffFROM a', 'utf16le').toString())).toBe(
      'Dockerfile: the file is UTF-16; save it as UTF-8',
    )
    expect(errorOf(Buffer.from('# M\xfcller\nFROM a\nLABEL a=M\xfcller', 'latin1'))).toBe(
      'Dockerfile:3: line is not valid UTF-8',
    )
    expect(errorOf(Buffer.from('FROM a\nLABEL a=\ufffd'))).toBe('no error')
  })
})
