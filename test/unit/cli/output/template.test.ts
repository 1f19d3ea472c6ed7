import { describe, expect, test } from 'vitest'
import { compileTemplate, renderRows } from '../../../../src/cli/output/template.js'

const data = {
  ID: 'abc123',
  Names: ['web', 'www'],
  Running: true,
  Size: 1234567,
  None: null,
  Text: 'Hello World',
  State: { Status: 'running', Pid: 42 },
  Config: { Labels: { maintainer: 'me', 'a.b': 'dotted' }, Env: [] },
  Mounts: [
    { Source: '/a', RW: true },
    { Source: '/b', RW: false },
  ],
  History: [{ created: 'now', created_by: 'RUN x', mediaType: 'tar' }],
  Label: (name: string) => `label ${name}`,
}

describe('templates', () => {
  test.each<[string, string]>([
    ['', ''],
    ['plain', 'plain'],
    ['{{.ID}}', 'abc123'],
    ['{{ .State.Status }}', 'running'],
    ['{{.State.Pid}}', '42'],
    ['{{.Running}}', 'true'],
    ['{{.Names}}', '[web www]'],
    ['{{.None}}', '<no value>'],
    ['{{.Config.Labels}}', 'map[a.b:dotted maintainer:me]'],
    ['{{.Config.Labels.maintainer}}', 'me'],
    ['{{.Config.Labels.missing}}', '<no value>'],
    ['{{index .Config.Labels "a.b"}}', 'dotted'],
    ['{{(index .Mounts 1).Source}}', '/b'],
    ['{{.Label "x"}}', 'label x'],
    ['{{json .State}}', '{"Status":"running","Pid":42}'],
    ['{{.State | json}}', '{"Status":"running","Pid":42}'],
    ['{{json .Names}}', '["web","www"]'],
    ['{{join .Names ", "}}', 'web, www'],
    ['{{upper .Text | lower}}', 'hello world'],
    ['{{len .Mounts}}', '2'],
    ['{{len .Text}}', '11'],
    ['{{index (split .Text " ") 1}}', 'World'],
    ['{{slice .ID 0 3}}', 'abc'],
    ['{{truncate .ID 3}}', 'abc'],
    ['{{printf "%s-%d-%5d|%-4s|%05d" .ID 7 42 "ab" 9}}', 'abc123-7-   42|ab  |00009'],
    ['{{printf "%.2f %q %x %%" 1.5 "a\\"b" 255}}', '1.50 "a\\"b" ff %'],
    ['{{"\\t"}}{{`raw`}}', '\traw'],
    ['a\\tb\\n', 'a\tb\n'],
    ['{{println .ID}}', 'abc123\n'],
    ['{{if .Running}}yes{{else}}no{{end}}', 'yes'],
    ['{{if not .Running}}yes{{else}}no{{end}}', 'no'],
    ['{{if eq .State.Status "exited"}}a{{else if eq .State.Pid 42}}b{{else}}c{{end}}', 'b'],
    ['{{if and .Running (gt .State.Pid 40)}}yes{{end}}', 'yes'],
    ['{{or .None .ID}}', 'abc123'],
    ['{{eq .ID "x" "abc123"}}', 'true'],
    ['{{ne .ID "x"}} {{lt 1 2}} {{ge 1 2}}', 'true true false'],
    ['{{with .State}}{{.Pid}}{{end}}', '42'],
    ['{{with .None}}x{{else}}empty{{end}}', 'empty'],
    ['{{range .Mounts}}{{.Source}} {{end}}', '/a /b '],
    ['{{range $i, $m := .Mounts}}{{$i}}={{$m.Source}};{{end}}', '0=/a;1=/b;'],
    ['{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}', 'a.b=dotted;maintainer=me;'],
    ['{{range .Config.Env}}x{{else}}none{{end}}', 'none'],
    ['{{range .Mounts}}{{if .RW}}{{continue}}{{end}}{{.Source}}{{break}}{{end}}', '/b'],
    ['{{range .Names}}{{$.ID}}{{end}}', 'abc123abc123'],
    ['{{$x := .ID}}{{$x}}', 'abc123'],
    ['{{$x := "a"}}{{if true}}{{$x = "b"}}{{end}}{{$x}}', 'b'],
    ['a {{- .ID -}} b', 'aabc123b'],
    ['{{/* comment */}}x', 'x'],
    ['{{- /* comment */ -}} x', 'x'],
    ['{{humanSize .Size}}', '1.235MB'],
    ['{{"}}"}}', '}}'],
    ['{{(index .History 0).CreatedBy}} {{(index .History 0).Created}}', 'RUN x now'],
    ['{{(index .History 0).created_by}} {{(index .History 0).MediaType}}', 'RUN x tar'],
  ])('%s', (template, expected) => {
    expect(compileTemplate(template)(data)).toBe(expected)
  })

  test.each<[string, string]>([
    ['{{.Nosuch}}', 'there is no field .Nosuch'],
    ['{{.State.Nosuch}}', 'there is no field .Nosuch; there are .Status .Pid'],
    ['{{.ID.X}}', 'cannot look for .X in "abc123"'],
    ['{{.constructor}}', 'there is no field .constructor'],
    ['{{nosuch .ID}}', 'function "nosuch" is not defined'],
    ['{{constructor}}', 'function "constructor" is not defined'],
    ['{{.ID', '"{{" without "}}"'],
    ['{{if .ID}}x', '{{if}} without {{end}}'],
    ['x{{end}}', 'unexpected {{end}}'],
    ['{{range .ID}}x{{end}}', 'range cannot go over "abc123"'],
    ['{{index .Names 5}}', 'index 5 is out of range'],
    ['{{.ID "x"}}', '.ID takes no arguments'],
    ['{{$nosuch}}', 'undefined variable $nosuch'],
    ['{{.ID | }}', 'cannot understand'],
    ['{{(.ID}}', 'cannot understand'],
    ['{{.ID ? }}', 'unexpected "?"'],
    [`${'{{if true}}'.repeat(60)}${'{{end}}'.repeat(60)}`, 'nested too deeply'],
  ])('%s is refused', (template, message) => {
    expect(() => compileTemplate(template)(data)).toThrow(message)
  })
})

describe('rows', () => {
  const rows = [
    { ID: 'a', CreatedAt: 'now', Names: 'x' },
    { ID: 'bb', CreatedAt: 'then', Names: 'y' },
  ]
  const plain = { heading: true, headings: { ID: 'CONTAINER ID' } }

  test('without table there is a line for each and no headings', () => {
    expect(renderRows('{{.ID}}', rows, plain)).toBe('a\nbb\n')
  })

  test('table aligns and heads them', () => {
    expect(renderRows('table {{.ID}}\\t{{.CreatedAt}}', rows, plain)).toBe(
      'CONTAINER ID  CREATED AT\na             now\nbb            then\n',
    )
  })

  test('table takes blanks between fields for columns', () => {
    expect(renderRows('table {{.ID}} {{.Names}}', rows, plain)).toBe(
      renderRows('table {{.ID}}\\t{{.Names}}', rows, plain),
    )
    expect(renderRows('{{.ID}} {{.Names}}', rows, plain)).not.toContain('  ')
  })

  test('table without headings', () => {
    expect(renderRows('table {{.ID}}\\t{{.Names}}', rows, { ...plain, heading: false })).toBe(
      'a           x\nbb          y\n',
    )
  })
})
