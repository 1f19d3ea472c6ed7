import { formatJson } from './json.js'
import { formatTable, type Column } from './table.js'

/** What a command that lists things can be asked for. */
export interface ListLayout<Row> {
  readonly columns: readonly Column<Row>[]
  /** `--format`: `json`, `table …`, or a template. */
  readonly format?: string | undefined
  /** `--noheading` */
  readonly heading?: boolean
  /** `--quiet`: only this of each row. */
  readonly only?: ((row: Row) => string) | undefined
  /** What templates see of a row (`{{.ID}}`). */
  readonly fields: (row: Row) => object
  /** What JSON shows of a row; without: `fields`. */
  readonly json?: (row: Row) => unknown
  /** Headings of `table {{.Field}}` that are not just the field's name. */
  readonly headings?: Readonly<Record<string, string>>
}

/** The text of a list in the form asked for. */
export async function formatList<Row>(rows: readonly Row[], layout: ListLayout<Row>): Promise<string> {
  const { format, only, heading = true } = layout
  if (only !== undefined && (format === undefined || format === 'table'))
    return rows.map((row) => `${only(row)}\n`).join('')
  if (format === undefined || format === '' || format === 'table') return formatTable(layout.columns, rows, { heading })
  if (format === 'json') return formatJson(rows.map((row) => (layout.json ?? layout.fields)(row)))
  const { renderRows } = await import('./template.js')
  return renderRows(format, rows.map(layout.fields), { heading, headings: layout.headings ?? {} })
}
