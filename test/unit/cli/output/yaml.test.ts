import { expect, test } from 'vitest'
import { withGoNames } from '../../../../src/cli/output/go-names.js'
import { formatYaml } from '../../../../src/cli/output/yaml.js'

test('objects and arrays are indented as Podman prints them', () => {
  const value = {
    host: { arch: 'amd64', ids: [{ from: 0, size: 1 }, { from: 1 }], none: [], empty: {}, missing: undefined },
    plugins: ['a', 'b'],
  }
  expect(formatYaml(value)).toBe(
    [
      'host:',
      '  arch: amd64',
      '  ids:',
      '  - from: 0',
      '    size: 1',
      '  - from: 1',
      '  none: []',
      '  empty: {}',
      'plugins:',
      '- a',
      '- b',
      '',
    ].join('\n'),
  )
})

test.each([
  ['5.4.2', '5.4.2'],
  ['12', '"12"'],
  ['1e3', '"1e3"'],
  ['0x10', '"0x10"'],
  ['true', '"true"'],
  ['No', '"No"'],
  ['', '""'],
  ['a: b', '"a: b"'],
  ['a #b', '"a #b"'],
  ['- a', '"- a"'],
  ['*', '"*"'],
  ['ends:', '"ends:"'],
  ['has "quotes" inside', 'has "quotes" inside'],
  ['/run/user/1000', '/run/user/1000'],
  ['\u001b[31m', '"\\u001b[31m"'],
  ['two\nlines', '|-\n  two\n  lines'],
])('the text %j is written %s', (text, yaml) => {
  expect(formatYaml({ key: text })).toBe(`key: ${yaml}\n`)
})

test('names are Go’s in a template', () => {
  const info = { host: { cpus: 2, ociRuntime: { name: 'x' }, idMappings: { uidmap: [{ container_id: 0 }] } } }
  expect(withGoNames(info)).toEqual({
    Host: { CPUs: 2, OCIRuntime: { Name: 'x' }, IDMappings: { UIDMap: [{ ContainerID: 0 }] } },
  })
})
