import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { signaturePlace } from '../../../src/config/registries-d.js'
import { parseYamlMappings } from '../../../src/config/yaml-mappings.js'

let home: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tspod-registries-d-'))
})

afterEach(() => rmSync(home, { recursive: true }))

function write(name: string, text: string): void {
  const folder = join(home, '.config', 'containers', 'registries.d')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), text)
}

const place = (name: string): ReturnType<typeof signaturePlace> => signaturePlace({ HOME: home }, name)

test('the nearest namespace that says something counts', () => {
  write(
    'a.yaml',
    `# comment
default-docker:
  lookaside: https://default.example   # the rest
docker:
  a.example:
    sigstore: 'file:///old'
    use-sigstore-attachments: true
  "a.example/team":
    lookaside-staging: file:///staging
`,
  )
  write('b.yaml', 'docker:\n    a.example/team/app:1:\n        lookaside: https://tag.example\n')
  expect(place('b.example/x:1')).toMatchObject({ lookaside: 'https://default.example', sigstoreAttachments: false })
  expect(place('a.example/x:1')).toMatchObject({ lookaside: 'file:///old', sigstoreAttachments: true })
  expect(place('a.example/team/x:1')).toMatchObject({ lookaside: 'file:///old', staging: 'file:///staging' })
  expect(place('a.example/team/app:1').lookaside).toBe('https://tag.example')
})

test('without configuration it is a folder of the user', () => {
  write('empty.yaml', '---\ndefault-docker:\n#  lookaside: x\n')
  if (process.geteuid?.() !== 0)
    expect(place('a.example/x').lookaside).toBe(`file://${home}/.local/share/containers/sigstore`)
})

test('a namespace that is there twice is an error, as is what is no switch', () => {
  write('a.yaml', 'docker:\n  a.example:\n    lookaside: x\n')
  write('b.yaml', 'docker:\n  a.example:\n    lookaside: y\n')
  expect(() => place('a.example/x')).toThrow(/configured twice/)
  write('b.yaml', 'default-docker:\n  use-sigstore-attachments: maybe\n')
  expect(() => place('a.example/x')).toThrow(/true or false/)
})

test.each([
  ['a: 1\n  b: 2\n', /line 2/],
  ['a:\n    b: 1\n  c: 2\n', /line 3/],
  ['a: [1]\n', /not supported/],
  ['- a\n', /expected KEY/],
  ['a: &x 1\n', /not supported/],
  ['a: |\n  text\n', /not supported/],
  ['a: "b\n', /not closed/],
  ['a: 1\na: 2\n', /there twice/],
  ['a:\n\tb: 1\n', /tab/],
])('%j is refused with its line', (text, message) => {
  expect(() => parseYamlMappings(text, 'x.yaml')).toThrow(message)
})

test('texts are what they are, comments and quotes aside', () => {
  const text = 'a: b#c # d\n"e f": \'it\'\'s\'\ng: "#h"\nurl: http://x:1/y\n__proto__: z\n'
  expect(Object.entries(parseYamlMappings(text, 'x.yaml'))).toEqual([
    ['a', 'b#c'],
    ['e f', "it's"],
    ['g', '#h'],
    ['url', 'http://x:1/y'],
    ['__proto__', 'z'],
  ])
})
