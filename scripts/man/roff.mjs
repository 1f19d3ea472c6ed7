/** The Markdown that our pages use (headings, paragraphs, lists, code, tables, links) as roff for man(7). */
export function toRoff(markdown, page, version) {
  const [title, ...rest] = blocksOf(markdown)
  const summary = rest.shift()
  const out = [
    `.TH ${quote(page.toUpperCase())} 1 "" ${quote(`tspod ${version}`)} "User Commands"`,
    '.SH NAME',
    `${escape(title.text)} \\- ${inline(summary.text.replace(/\.$/, ''))}`,
  ]
  let state = 'plain'
  for (const block of rest) {
    out.push(...(state === 'plain' ? render(block) : renderInOption(block, state)))
    state = nextState(block, state)
  }
  return `${out.join('\n')}\n`
}

/** A block is a heading, a code block, a list item, a table or a paragraph. */
function blocksOf(markdown) {
  const blocks = []
  let code
  for (const line of markdown.split('\n')) {
    const last = blocks.at(-1)
    if (code !== undefined) {
      if (line.startsWith('```')) code = undefined
      else code.lines.push(line)
    } else if (line.startsWith('```')) blocks.push((code = { kind: 'code', lines: [] }))
    else if (/^#+ /.test(line)) blocks.push({ kind: `h${line.indexOf(' ')}`, text: line.replace(/^#+ /, '') })
    else if (/^ {4}/.test(line) && (last?.kind === 'indented' || last?.kind === 'blank' || last?.closed)) {
      if (last?.kind === 'indented' && !last.closed) last.lines.push(line.slice(4))
      else blocks.push({ kind: 'indented', lines: [line.slice(4)] })
    } else if (line.trim() === '') {
      if (last !== undefined) last.closed = true
    } else if (/^[-*] /.test(line)) blocks.push({ kind: 'item', text: line.slice(2) })
    else if (line.startsWith('|')) {
      if (last?.kind === 'table' && !last.closed) last.lines.push(line)
      else blocks.push({ kind: 'table', lines: [line] })
    } else if ((last?.kind === 'text' || last?.kind === 'item') && !last.closed) last.text += ` ${line.trim()}`
    else blocks.push({ kind: 'text', text: line.trim() })
  }
  return blocks
}

/** After an option's heading the first paragraph follows at once, further ones are indented like it. */
function nextState(block, state) {
  if (block.kind === 'h3' && block.text.startsWith('-')) return 'heading'
  if (/^h\d$/.test(block.kind)) return 'plain'
  return state === 'plain' ? 'plain' : 'option'
}

function renderInOption(block, state) {
  if (block.kind === 'text') return state === 'heading' ? [inline(block.text)] : ['.IP', inline(block.text)]
  if (block.kind === 'item') return ['.RS', ...render(block), '.RE']
  if (block.kind === 'code' || block.kind === 'indented') return ['.IP', '.nf', ...block.lines.map(escapeLine), '.fi']
  if (block.kind === 'table') return ['.RS', ...render(block), '.RE']
  return render(block)
}

function render(block) {
  switch (block.kind) {
    case 'h2':
      return [`.SH ${quote(block.text.toUpperCase())}`]
    case 'h3':
      return block.text.startsWith('-') ? ['.TP', optionHeading(block.text)] : [`.SS ${quote(block.text)}`]
    case 'code':
    case 'indented':
      return ['.PP', '.RS 4', '.nf', ...block.lines.map(escapeLine), '.fi', '.RE']
    case 'item':
      return ['.IP \\(bu 2', inline(block.text)]
    case 'table':
      return table(block.lines)
    default:
      return ['.PP', inline(block.text)]
  }
}

/** `--name, -n VALUE`: flags bold, the value in italics. The paragraph after it is the option's, so no .PP between. */
function optionHeading(text) {
  return text
    .replace(/`/g, '')
    .split(/(,\s*|\s+)/)
    .map((word) =>
      word.startsWith('-')
        ? `\\fB${escape(word)}\\fR`
        : /^\S/.test(word) && !word.startsWith(',')
          ? `\\fI${escape(word)}\\fR`
          : word,
    )
    .join('')
}

function table(lines) {
  const rows = lines
    .filter((line) => !/^\|[\s:|-]+\|$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
  return rows.slice(1).flatMap(([first = '', ...others]) => ['.TP', inline(first), inline(others.join('  '))])
}

function quote(text) {
  return `"${escape(text).replaceAll('"', '\\(dq')}"`
}

/** `**bold**`, `*italic*`, `` `code` ``, `[text](link)`. */
function inline(text) {
  const pieces = text.split(/(`[^`]+`|\*\*[^*]+\*\*|\*[^*\s][^*]*\*|\[[^\]]+\]\([^)]+\))/)
  const roff = pieces.map((piece) => {
    if (piece.startsWith('`')) return `\\fB${escape(piece.slice(1, -1))}\\fR`
    if (piece.startsWith('**')) return `\\fB${escape(piece.slice(2, -2))}\\fR`
    if (/^\*[^*]/.test(piece)) return `\\fI${escape(piece.slice(1, -1))}\\fR`
    const link = /^\[([^\]]+)\]\(([^)]+)\)$/.exec(piece)
    return link === null ? escape(piece) : `${escape(link[1])} (${escape(link[2])})`
  })
  return roff.join('').replace(/^([.'])/, '\\&$1')
}

function escape(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replaceAll('“', '\\(lq')
    .replaceAll('”', '\\(rq')
    .replaceAll('’', "'")
}

function escapeLine(line) {
  return escape(line).replace(/^([.'])/, '\\&$1')
}
