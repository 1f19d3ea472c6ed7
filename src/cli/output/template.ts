import { alignColumns } from './table.js'
import { evaluate } from './template/evaluate.js'
import { parseTemplate, type Node } from './template/parse.js'

/** The part of Go's text/template that `--format` is used with. Errors name what could not be understood. */
export type Template = (data: unknown) => string

export function compileTemplate(text: string): Template {
  const nodes = parseTemplate(unescape(text))
  return (data) => evaluate(nodes, data)
}

/** One line for each row, aligned and with headings after `table `. */
export function renderRows(
  format: string,
  rows: readonly object[],
  { heading, headings }: { readonly heading: boolean; readonly headings: Readonly<Record<string, string>> },
): string {
  const isTable = /^table\s/.test(format)
  const parsed = parseTemplate(unescape(isTable ? format.replace(/^table\s+/, '') : format))
  /* As in Podman: a blank between fields parts columns, too. */
  const nodes = isTable ? parsed.map(columned) : parsed
  const lines = rows.map((row) => evaluate(nodes, row))
  if (!isTable) return lines.map((line) => (line.endsWith('\n') ? line : `${line}\n`)).join('')
  if (heading) lines.unshift(headingOf(nodes, headings))
  return alignColumns(lines.map((line) => line.replace(/\n$/, '').split('\t')))
}

function columned(node: Node): Node {
  return node.kind === 'text' ? { ...node, text: node.text.replaceAll(' ', '\t') } : node
}

/** In a shell's quotes `\t` arrives as two characters; Docker and Podman both take it for a tab. */
function unescape(text: string): string {
  return text.replaceAll('\\t', '\t').replaceAll('\\n', '\n')
}

function headingOf(nodes: readonly Node[], headings: Readonly<Record<string, string>>): string {
  return nodes.map((node) => (node.kind === 'text' ? node.text : headingOfAction(node, headings))).join('')
}

/** The first field that an action names: `{{.CreatedAt}}` and `{{upper .CreatedAt}}` head `CREATED AT`. */
function headingOfAction(node: Node, headings: Readonly<Record<string, string>>): string {
  const name = /"kind":"field","names":\["(\w+)"/.exec(JSON.stringify(node))?.[1]
  if (name === undefined) return ''
  return headings[name] ?? name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toUpperCase()
}
