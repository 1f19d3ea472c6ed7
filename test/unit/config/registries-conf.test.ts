import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { authFilePaths, findLogin } from '../../../src/config/auth-file.js'
import { matchRegistry, readRegistriesConfig } from '../../../src/config/registries-conf.js'
import { endpointsFor } from '../../../src/image/registry/endpoints.js'
import { formatReference, parseReference } from '../../../src/image/reference.js'

let home = ''
let env: Record<string, string> = {}

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tspod-config-'))
  const main = join(home, 'registries.conf')
  writeFileSync(main, '')
  env = { HOME: home, XDG_CONFIG_HOME: join(home, 'config'), CONTAINERS_REGISTRIES_CONF: main }
})

afterEach(() => rmSync(home, { recursive: true, force: true }))

function write(path: string, text: string): string {
  const whole = join(home, path)
  mkdirSync(dirname(whole), { recursive: true })
  writeFileSync(whole, text)
  return whole
}

describe('readRegistriesConfig', () => {
  test('later files replace lists and merge aliases and registries', () => {
    write(
      'registries.conf',
      'unqualified-search-registries = ["a.example"]\n[[registry]]\nlocation = "r.example"\n[aliases]\none = "x.example/one"\n',
    )
    write(
      'config/containers/registries.conf.d/10.conf',
      'short-name-mode = "enforcing"\nunqualified-search-registries = ["b.example"]\n[[registry]]\nlocation = "r.example"\ninsecure = true\n[aliases]\ntwo = "x.example/two"\n',
    )
    const config = readRegistriesConfig(env)
    expect(config.aliasFiles).toMatchObject({
      one: join(home, 'registries.conf'),
      two: join(home, 'config/containers/registries.conf.d/10.conf'),
    })
    expect(config.searchRegistries).toEqual(['b.example'])
    expect(config.shortNameMode).toBe('enforcing')
    expect(config.aliases).toMatchObject({ one: 'x.example/one', two: 'x.example/two' })
    expect(matchRegistry(config, 'r.example/a')?.insecure).toBe(true)
  })

  test('a file that the environment names has to be there', () => {
    const path = join(home, 'missing.conf')
    expect(() => readRegistriesConfig({ ...env, CONTAINERS_REGISTRIES_CONF: path })).toThrow(`${path} is not there`)
  })

  test('version 1 is read', () => {
    write(
      'registries.conf',
      '[registries.search]\nregistries = ["s.example"]\n[registries.insecure]\nregistries = ["i.example"]\n[registries.block]\nregistries = ["b.example"]\n',
    )
    const config = readRegistriesConfig(env)
    expect(config.searchRegistries).toEqual(['s.example'])
    expect(matchRegistry(config, 'i.example/a')).toMatchObject({ insecure: true, blocked: false })
    expect(matchRegistry(config, 'b.example/a')).toMatchObject({ blocked: true })
  })

  test.each([
    ['unqualified-search-registries = 1', /unqualified-search-registries must be/],
    ['[[registry]]\nlocation = "http://a"', /scheme/],
    ['[[registry]]\nprefix = "a.*"\nlocation = "b"', /wildcard/],
    ['short-name-mode = "sometimes"', /short-name-mode/],
    ['[[registry', /not valid TOML/],
  ])('refuses %j', (text, message) => {
    write('registries.conf', text)
    expect(() => readRegistriesConfig(env)).toThrow(message)
  })
})

describe('endpointsFor', () => {
  const endpoints = (text: string, name: string): string[] => {
    write('registries.conf', text)
    return endpointsFor(parseReference(name), { config: readRegistriesConfig(env) }).map(
      ({ reference, insecure }) => `${formatReference(reference)}${insecure ? ' insecure' : ''}`,
    )
  }
  const digest = `sha256:${'a'.repeat(64)}`

  test('rewrites the longest prefix', () => {
    const text =
      '[[registry]]\nprefix = "a.example"\nlocation = "b.example"\n[[registry]]\nprefix = "a.example/deep"\nlocation = "c.example/other"\n'
    expect(endpoints(text, 'a.example/deep/x:1')).toEqual(['c.example/other/x:1'])
    expect(endpoints(text, 'a.example/deeper/x:1')).toEqual(['b.example/deeper/x:1'])
  })

  test('a wildcard covers what is below a domain', () => {
    const text = '[[registry]]\nprefix = "*.example"\nlocation = "m.test"\ninsecure = true\n'
    expect(endpoints(text, 'a.b.example/x:1')).toEqual(['m.test/x:1 insecure'])
    expect(endpoints(text, 'example.com/x:1')).toEqual(['example.com/x:1'])
  })

  test('mirrors come first, for what they are meant for', () => {
    const text =
      '[[registry]]\nlocation = "a.example"\n[[registry.mirror]]\nlocation = "m1.example/a"\npull-from-mirror = "digest-only"\n[[registry.mirror]]\nlocation = "m2.example"\ninsecure = true\n'
    expect(endpoints(text, 'a.example/x:1')).toEqual(['m2.example/x:1 insecure', 'a.example/x:1'])
    expect(endpoints(text, `a.example/x@${digest}`)).toEqual([
      `m1.example/a/x@${digest}`,
      `m2.example/x@${digest} insecure`,
      `a.example/x@${digest}`,
    ])
  })

  test('a blocked registry is not asked', () => {
    expect(() => endpoints('[[registry]]\nlocation = "a.example"\nblocked = true\n', 'a.example/x')).toThrow(/blocked/)
  })

  test('the loopback needs no TLS, unless it is asked for', () => {
    expect(endpoints('', '127.0.0.1:5000/x')).toEqual(['127.0.0.1:5000/x insecure'])
    const config = readRegistriesConfig(env)
    expect(endpointsFor(parseReference('127.0.0.1:5000/x'), { config, tlsVerify: true })[0]?.insecure).toBe(false)
  })
})

describe('findLogin', () => {
  const auth = (user: string): { auth: string } => ({ auth: Buffer.from(`${user}:secret`).toString('base64') })
  const login = (value: object, name: string): unknown => findLogin([write('auth.json', JSON.stringify(value))], name)

  test('the most specific key wins', () => {
    const value = {
      auths: { 'a.example': auth('host'), 'a.example/ns': auth('namespace'), 'a.example/ns/x': auth('repository') },
    }
    expect(login(value, 'a.example/ns/x')).toMatchObject({ username: 'repository', password: 'secret' })
    expect(login(value, 'a.example/ns/y')).toMatchObject({ username: 'namespace' })
    expect(login(value, 'a.example/other')).toMatchObject({ username: 'host' })
    expect(login(value, 'b.example/ns/x')).toBeUndefined()
  })

  test("Docker's keys and helpers are understood", () => {
    expect(login({ auths: { 'https://index.docker.io/v1/': auth('hub') } }, 'docker.io/library/a')).toMatchObject({
      username: 'hub',
    })
    expect(login({ credHelpers: { 'a.example': 'ecr' }, auths: {} }, 'a.example/x')).toEqual({
      kind: 'helper',
      helper: 'ecr',
      server: 'a.example',
    })
    expect(login({ credsStore: 'pass' }, 'docker.io/library/a')).toEqual({
      kind: 'helper',
      helper: 'pass',
      server: 'https://index.docker.io/v1/',
    })
    expect(login({ auths: { 'a.example': { identitytoken: 't' } } }, 'a.example/x')).toMatchObject({
      kind: 'token',
      identityToken: 't',
    })
  })

  test('a damaged file is an error that names it', () => {
    expect(() => findLogin([write('auth.json', '{')], 'a.example/x')).toThrow(/auth\.json is not valid JSON/)
  })

  test("Podman's places come before Docker's", () => {
    expect(authFilePaths({ HOME: '/h', XDG_RUNTIME_DIR: '/r' })).toEqual([
      '/r/containers/auth.json',
      '/h/.config/containers/auth.json',
      '/h/.docker/config.json',
      '/h/.dockercfg',
    ])
    expect(authFilePaths({ HOME: '/h', REGISTRY_AUTH_FILE: '/f' })).toEqual(['/f'])
  })
})
