import { describe, expect, test } from 'vitest'

import { completeSpec, type CompleteInput } from '../../../src/container/complete.js'
import type { ContainerSpec } from '../../../src/container/spec.js'
import type { ImageRunConfig } from '../../../src/oci/image-spec.js'

const base: CompleteInput = {
  id: '0123456789abcdef'.repeat(4),
  image: { id: 'f'.repeat(64), name: 'localhost/x:latest', digest: '', layers: [], architecture: 'amd64' },
  imageConfig: { Cmd: ['/bin/sh'] },
  conf: { containers: {}, engine: {}, network: {} },
  env: {},
  caller: { uid: 1000, gid: 100 },
}

const complete = (spec: ContainerSpec, imageConfig: ImageRunConfig = {}, input: Partial<CompleteInput> = {}) =>
  completeSpec({ image: 'x', ...spec }, { ...base, imageConfig: { ...base.imageConfig, ...imageConfig }, ...input })

describe('the command', () => {
  const image: ImageRunConfig = { Entrypoint: ['/entry'], Cmd: ['default'] }
  const cases: [name: string, spec: ContainerSpec, expected: string[]][] = [
    ["is the image's", {}, ['/entry', 'default']],
    ["replaces the image's", { command: ['other', '-x'] }, ['/entry', 'other', '-x']],
    ["without the image's where the entrypoint is one's own", { entrypoint: ['/mine'] }, ['/mine']],
    ['follows an entrypoint of one’s own', { entrypoint: ['/mine'], command: ['a'] }, ['/mine', 'a']],
    ['stands alone with an empty entrypoint', { entrypoint: [''], command: ['a'] }, ['a']],
  ]
  test.each(cases)('%s', (_name, spec, expected) => {
    const { entrypoint, command } = complete(spec, image)
    expect([...entrypoint, ...command]).toEqual(expected)
  })

  test('is needed', () => {
    expect(() => complete({}, { Cmd: null })).toThrow('no command or entrypoint provided')
  })
})

describe('the environment', () => {
  test('is the defaults, containers.conf, the image and the spec, later ones over earlier ones', () => {
    const conf = { ...base.conf, containers: { env: ['A=conf', 'B=conf'] } }
    const { env } = complete({ env: { C: 'spec' } }, { Env: ['B=image', 'C=image'] }, { conf })
    expect(env).toEqual(expect.arrayContaining(['A=conf', 'B=image', 'C=spec', 'container=tspod']))
  })

  test("drops a name without a value, which would mean the host's", () => {
    const { env } = complete({}, { Env: ['SECRET', 'X=1'] }, { env: { SECRET: 'host' } })
    expect(env.some((text) => text.startsWith('SECRET'))).toBe(false)
  })

  test('has proxies, unless that is off', () => {
    const env = { http_proxy: 'http://proxy', HTTPS_PROXY: 'http://proxy' }
    expect(complete({ httpProxy: false }, {}, { env }).env.join()).not.toContain('proxy')
    expect(complete({}, {}, { env }).env).toEqual(
      expect.arrayContaining(['http_proxy=http://proxy', 'HTTPS_PROXY=http://proxy']),
    )
  })
})

test("with keep-id the user is the caller's, unless one was named", () => {
  const namespaces = { user: { mode: 'keep-id' } } as const
  expect(complete({ namespaces }, { User: 'www' }).user).toBe('1000:100')
  expect(complete({ namespaces, user: 'root' }).user).toBe('root')
})

test("an image's volumes become anonymous ones where nothing else is mounted", () => {
  const mounts = [{ type: 'tmpfs', target: '/a/', options: [] }] as const
  const { mounts: result } = complete({ mounts }, { Volumes: { '/a': {}, '/b': {}, '../../c': {} } })
  expect(result.map(({ type, target }) => `${type} ${target}`)).toEqual(['tmpfs /a/', 'volume /b', 'volume /c'])
})

test('the stop signal is a number from any spelling, and a wrong one is refused', () => {
  expect(complete({ stopSignal: 'sigint' }).stopSignal).toBe(2)
  expect(complete({}, { StopSignal: 'SIGRTMIN+3' }).stopSignal).toBe(37)
  expect(() => complete({ stopSignal: 'SIGNO' })).toThrow('invalid signal: SIGNO')
})

test('a health check of NONE is none, and a spec fills what it leaves out from the image', () => {
  expect(complete({ healthcheck: 'none' }, { Healthcheck: { Test: ['CMD', 'x'] } }).healthcheck).toBeUndefined()
  const { healthcheck } = complete(
    { healthcheck: { retries: 7 } },
    { Healthcheck: { Test: ['CMD', 'x'], Interval: 0 } },
  )
  expect(healthcheck).toMatchObject({ command: ['CMD', 'x'], retries: 7, interval: 30e9 })
})
