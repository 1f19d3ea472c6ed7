import { displayWidth, isPlain } from './width.js'

/** A column of a table: its heading, and a row's cell. */
export interface Column<Row> {
  readonly heading: string
  readonly cell: (row: Row) => string
}

/** Podman's columns are at least this wide, two spaces included. */
const minimumWidth = 12
const gap = 2

export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { heading = true } = {},
): string {
  const lines = rows.map((row) => columns.map((column) => column.cell(row)))
  if (heading) lines.unshift(columns.map((column) => column.heading))
  return alignColumns(lines)
}

/** Cells padded to columns; the last of a line is left as it is. */
export function alignColumns(lines: readonly (readonly string[])[]): string {
  const clean = lines.map((cells) => cells.map(printable))
  const widths: number[] = []
  for (const cells of clean) {
    for (let index = 0; index < cells.length; index++) {
      widths[index] = Math.max(widths[index] ?? minimumWidth, displayWidth(cells[index] ?? '') + gap)
    }
  }
  let text = ''
  for (const cells of clean) {
    const last = cells.length - 1
    for (let index = 0; index < last; index++) text += pad(cells[index] ?? '', widths[index])
    text += `${cells[last] ?? ''}\n`
  }
  return text
}

function pad(cell: string, width = 0): string {
  return cell + ' '.repeat(Math.max(0, width - displayWidth(cell)))
}

/** Names and labels come from images and users: nothing in a table may move the cursor. */
function printable(cell: string): string {
  return isPlain(cell) ? cell : cell.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '?')
}
