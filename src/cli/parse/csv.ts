import { parseCsvLine } from '../../base/csv.js'
import { invalid } from './value.js'

/** `KEY=VALUE,KEY,"KEY=VALUE,WITH,COMMAS"`: the fields in their order; of a key alone the value is undefined. */
export function csvFields(text: string): readonly (readonly [string, string | undefined])[] {
  const fields = parseCsvLine(text)
  if (fields === undefined) throw invalid(`cannot understand "${text}"`)
  return fields.filter((field) => field !== '').map(splitField)
}

function splitField(field: string): [string, string | undefined] {
  const equals = field.indexOf('=')
  return equals < 0 ? [field, undefined] : [field.slice(0, equals), field.slice(equals + 1)]
}
