import { describe, expect, test } from 'vitest'
import { applyToConfig, isMetadata, type Evaluation } from '../../../../src/build/dockerfile/evaluate.js'
import { parseDockerfile } from '../../../../src/build/dockerfile/parse.js'
import { startFromImage, startFromStage, type StageState } from '../../../../src/build/dockerfile/stage-state.js'
import {
  globalVariables,
  proxyEnvironment,
  unusedBuildArgs,
  type BuildFacts,
} from '../../../../src/build/dockerfile/variables.js'
import type { ImageRunConfig } from '../../../../src/oci/image-spec.js'

const linux = { os: 'linux', architecture: 'amd64' }
const facts: BuildFacts = { buildArgs: {}, buildPlatform: linux, targetPlatform: linux }

interface Options {
  readonly buildArgs?: Readonly<Record<string, string>>
  readonly base?: ImageRunConfig
  readonly from?: StageState
  readonly top?: string
}

/** A stage of these lines, evaluated to its end. */
function stage(lines: string, { buildArgs = {}, base = {}, from, top = '' }: Options = {}): StageState {
  const file = parseDockerfile(`${top}FROM base\n${lines}\n`, 'Dockerfile')
  const evaluation: Evaluation = {
    filename: 'Dockerfile',
    escape: file.escape,
    globals: globalVariables(file, { ...facts, buildArgs }),
    buildArgs,
  }
  let { state } = from === undefined ? startFromImage({ Env: ['PATH=/bin'], ...base }) : startFromStage(from)
  for (const instruction of file.stages[0]?.instructions ?? [])
    if (isMetadata(instruction)) ({ state } = applyToConfig(state, instruction, evaluation))
  return state
}

function config(lines: string, options?: Options): ImageRunConfig {
  const { Env, ...rest } = stage(lines, options).config
  const own = (Env ?? []).filter((entry) => entry !== 'PATH=/bin')
  return own.length === 0 ? rest : { Env: own, ...rest }
}

describe('the configuration after', () => {
  const cases: [lines: string, expected: ImageRunConfig, base?: ImageRunConfig][] = [
    ['ENV a=1 b="x y"\nENV a=2', { Env: ['a=2', 'b=x y'] }],
    ['ENV a=1\nENV a=2 b=$a', { Env: ['a=2', 'b=1'] }],
    ['ENV a  x  y', { Env: ['a=x  y'] }],
    ["ENV a=\\$b c='$d' e=${f:-g} h=$PATH:/x", { Env: ['a=$b', 'c=$d', 'e=g', 'h=/bin:/x'] }],
    ['ENV "a b"=c', { Env: ['a b=c'] }],
    ['ENV PATH=/x:$PATH', { Env: ['PATH=/x:/bin'] }],
    ['ENV b=3', { Env: ['a=1', 'b=3', 'c='] }, { Env: ['PATH=/bin', 'a=1', 'b=2', 'c'] }],
    ['LABEL a=1 "b c"="d e"\nLABEL a=$PATH', { Labels: { a: '/bin', 'b c': 'd e' } }],
    ['LABEL b=2', { Labels: { a: '1', b: '2' } }, { Labels: { a: '1' } }],
    ['LABEL __proto__=x', { Labels: Object.fromEntries([['__proto__', 'x']]) }],
    [
      'EXPOSE 80 53/UDP 1-3/tcp',
      { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '1/tcp': {}, '2/tcp': {}, '3/tcp': {} } },
    ],
    ['ENV p="80 81"\nEXPOSE $p', { Env: ['p=80 81'], ExposedPorts: { '80/tcp': {}, '81/tcp': {} } }],
    ['EXPOSE 127.0.0.1:8080:80 [::1]::81 9:82', { ExposedPorts: { '80/tcp': {}, '81/tcp': {}, '82/tcp': {} } }],
    ['EXPOSE 0', { ExposedPorts: { '0/tcp': {} } }],
    ['ENV d=/x\nVOLUME $d /y', { Env: ['d=/x'], Volumes: { '/x': {}, '/y': {} } }],
    ['VOLUME ["/x y"]', { Volumes: { '/x y': {}, '/z': {} } }, { Volumes: { '/z': {} } }],
    ['ARG u=me\nUSER ${u}:g', { User: 'me:g' }],
    ['WORKDIR /a\nWORKDIR b/../c/', { WorkingDir: '/a/c' }],
    ['WORKDIR /a/../b', { WorkingDir: '/a/../b' }],
    ['WORKDIR /a//', { WorkingDir: '/a' }],
    ['WORKDIR /a/../b\nWORKDIR c', { WorkingDir: '/b/c' }],
    ['WORKDIR a', { WorkingDir: '/base/a' }, { WorkingDir: '/base' }],
    ['WORKDIR a', { WorkingDir: '/a' }],
    ['WORKDIR ../../..', { WorkingDir: '/' }],
    ['ENV d=/x\nWORKDIR $d/$e/f', { Env: ['d=/x'], WorkingDir: '/x//f' }],
    ['STOPSIGNAL SIGKILL', { StopSignal: 'SIGKILL' }],
    ['ARG s=9\nSTOPSIGNAL $s', { StopSignal: '9' }],
    ['CMD a $b', { Cmd: ['/bin/sh', '-c', 'a $b'] }],
    ['CMD ["a", "$b"]', { Cmd: ['a', '$b'] }],
    ['CMD', { Cmd: ['/bin/sh', '-c', ''] }],
    ['CMD []', { Cmd: [] }, { Cmd: ['a'] }],
    ['CMD a\nCMD b', { Cmd: ['/bin/sh', '-c', 'b'] }],
    ['SHELL ["/bin/bash", "-ec"]\nCMD a', { Shell: ['/bin/bash', '-ec'], Cmd: ['/bin/bash', '-ec', 'a'] }],
    ['CMD a', { Shell: ['x'], Cmd: ['x', 'a'] }, { Shell: ['x'] }],
    ['ENTRYPOINT ["a"]', { Entrypoint: ['a'] }, { Cmd: ['b'] }],
    ['CMD ["b"]\nENTRYPOINT ["a"]', { Entrypoint: ['a'], Cmd: ['b'] }],
    ['ENTRYPOINT ["a"]\nCMD ["b"]', { Entrypoint: ['a'], Cmd: ['b'] }],
    ['ENTRYPOINT []', {}, { Entrypoint: ['a'], Cmd: ['b'] }],
    ['ENTRYPOINT a', { Entrypoint: ['/bin/sh', '-c', 'a'] }],
    ['HEALTHCHECK NONE', { Healthcheck: { Test: ['NONE'] } }, { Healthcheck: { Test: ['CMD', 'x'], Retries: 2 } }],
    ['HEALTHCHECK CMD a b', { Healthcheck: { Test: ['CMD-SHELL', 'a b'] } }],
    [
      'HEALTHCHECK --interval=1m30s --timeout=1.5s --start-period=0 --start-interval=5ms --retries=3 CMD ["a"]',
      { Healthcheck: { Test: ['CMD', 'a'], Interval: 90e9, Timeout: 1.5e9, StartInterval: 5e6, Retries: 3 } },
    ],
    ['ONBUILD RUN a $b\nONBUILD COPY . .', { OnBuild: ['RUN a $b', 'COPY . .'] }],
  ]
  test.each(cases)('%j', (lines, expected, base) => {
    expect(config(lines, base === undefined ? {} : { base })).toEqual(expected)
  })
})

describe('arguments', () => {
  const variable = (lines: string, name: string, options?: Options): string | undefined =>
    stage(lines, options).variables.get(name)

  const cases: [what: string, lines: string, options: Options, expected: string | undefined][] = [
    ['have no value of their own', 'ARG v', {}, undefined],
    ['have a default', 'ARG v=1', {}, '1'],
    ['may be given', 'ARG v=1', { buildArgs: { v: '2' } }, '2'],
    ['may be given empty', 'ARG v=1', { buildArgs: { v: '' } }, ''],
    ['need an ARG', 'ARG w', { buildArgs: { v: '2' } }, undefined],
    ['before FROM are seen by ARG alone', 'ARG w', { top: 'ARG v=1\n' }, undefined],
    ['before FROM are what ARG gets', 'ARG v', { top: 'ARG v=1\n' }, '1'],
    ['before FROM yield to a default', 'ARG v=2', { top: 'ARG v=1\n' }, '2'],
    ['before FROM may be given', 'ARG v', { top: 'ARG v=1\n', buildArgs: { v: '3' } }, '3'],
    ['before FROM see those before', 'ARG v', { top: 'ARG w=1\nARG v=${w}2\n' }, '12'],
    ['see those before, in one instruction, too', 'ARG w=1 v=$w$w', {}, '11'],
    ['see the environment', 'ENV w=1\nARG v=$w', {}, '1'],
    ['are overridden by ENV', 'ARG v=1\nENV v=2', {}, '2'],
    ['keep quoted blanks', 'ARG v="a  b"', {}, 'a  b'],
    ['are not expanded when given', 'ARG v=1', { buildArgs: { v: '$PATH' } }, '$PATH'],
    ['that look like names of objects are none', 'ARG toString', {}, undefined],
  ]
  test.each(cases)('%s', (_what, lines, options, expected) => {
    expect(variable(lines, 'v', options)).toBe(expected)
    expect(variable(lines, 'toString', options)).toBeUndefined()
  })

  test('are no part of the image', () => {
    expect(config('ARG v=1')).toEqual({})
  })

  test('go on to stages on top, with the environment; a CMD and triggers do not', () => {
    const below = stage('ARG v=1\nENV w=2\nCMD ["x"]\nONBUILD USER me')
    const above = stage('ENV x=$v$w\nENTRYPOINT ["y"]', { from: below })
    expect(above.config).toEqual({ Env: ['PATH=/bin', 'w=2', 'x=12'], Entrypoint: ['y'] })
    expect(above.args.get('v')).toBe('1')
    expect(startFromStage(below).triggers).toEqual(['USER me'])
  })

  test('of the platform are there for FROM, and for a stage by ARG', () => {
    const file = parseDockerfile('FROM a AS last', 'f')
    const arm = { os: 'linux', architecture: 'arm', variant: 'v7' }
    const globals = globalVariables(file, { ...facts, targetPlatform: arm, buildArgs: { TARGETOS: 'plan9' } })
    expect(Object.fromEntries(globals)).toEqual({
      BUILDPLATFORM: 'linux/amd64',
      BUILDOS: 'linux',
      BUILDOSVERSION: '',
      BUILDARCH: 'amd64',
      BUILDVARIANT: '',
      TARGETPLATFORM: 'linux/arm/v7',
      TARGETOS: 'plan9',
      TARGETOSVERSION: '',
      TARGETARCH: 'arm',
      TARGETVARIANT: 'v7',
      TARGETSTAGE: 'last',
    })
    expect(variable('ARG TARGETARCH', 'TARGETARCH')).toBe('amd64')
    expect(variable('ENV x=1', 'TARGETARCH')).toBeUndefined()
  })

  test('for proxies are given to commands in both cases', () => {
    expect(proxyEnvironment({ https_proxy: 'a', HTTPS_PROXY: 'b' })).toEqual({ https_proxy: 'a', HTTPS_PROXY: 'b' })
    expect(proxyEnvironment({ HTTP_PROXY: 'a', no_proxy: 'b', ftp_proxy: '', x: 'y', all_proxy: undefined })).toEqual({
      HTTP_PROXY: 'a',
      http_proxy: 'a',
      NO_PROXY: 'b',
      no_proxy: 'b',
    })
  })

  test('that nothing uses are known', () => {
    const file = parseDockerfile('ARG a\nFROM x\nARG b=1 c', 'f')
    const buildArgs = { a: '', b: '', c: '', d: '', HTTP_PROXY: '', BUILDKIT_INLINE_CACHE: '1', TARGETARCH: 'x' }
    expect(unusedBuildArgs(file, buildArgs)).toEqual(['d'])
  })
})

describe('a base image', () => {
  test('without PATH gets one', () => {
    expect(startFromImage().state.config).toEqual({
      WorkingDir: '/',
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    })
  })
  test('gives its triggers away', () => {
    const { state, triggers } = startFromImage({ OnBuild: ['RUN a'], Env: ['PATH=/x'] }, 'me')
    expect([state.config, state.author, triggers]).toEqual([{ Env: ['PATH=/x'] }, 'me', ['RUN a']])
  })
})

test('MAINTAINER is the author', () => {
  expect(stage('MAINTAINER Me <$PATH>').author).toBe('Me <$PATH>')
})

describe('history', () => {
  const cases: [line: string, createdBy: string][] = [
    ['ENV a=1 b="2 3"', 'ENV a=1 b=2 3'],
    ['ARG v=1 w', 'ARG v=1 w'],
    ['EXPOSE 80 81/udp', 'EXPOSE [80/tcp 81/udp]'],
    ['CMD ["a", "b\\""]', 'CMD ["a" "b\\""]'],
    ['ENTRYPOINT a', 'ENTRYPOINT ["/bin/sh" "-c" "a"]'],
    ['WORKDIR a', 'WORKDIR /a'],
    ['SHELL ["a", "-c"]', 'SHELL [a -c]'],
    ['VOLUME /a /b', 'VOLUME [/a /b]'],
  ]
  test.each(cases)('%j: %s', (line, createdBy) => {
    const file = parseDockerfile(`FROM a\n${line}`, 'f')
    const [instruction] = file.stages[0]?.instructions ?? []
    if (instruction === undefined || !isMetadata(instruction)) throw new Error('not a metadata instruction')
    const evaluation = { filename: 'f', escape: file.escape, globals: new Map<string, string>(), buildArgs: {} }
    expect(applyToConfig(startFromImage().state, instruction, evaluation).createdBy).toBe(createdBy)
  })
})

describe('refuses', () => {
  const cases: [line: string, message: string][] = [
    ['EXPOSE 80/icmp', 'invalid port "80/icmp": invalid proto: icmp'],
    ['EXPOSE 70000', 'invalid port "70000": "70000" is no port between 0 and 65535'],
    ['EXPOSE 3-1', 'invalid port "3-1": invalid port range: 3-1'],
    ['EXPOSE /tcp', 'invalid port "/tcp": no port specified'],
    ['EXPOSE x:1:80', 'invalid port "x:1:80": invalid IP address: x'],
    ['EXPOSE 1-2:80-82', 'invalid port "1-2:80-82": the ranges of the host and the container differ in length'],
    ['STOPSIGNAL SIGNONE', 'invalid signal: SIGNONE'],
    ['HEALTHCHECK --interval=1 CMD a', 'invalid value for --interval: "1" is not a duration like 30s'],
    ['HEALTHCHECK --timeout=1us CMD a', '--timeout cannot be less than 1ms'],
    ['HEALTHCHECK --retries=x CMD a', 'invalid value for --retries: "x" is not a number'],
    ['HEALTHCHECK --retries=-1 CMD a', '--retries cannot be negative (-1)'],
    ['VOLUME $none', 'VOLUME specified can not be an empty string'],
    ['ENV $none=1', 'the name "$none" is blank once expanded'],
    ['ENV a=${b', 'unsupported modifier () in substitution'],
    ['ARG a=${b?needed}', 'b: needed'],
  ]
  test.each(cases)('%j: %s', (line, message) => {
    expect(() => stage(`\n${line}`)).toThrow(`Dockerfile:3: ${message}`)
  })
})
