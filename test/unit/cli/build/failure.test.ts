import { describe, expect, test } from 'vitest'
import { TspodError, type BuildFailure } from '../../../../src/index.js'
import { formatCheck } from '../../../../src/cli/build/check-report.js'
import { failureOf, formatFailure, withoutFailure } from '../../../../src/cli/build/failure.js'
import { sourceExcerpt } from '../../../../src/cli/build/source-excerpt.js'
import { messageOf } from '../../../../src/cli/exit-status.js'

const source = 'FROM busybox\nWORKDIR /src\nRUN make \\\n  all\nRUN true\nCMD x\n'
const failure: BuildFailure = {
  file: 'Dockerfile',
  line: 3,
  endLine: 4,
  source,
  instruction: 'RUN make   all',
  command: ['/bin/sh', '-c', 'make   all'],
  exitCode: 2,
  lastOutput: 'make: no targets\u001b[2J\n',
}

describe('the lines around a fault', () => {
  test('are two before and two after it, which is marked', () => {
    expect(sourceExcerpt({ file: 'Dockerfile', source, line: 3, endLine: 4 })).toBe(`Dockerfile:3
--------------------
   1 |     FROM busybox
   2 |     WORKDIR /src
   3 | >>> RUN make \\
   4 | >>>   all
   5 |     RUN true
   6 |     CMD x
--------------------
`)
  })

  test.each([0, 99])('are none for line %i, which the file does not have', (line) => {
    expect(sourceExcerpt({ file: 'f', source, line, endLine: line })).toBe('')
  })

  test('leave the middle of a very long instruction out', () => {
    const long = Array.from({ length: 300 }, (_, number) => `line ${String(number + 1)}`).join('\n')
    const text = sourceExcerpt({ file: 'f', source: long, line: 3, endLine: 299 })
    expect(text.split('\n').length).toBeLessThan(32)
    expect(text).toContain('  22 | >>> line 22\n     | >>> …\n 299 | >>> line 299\n 300 |     line 300\n')
  })

  test('are cut where they are endless, and obey nothing', () => {
    const text = sourceExcerpt({ file: 'f', source: `RUN \u001b[31m${'x'.repeat(1e6)}`, line: 1, endLine: 1 })
    expect(text.length).toBeLessThan(400)
    expect(text).not.toContain('\u001b')
  })
})

test('a failed step shows its last output, then its lines', () => {
  expect(formatFailure(failure)).toMatch(/^------\n > RUN make {3}all:\nmake: no targets\n------\nDockerfile:3\n/)
})

test('a fault in the file shows no output', () => {
  expect(formatFailure({ file: 'D', line: 1, endLine: 1, source: 'FOO', instruction: 'FOO' })).toBe(
    'D:1\n--------------------\n   1 | >>> FOO\n--------------------\n',
  )
})

test('is found among the causes of an error, and left out of its line', () => {
  const error = new TspodError('internal', 'building', {
    cause: new TspodError('internal', 'the step', { cause: failure }),
  })
  expect(failureOf(error)).toBe(failure)
  expect(messageOf(withoutFailure(error))).toBe('building: the step')
  const because = { ...failure, error: new TspodError('io', 'said', { cause: new Error('EIO') }) }
  expect(messageOf(withoutFailure(new TspodError('io', 'Dockerfile:3: said', { cause: because })))).toBe(
    'Dockerfile:3: said: EIO',
  )
  const other = new TspodError('io', 'reading', { cause: new Error('EIO') })
  expect(failureOf(other)).toBeUndefined()
  expect(withoutFailure(other)).toBe(other)
})

describe('--check', () => {
  test('says when there is nothing to say', () => {
    expect(formatCheck({ warnings: [], failed: false }, () => undefined)).toBe('Check complete, no warnings found.\n')
  })

  test('shows each warning with the page about its rule and its line', () => {
    const warnings = [
      { rule: 'JSONArgsRecommended', message: 'use JSON', file: 'Dockerfile', line: 1 },
      { rule: 'StageNameCasing', message: 'lower case', detail: 'it is A', file: 'gone', line: 1 },
    ]
    expect(formatCheck({ warnings, failed: true }, (file) => (file === 'Dockerfile' ? 'CMD x' : undefined)))
      .toBe(`WARNING: JSONArgsRecommended - https://docs.docker.com/go/dockerfile/rule/json-args-recommended/
use JSON
Dockerfile:1
--------------------
   1 | >>> CMD x
--------------------

WARNING: StageNameCasing - https://docs.docker.com/go/dockerfile/rule/stage-name-casing/
lower case
it is A

Check complete, 2 warnings have been found, which are errors here (check=error=true)!
`)
  })
})
