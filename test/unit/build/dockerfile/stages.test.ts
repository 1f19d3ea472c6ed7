import { describe, expect, test } from 'vitest'
import { parseDockerfile, parseTrigger } from '../../../../src/build/dockerfile/parse.js'
import { originsOf, planStages, resolveFrom, type StagePlan } from '../../../../src/build/dockerfile/stages.js'
import { globalVariables } from '../../../../src/build/dockerfile/variables.js'

const linux = { os: 'linux', architecture: 'amd64' }

function plan(text: string, target?: string, contexts: readonly string[] = []): StagePlan {
  const file = parseDockerfile(text, 'Dockerfile')
  const globals = globalVariables(file, { buildArgs: {}, buildPlatform: linux, targetPlatform: linux })
  return planStages(file, { globals, target, context: (name) => contexts.find((each) => each === name) })
}

const image = (reference: string) => ({ type: 'image', reference })
const stage = (index: number) => ({ type: 'stage', index })
const context = (name: string) => ({ type: 'context', name })

describe('a base', () => {
  const cases: [text: string, bases: unknown[], contexts?: string[]][] = [
    ['FROM a', [image('a')]],
    ['FROM scratch\nFROM SCRATCH', [{ type: 'scratch' }, { type: 'scratch' }]],
    ['FROM a AS b\nFROM b', [image('a'), stage(0)]],
    ['FROM a AS b\nFROM B', [image('a'), stage(0)]],
    ['FROM golang AS golang', [image('golang')]],
    ['FROM a AS b\nFROM b AS b\nFROM b', [image('a'), stage(0), stage(1)]],
    ['FROM a\nFROM 0\nFROM 2', [image('a'), stage(0), image('2')]],
    ['ARG v=1\nFROM a:${v}-$TARGETARCH', [image('a:1-amd64')]],
    ['FROM b\nFROM a AS b', [image('b'), image('a')]],
    ['FROM a', [context('a')], ['a']],
    ['FROM a AS b\nFROM b', [image('a'), context('b')], ['b']],
    ['FROM scratch', [{ type: 'scratch' }], ['scratch']],
  ]
  test.each(cases)('%j', (text, bases, contexts) => {
    expect(plan(text, undefined, contexts).stages.map(({ base }) => base)).toEqual(bases)
  })
})

describe('the stages that a target needs', () => {
  const many = [
    'FROM a AS one',
    'FROM b AS two',
    'COPY --from=one x y',
    'FROM c AS three',
    'RUN --mount=from=two,target=/x a',
    'FROM d AS four',
    'COPY --from=0 x y',
    'COPY --from=nginx x y',
    'FROM three',
    'COPY --from=four x y',
    'FROM unused',
  ].join('\n')
  const cases: [text: string, target: string | undefined, needed: number[]][] = [
    ['FROM a\nFROM b', undefined, [1]],
    [many, '4', [0, 1, 2, 3, 4]],
    [many, 'Three', [0, 1, 2]],
    [many, 'four', [0, 3]],
    [many, '', [5]],
    ['FROM a AS b\nFROM c AS d\nONBUILD COPY --from=b x y\nFROM d', undefined, [1, 0, 2]],
    ['FROM a AS b\nFROM c AS d\nONBUILD RUN --mount=type=bind,from=b,target=/x y\nFROM d', undefined, [1, 0, 2]],
  ]
  test.each(cases)('%j, %j', (text, target, needed) => {
    expect(plan(text, target).needed).toEqual(needed)
  })

  test('are not those that a context stands in for', () => {
    expect(plan(many, 'three', ['two']).needed).toEqual([2])
  })

  test('may be many', () => {
    const chain = Array.from({ length: 2000 }, (_, index) => `FROM ${index === 0 ? 'a' : `s${index - 1}`} AS s${index}`)
    expect(plan(chain.join('\n')).needed).toHaveLength(2000)
  })
})

test('a platform is expanded', () => {
  const { stages } = plan('FROM --platform=$BUILDPLATFORM a\nFROM --platform=linux/arm64 b\nFROM c')
  expect(stages.map(({ platform, label }) => [platform, label])).toEqual([
    ['linux/amd64', 'stage-0'],
    ['linux/arm64', 'stage-1'],
    [undefined, 'stage-2'],
  ])
})

test('a trigger takes files from stages, contexts and images', () => {
  const file = parseDockerfile('FROM a AS b', 'f')
  const origins = (trigger: string) =>
    originsOf(file, parseTrigger(trigger, 'ONBUILD of x'), (name) => (name === 'c' ? 'c' : undefined))
  expect(origins('COPY --from=b x y')).toEqual([stage(0)])
  expect(origins('RUN --mount=from=c,target=/x --mount=from=scratch,target=/y --mount=type=cache,target=/z a')).toEqual(
    [context('c'), { type: 'scratch' }],
  )
  expect(origins('ADD x y')).toEqual([])
  expect(resolveFrom(file, 'nginx', () => undefined)).toEqual(image('nginx'))
})

describe('refuses', () => {
  const cases: [text: string, target: string | undefined, message: string][] = [
    ['FROM a AS build', 'biuld', 'Dockerfile: target stage "biuld" could not be found (did you mean build?)'],
    ['FROM a', '1', 'Dockerfile: target stage "1" could not be found'],
    ['FROM $none', undefined, 'Dockerfile:1: base name ($none) should not be blank'],
    ['FROM a:${', undefined, 'Dockerfile:1: missing "}" in substitution'],
    [
      'FROM --platform=$BUILDPLATFROM a',
      undefined,
      'Dockerfile:1: empty platform value from expression $BUILDPLATFROM (did you mean BUILDPLATFORM?)',
    ],
    ['FROM a\nCOPY --from=0 x y', undefined, 'Dockerfile:1: circular dependency detected on stage: stage-0'],
    ['FROM a AS b\nCOPY --from=b x y', undefined, 'Dockerfile:1: circular dependency detected on stage: b'],
    [
      'FROM z\nFROM a AS b\nCOPY --from=c x y\nFROM b AS c\nFROM c',
      undefined,
      'Dockerfile:2: circular dependency detected on stage: b',
    ],
    [
      'FROM a AS b\nCOPY --from=c x y\nFROM d AS c\nFROM b',
      undefined,
      'Dockerfile:2: cannot take files from stage "c": it needs to be defined before stage "b"',
    ],
    ['FROM a\nCOPY --from=1 x y', undefined, 'Dockerfile:2: invalid stage index 1'],
    ['FROM a\nCOPY --from=$x y z', undefined, 'Dockerfile:2: variable expansion is not supported for --from'],
    ['FROM a\nRUN --mount=from=$x,target=/y z', undefined, `Dockerfile:2: "from" doesn't support variable expansion`],
  ]
  test.each(cases)('%j, %j', (text, target, message) => {
    expect(() => plan(text, target)).toThrow(message)
  })
})
