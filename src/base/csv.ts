/** The fields of one line of CSV, as Go reads it: a field with a comma stands in quotes. Undefined if it is none. */
export function parseCsvLine(text: string): string[] | undefined {
  const fields = [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,"]*))(?=,|$)/g)]
  const length = fields.reduce((sum, [whole]) => sum + whole.length, 0)
  if (length !== text.length) return undefined
  return fields.map(([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '')
}
