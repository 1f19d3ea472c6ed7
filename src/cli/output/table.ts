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
    for (const [index, cell] of cells.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, minimumWidth, displayWidth(cell) + gap)
    }
  }
  return clean
    .map((cells) => `${cells.map((cell, index) => pad(cell, widths[index], index === cells.length - 1)).join('')}\n`)
    .join('')
}

function pad(cell: string, width = 0, last: boolean): string {
  return last ? cell : cell + ' '.repeat(Math.max(0, width - displayWidth(cell)))
}

/** Names and labels come from images and users: nothing in a table may move the cursor. */
function printable(cell: string): string {
  return cell.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '?')
}

/** Columns of a terminal: East Asian wide characters and emoji take two. */
function displayWidth(text: string): number {
  let width = 0
  for (const character of text) width += isWide(character.codePointAt(0) ?? 0) ? 2 : 1
  return width
}

function isWide(point: number): boolean {
  return (
    point >= 0x1100 &&
    (point <= 0x115f ||
      (point >= 0x2e80 && point <= 0xa4cf) ||
      (point >= 0xac00 && point <= 0xd7a3) ||
      (point >= 0xf900 && point <= 0xfaff) ||
      (point >= 0xfe30 && point <= 0xfe6f) ||
      (point >= 0xff00 && point <= 0xff60) ||
      (point >= 0xffe0 && point <= 0xffe6) ||
      (point >= 0x1f300 && point <= 0x1faff) ||
      (point >= 0x20000 && point <= 0x3fffd))
  )
}
