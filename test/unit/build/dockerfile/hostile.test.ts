import { describe, expect, test } from 'vitest'
import { TspodError } from '../../../../src/base/errors.js'
import { applyToConfig, isMetadata, type Evaluation } from '../../../../src/build/dockerfile/evaluate.js'
import { copyStep } from '../../../../src/build/dockerfile/copy-step.js'
import { lintDockerfile } from '../../../../src/build/dockerfile/lint/index.js'
import { parseDockerfile } from '../../../../src/build/dockerfile/parse.js'
import { runStep } from '../../../../src/build/dockerfile/run-step.js'
import { startFromImage } from '../../../../src/build/dockerfile/stage-state.js'
import { planStages } from '../../../../src/build/dockerfile/stages.js'
import { globalVariables } from '../../../../src/build/dockerfile/variables.js'

const linux = { os: 'linux', architecture: 'amd64' }
const facts = { buildArgs: {}, buildPlatform: linux, targetPlatform: linux }

/** All that is done with a file before anything is run. Throws what these do. */
function readAll(text: string | Buffer): void {
  const file = parseDockerfile(text, 'Dockerfile')
  lintDockerfile(file, { facts, onlyNeeded: true })
  const globals = globalVariables(file, facts)
  planStages(file, { globals, context: () => undefined })
  const evaluation: Evaluation = { filename: 'Dockerfile', escape: file.escape, globals, buildArgs: {} }
  for (const { instructions } of file.stages) {
    let { state } = startFromImage()
    for (const instruction of instructions)
      if (isMetadata(instruction)) ({ state } = applyToConfig(state, instruction, evaluation))
      else if (instruction.kind === 'RUN') runStep(state, instruction, evaluation)
      else copyStep(state, instruction, evaluation)
  }
}

function errorOf(text: string | Buffer): string {
  try {
    readAll(text)
  } catch (error) {
    if (!(error instanceof TspodError)) throw error
    expect(error.message).toMatch(/^Dockerfile:(?:\d+:)? /)
    return error.message.replace(/^Dockerfile:(?:\d+:)? /, '')
  }
  return ''
}

describe('a file that is', () => {
  const cases: [what: string, make: () => string | Buffer, message: string][] = [
    ['100 MB', () => Buffer.alloc(100_000_000, 'a'), 'larger than 16777216 bytes'],
    ['one endless line', () => `FROM a\nRUN ${'x'.repeat(2 << 20)}`, 'line longer than 1048576 characters'],
    ['one endless instruction', () => `FROM a\nRUN ${'x \\\n'.repeat(600_000)}`, 'instruction longer than'],
    ['comments within an instruction', () => `FROM a\nRUN b \\\n${'# c\n'.repeat(300_000)} d`, ''],
    ['comments', () => `FROM a\n${'# b\n'.repeat(300_000)}RUN c`, ''],
    ['empty lines', () => `${'\n'.repeat(500_000)}FROM a`, ''],
    ['blanks', () => `FROM a\nRUN${' '.repeat(1_000_000)}`, ''],
    ['backslashes', () => `FROM a\nRUN ${'\\'.repeat(1_000_000)}`, ''],
    ['1e5 instructions', () => `FROM a\n${'RUN b\n'.repeat(100_000)}`, 'more than 10000 instructions'],
    ['1e5 here-documents', () => `FROM a\n${'RUN <<E\nE\n'.repeat(100_000)}`, 'more than 10000 instructions'],
    ['1e5 in one line', () => `FROM a\nRUN ${'<<E '.repeat(100_000)}`, 'more than 1000 heredocs in one instruction'],
    ['an open here-document', () => `FROM a\nRUN <<E\n${'x\n'.repeat(300_000)}`, 'unterminated heredoc'],
    ['nested substitutions', () => `FROM a\nENV b=${'${c:-'.repeat(100_000)}`, 'substitutions nest deeper than 100'],
    ['nested arrays', () => `FROM a\nRUN ${'['.repeat(500_000)}`, ''],
    ['quotes', () => `FROM a\nENV b=${'"'.repeat(500_001)}`, 'unexpected end while looking for the matching'],
    ['dollars', () => `FROM a\nLABEL b=${'$'.repeat(1_000_000)}`, ''],
    ['a bomb', () => `FROM a\nENV b=${'x'.repeat(1000)}\n${'ENV b=$b$b\n'.repeat(40)}`, 'a word grows longer than'],
    ['many ports', () => `FROM a\nEXPOSE ${'1-65535 '.repeat(1000)}`, 'more than 196608 ports'],
    ['many flags', () => `FROM a\nCOPY ${'--exclude=x '.repeat(80_000)} b c`, ''],
    ['many stages', () => `${'FROM a AS b\n'.repeat(2_000)}`, ''],
    ['a circle of stages', () => 'FROM a AS b\nCOPY --from=c x y\nFROM b AS c\n', 'circular dependency'],
  ]
  test.each(cases)('%s', (_what, make, message) => {
    const error = errorOf(make())
    if (message === '') expect(error).toBe('')
    else expect(error).toContain(message)
  })
})

/** Numbers that look random and are the same each time: a linear congruential generator's upper bits. */
function* numbers(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state >>> 8
  }
}

const pieces = [
  ...['FROM a', 'FROM a AS b', 'ARG', 'RUN', 'COPY', 'ADD', 'ENV', 'LABEL', 'ONBUILD', 'HEALTHCHECK', 'CMD', 'EXPOSE'],
  ...[
    'SHELL',
    'USER',
    'VOLUME',
    'WORKDIR',
    'STOPSIGNAL',
    'NONE',
    '--from=',
    '--mount=type=',
    'cache',
    ',target=',
    '--',
  ],
  ...[
    '<<E',
    '<<-"E"',
    'E\n',
    '\n',
    '\r\n',
    ' \\\n',
    '#',
    '# escape=`\n',
    '`',
    '\\',
    '"',
    "'",
    '$',
    '${',
    '}',
    ':-',
    '/',
  ],
  ...[
    '[',
    ']',
    '["a", "b"]',
    '{',
    ',',
    '=',
    'a',
    'b',
    '1',
    '80/tcp',
    ' ',
    '\t',
    '\0',
    '\ufeff',
    'é',
    '😀',
    '\u2028',
    '*',
  ],
]

describe('random input', () => {
  test('ends in a result or in an error of ours', () => {
    const random = numbers(42)
    const below = (limit: number): number => (random.next().value as number) % limit
    for (let round = 0; round < 2000; round++) {
      const words = Array.from(
        { length: below(40) },
        () => `${pieces[below(pieces.length)] ?? ''}${below(3) === 0 ? ' ' : ''}`,
      )
      const text = below(2) === 0 ? words.join('') : `FROM a\n${words.join('')}`
      expect(() => errorOf(text), JSON.stringify(text)).not.toThrow()
    }
  })

  test('of bytes, too', () => {
    const random = numbers(7)
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.from(Array.from({ length: 200 }, () => (random.next().value as number) & 0xff))
      const text = round % 2 === 0 ? bytes : Buffer.concat([Buffer.from('FROM a\nENV a='), bytes])
      expect(() => errorOf(text), bytes.toString('hex')).not.toThrow()
    }
  })
})
