import { describe, expect, test } from 'vitest'
import { lintDockerfile, type LintOptions, type LintResult } from '../../../../src/build/dockerfile/lint/index.js'
import { parseDockerfile } from '../../../../src/build/dockerfile/parse.js'
import { IgnoreMatcher } from '../../../../src/build/ignore.js'

const linux = { os: 'linux', architecture: 'amd64' }

function lint(text: string, options: Partial<LintOptions> = {}): LintResult {
  return lintDockerfile(parseDockerfile(text, 'Dockerfile'), {
    facts: { buildArgs: {}, buildPlatform: linux, targetPlatform: linux },
    image: () => ({ config: { Env: ['PATH=/bin'] }, platform: linux }),
    ...options,
  })
}

function found(text: string, options?: Partial<LintOptions>): string[] {
  const { warnings, error } = lint(text, options)
  return [...warnings.map(({ rule, line }) => `${rule} ${line}`), ...(error === undefined ? [] : [error.message])]
}

describe('each rule', () => {
  const cases: [text: string, expected: string[]][] = [
    ['FROM a AS B', ['StageNameCasing 1']],
    ['FROM a as b', ['FromAsCasing 1']],
    ['from a AS b', ['FromAsCasing 1']],
    ['From a as b', ['ConsistentInstructionCasing 1']],
    ['FROM a\nRUN b \\\n\n c', ['NoEmptyContinuation 4']],
    ['FROM a\nRUN b \\\n# c\n d', []],
    ['FROM a\nrun b\nRUN c', ['ConsistentInstructionCasing 2']],
    ['from a\nrun b\nRUN c', ['ConsistentInstructionCasing 3']],
    ['FROM a\nRun b', ['ConsistentInstructionCasing 2']],
    ['FROM a AS b\nFROM c AS b', ['DuplicateStageName 2']],
    ['FROM a AS scratch\nFROM a AS context', ['ReservedStageName 1', 'ReservedStageName 2']],
    ['FROM a\nCMD b', ['JSONArgsRecommended 2']],
    ['FROM a\nENTRYPOINT b', ['JSONArgsRecommended 2']],
    ['FROM a\nSHELL ["bash", "-c"]\nCMD b', []],
    ['FROM a\nCMD ["b"]', []],
    ['FROM a\nMAINTAINER b', ['MaintainerDeprecated 2']],
    ['FROM a:$b', ['InvalidDefaultArgInFrom 1', 'UndefinedArgInFrom 1']],
    ['ARG b\nFROM a:$b', ['InvalidDefaultArgInFrom 2']],
    ['ARG b=1\nFROM a:$b', []],
    ['FROM A', ['InvalidDefaultArgInFrom 1']],
    ['FROM --platform=$TARGETPLATFORM a', ['RedundantTargetPlatform 1']],
    ['FROM --platform=${TARGETPLATFORM:-x} a', ['RedundantTargetPlatform 1']],
    ['FROM --platform=$BUILDPLATFORM a', []],
    ['FROM --platform=linux/amd64 a', ['FromPlatformFlagConstDisallowed 1']],
    ['FROM --platform=linux/amd64 a AS b_amd64', []],
    ['FROM a\nWORKDIR b\nWORKDIR c', ['WorkdirRelativePath 2']],
    ['FROM a\nWORKDIR /b\nWORKDIR c', []],
    ['FROM a\nARG b=/c\nWORKDIR $b', []],
    ['FROM a AS b\nWORKDIR /c\nFROM b\nWORKDIR d', []],
    ['FROM a\nLABEL b=$c', ['UndefinedVar 2']],
    ['FROM a\nCOPY $c /', ['UndefinedVar 2']],
    ['FROM a\nCOPY <<X /x\n$c ${d:-e}\nX', ['UndefinedVar 2', 'UndefinedVar 2']],
    ['FROM a\nRUN --mount=type=cache,target=/x$c d', ['UndefinedVar 2']],
    ['FROM a\nRUN $c', []],
    ['FROM a\nARG c\nENV d=$c$PATH', []],
    ['FROM a\nARG c=$d', ['UndefinedVar 2']],
    ['ARG c=1\nFROM a\nENV d=$c', ['UndefinedVar 3']],
    ['FROM a AS b\nARG c\nFROM b\nENV d=$c', []],
    ['FROM scratch\nCOPY $c /', ['UndefinedVar 2']],
    [
      'FROM a\nCMD ["b"]\nCMD ["c"]\nENTRYPOINT ["d"]\nENTRYPOINT ["e"]\nHEALTHCHECK NONE\nHEALTHCHECK CMD x',
      ['MultipleInstructionsDisallowed 2', 'MultipleInstructionsDisallowed 4', 'MultipleInstructionsDisallowed 6'],
    ],
    ['FROM a AS b\nCMD ["b"]\nFROM b\nCMD ["c"]', []],
    ['FROM a\nENV b c\nLABEL d e', ['LegacyKeyValueFormat 2', 'LegacyKeyValueFormat 3']],
    [
      'FROM a\nARG API_KEY\nENV token=1 DB_PASSWORD=2 monkey=3',
      ['SecretsUsedInArgOrEnv 2', 'SecretsUsedInArgOrEnv 3', 'SecretsUsedInArgOrEnv 3'],
    ],
    ['FROM a\nARG PUBLIC_KEY KEY_FILE TOKEN_VERSION', []],
    ['FROM a\nEXPOSE 80/TCP', ['ExposeProtoCasing 2']],
    ['FROM a\nEXPOSE 127.0.0.1:80:80 8080:80', ['ExposeInvalidFormat 2', 'ExposeInvalidFormat 2']],
    ['FROM a\nENV p=80/UDP\nEXPOSE $p', ['ExposeProtoCasing 3']],
    ['FROM a\n# nothing\nARG b', []],
    ['# check=experimental=all\nFROM a\n# nothing\nARG b\n# b is this\nARG b', ['InvalidDefinitionDescription 4']],
    ['# check=experimental=InvalidDefinitionDescription\n# nothing\nFROM a AS b', ['InvalidDefinitionDescription 3']],
    ['# check=experimental=all\n# nothing\n#\nFROM a AS b', []],
    ['# check=experimental=all\n# nothing\nFROM a', []],
  ]
  test.each(cases)('%j', (text, expected) => {
    expect(found(text)).toEqual(expected)
  })

  test('says what was found, and where', () => {
    expect(lint('FROM a\nENV b=1 \\\n c=$PAHT').warnings).toEqual([
      {
        rule: 'UndefinedVar',
        description: 'variables should be defined before they are used',
        message: 'variable $PAHT is not defined (did you mean $PATH?)',
        line: 2,
        endLine: 3,
      },
    ])
  })
})

describe('what is hidden', () => {
  const cases: [patterns: string[], source: string, warned: boolean][] = [
    [['x'], 'x', true],
    [['x'], 'x/y', true],
    [['x'], './x/', true],
    [['x'], 'y', false],
    [['*.md'], 'a.md', true],
    [['x', '!x/y'], 'x', false],
    [['*.md'], '.', false],
    [['*'], '.', true],
    [['*'], 'https://example.com/x', false],
  ]
  test.each(cases)('by %j: %s', (patterns, source, warned) => {
    const text = `FROM a\n${source.startsWith('http') ? 'ADD' : 'COPY'} ${source} /`
    expect(found(text, { ignore: new IgnoreMatcher(patterns) })).toEqual(warned ? ['CopyIgnoredFile 2'] : [])
  })

  test('does not matter for other stages', () => {
    const ignore = new IgnoreMatcher(['x'])
    expect(found('FROM a AS b\nFROM c\nCOPY --from=b x /', { ignore })).toEqual([])
  })
})

describe('options', () => {
  const cases: [text: string, expected: string[], failed: boolean][] = [
    ['# check=skip=all\nFROM a AS B', [], false],
    ['# check=skip=StageNameCasing, FromAsCasing\nFROM a as B', [], false],
    ['# check=skip=FromAsCasing;error=true\nFROM a as B', ['StageNameCasing 2'], true],
    ['# check=error=true\nFROM a', [], false],
    ['FROM a\n# check=skip=LegacyKeyValueFormat\nENV b c\nENV b c', ['LegacyKeyValueFormat 4'], false],
    ['FROM a\n# words\n# check = skip=all and why\nENV b c', [], false],
    ['FROM a\n# check=nonsense\nENV b c', ['LegacyKeyValueFormat 3'], false],
  ]
  test.each(cases)('%j', (text, expected, failed) => {
    expect(found(text)).toEqual(expected)
    expect(lint(text).failed).toBe(failed)
  })

  test('from outside go before those of the file', () => {
    expect(found('# check=skip=all\nFROM a AS B', { check: 'error=1' })).toEqual(['StageNameCasing 2'])
  })

  test.each(['# check=nonsense', '# check=error=maybe', '# check=skip'])('%j is refused', (line) => {
    expect(() => lint(`${line}\nFROM a`)).toThrow('invalid check option')
  })
})

describe('what is looked at', () => {
  const text = 'FROM a AS one\nENV b c\nFROM a AS two\nENV b c\nFROM one\nENV b c'
  test('is all stages, or those that are needed', () => {
    expect(found(text)).toHaveLength(3)
    const { warnings } = lint(text, { onlyNeeded: true })
    expect(warnings.map(({ line }) => line)).toEqual([2, 6])
  })

  test('of an unknown base image: misspelt variables alone', () => {
    expect(found('FROM a\nARG VERSION=1\nENV b=$JAVA_HOME c=$VERSON', { image: () => undefined })).toEqual([
      'UndefinedVar 3',
    ])
  })

  test('a base image may be for something else', () => {
    const image = () => ({ config: {}, platform: { os: 'linux', architecture: 'arm64' } })
    expect(found('FROM a', { image })).toEqual(['InvalidBaseImagePlatform 1'])
    expect(found('FROM --platform=linux/arm64 a AS linux', { image })).toEqual([])
  })

  test('ends where the file cannot be built', () => {
    const { warnings, error } = lint('FROM a AS B\nENV c d\nCOPY --chmod=x e f')
    expect(warnings.map(({ rule }) => rule)).toEqual(['StageNameCasing', 'LegacyKeyValueFormat'])
    expect(error?.message).toMatch(/^Dockerfile:3: invalid chmod parameter/)
  })
})
