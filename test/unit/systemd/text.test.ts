import { expect, test } from 'vitest'
import { containerService, runCommand } from '../../../src/systemd/generate.js'
import { formatUnit, parseUnit } from '../../../src/systemd/unit-file.js'
import { literalWord, quoteWord, splitWords } from '../../../src/systemd/words.js'

test.each([
  ['a b', ['a', 'b']],
  ['  a\t b ', ['a', 'b']],
  ['"a b" c', ['a b', 'c']],
  [`'a "b' c"d e"f`, ['a "b', 'cd ef']],
  ['a\\sb "c\\n" \\x41\\101\\u00e9', ['a b', 'c\n', 'AAé']],
  ['"" a', ['', 'a']],
  ['a\\qb', ['a\\qb']],
  ['', []],
])('%j has the words %j', (text, words) => {
  expect(splitWords(text)).toEqual(words)
})

test.each([['"a'], ["a 'b"], ['\\x00'], ['\\Uffffffff']])('%j is refused', (text) => {
  expect(() => splitWords(text)).toThrow()
})

test.each([[''], ['a b'], ['"\\'], ['a\nb\t'], ["it's"], [';'], ['\x01'], ['é 😀']])(
  '%j survives its quotes',
  (word) => {
    expect(splitWords(quoteWord(word))).toEqual([word])
  },
)

test('a literal word is no specifier and no variable', () => {
  expect(literalWord('100% $HOME')).toBe('"100%% $$HOME"')
})

test('a unit keeps the order of sections and keys, and joins lines', () => {
  const text = '# c\n[A]\nx = 1\ny=a \\\n# between\n  b\n\n[B]\nz=\n[A]\nx=2\n'
  expect(formatUnit(parseUnit(text, 'u'))).toBe('[A]\nx=1\ny=a b\nx=2\n\n[B]\nz=\n')
})

test.each([
  [
    'x=a\\\\\ny=1',
    [
      ['x', 'a\\\\'],
      ['y', '1'],
    ],
  ],
  [
    'x=a\\\\\\\n\ny=1',
    [
      ['x', 'a\\\\'],
      ['y', '1'],
    ],
  ],
  [
    'x=a\\\n# c\n; d\n  b\ny=1',
    [
      ['x', 'ab'],
      ['y', '1'],
    ],
  ],
  ['x=a\\', [['x', 'a']]],
  [
    'x = "a" \r\n y=1',
    [
      ['x', '"a"'],
      ['y', '1'],
    ],
  ],
  ['x.y z=1', [['x.y z', '1']]],
])('%j has the keys %j', (text, entries) => {
  expect(parseUnit(`\uFEFF[A]\n${text}`, 'u').get('A')).toEqual(entries)
})

test.each([
  ['[A\n', /u:1: "\[A" is neither/],
  ['[A]\n[B=x\n', /u:2: "\[B=x" is neither/],
  ['[A]\nx=\x1b[31m\n', /u:2: there is a control character, U\+001B/],
  ['[A]\nx=\x00\n', /U\+0000/],
  ['[A]\nx=\x85y\n', /U\+0085/],
  ['x=1\n', /u:1: a key stands before/],
  ['[A]\nnothing\n', /u:2: "nothing" is neither/],
  ['[A]\n=x\n', /u:2/],
])('%j is refused with its line', (text, message) => {
  expect(() => parseUnit(text, 'u')).toThrow(message)
})

const own = ['run', '--cidfile=%t/%n.ctr-id', '--cgroups=no-conmon', '--rm', '--sdnotify=conmon', '--replace', '-d']
test.each([
  ['tspod run -d --name web i', ['--name', 'web', 'i']],
  ['tspod create --name=web i sh -d', ['--name=web', 'i', 'sh', '-d']],
  ['tspod run -dit -p 80:80 i', ['-it', '-p', '80:80', 'i']],
  ['tspod run -dp 80:80 i', ['-p', '80:80', 'i']],
  ['tspod run --rm --cidfile x --restart always -eA=B i --rm', ['-eA=B', 'i', '--rm']],
  ['tspod --root /r container run --sdnotify=ignore --replace i', ['i']],
])('%s becomes a command for a service', (command, rest) => {
  expect(runCommand(command.split(' '), false)).toEqual([...own, ...rest])
})

const request = {
  unit: 'container-web',
  tspod: '/usr/bin/tspod',
  globals: [],
  id: 'abc',
  name: 'web',
  restartPolicy: 'on-failure',
  stopSeconds: 10,
  after: [],
  requires: [],
  wants: [],
  environment: [],
  template: false,
} as const

test('a service starts the container that there is', () => {
  const text = containerService(request)
  expect(text).toContain('ExecStart=/usr/bin/tspod start abc\n')
  expect(text).toContain('ExecStop=/usr/bin/tspod stop -t 10 abc\n')
  expect(text).toContain('TimeoutStopSec=70\n')
  expect(text).toContain('Type=forking\n')
})

test('a service makes a new one, and what was typed stays literal', () => {
  const createCommand = ['tspod', 'run', '--name', 'web', 'i', 'echo', '100%', '$HOME', 'a b']
  const text = containerService({
    ...request,
    createCommand,
    environment: ['A=b c'],
    after: ['x.service', 'y.service'],
  })
  expect(text).toContain('-d --name web i echo 100%% $$HOME "a b"\n')
  expect(text).toContain('Environment="A=b c"\n')
  expect(text).toContain('After=x.service y.service\n')
  expect(text).toContain('Type=notify\n')
})
