/** A value as YAML that people read: objects and arrays of plain values, in the order of their keys. */
export function formatYaml(value: unknown): string {
  return linesOf(value, '')
    .map((line) => `${line}\n`)
    .join('')
}

function linesOf(value: unknown, indent: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => itemLines(item, indent))
  if (!isObject(value)) return [`${indent}${scalar(value, indent)}`]
  return Object.entries(value).flatMap(([key, member]) => memberLines(key, member, indent))
}

function memberLines(key: string, value: unknown, indent: string): string[] {
  if (value === undefined) return []
  const name = `${indent}${plainOrQuoted(key)}:`
  if (!isContainer(value)) return [`${name} ${scalar(value, indent)}`]
  return [name, ...linesOf(value, Array.isArray(value) ? indent : `${indent}  `)]
}

/** The first line of an element follows its dash. */
function itemLines(value: unknown, indent: string): string[] {
  const [first = '', ...rest] = linesOf(value, `${indent}  `)
  return [`${indent}- ${first.slice(indent.length + 2)}`, ...rest]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** With something in it: an empty one is written on the line. */
function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0
}

function scalar(value: unknown, indent: string): string {
  if (Array.isArray(value)) return '[]'
  if (isObject(value)) return '{}'
  if (typeof value !== 'string') return value === null || value === undefined ? 'null' : JSON.stringify(value)
  if (/^[\x20-\x7e\u00a0-\ufffd]+(\n[\x20-\x7e\u00a0-\ufffd]+)+$/.test(value))
    return ['|-', ...value.split('\n').map((line) => `${indent}  ${line}`)].join('\n')
  return plainOrQuoted(value)
}

/** What YAML would take for something else, or for the beginning of something, is quoted. */
function plainOrQuoted(text: string): string {
  const special =
    /^(?:|[-?:,[\]{}#&*!|>'"%@`~ ].*|.*(?:: |:$| #| $).*|true|false|yes|no|on|off|null|[-+]?(?:\.\d+|\d[\d_]*(?:\.\d*)?)(?:e[-+]?\d+)?|0[xo].*)$/i
  return special.test(text) || /[^\x20-\x7e\u00a0-\ufffd]/.test(text) ? JSON.stringify(text) : text
}
