import { invalid } from './value.js'

/** `KEY=VALUE,KEY,"KEY=VALUE,WITH,COMMAS"`: the fields in their order; of a key alone the value is undefined. */
export function csvFields(text: string): readonly (readonly [string, string | undefined])[] {
  return csv(text).map(splitField)
}

/** One line of CSV: a field with a comma stands in quotes. */
export function csv(text: string): string[] {
  const fields = [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,"]*))(?=,|$)/g)]
  const length = fields.reduce((sum, [whole]) => sum + whole.length, 0)
  if (length !== text.length) throw invalid(`cannot understand "${text}"`)
  return fields.map(([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '').filter((field) => field !== '')
}

function splitField(field: string): [string, string | undefined] {
  const equals = field.indexOf('=')
  return equals < 0 ? [field, undefined] : [field.slice(0, equals), field.slice(equals + 1)]
}
