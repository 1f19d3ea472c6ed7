import { invalid } from '../parse/value.js'

export type KeyValue = readonly [key: string, value: string]

/** `KEY=VALUE`; `KEY` alone has no value. */
export function keyValue(text: string): KeyValue {
  const equals = text.indexOf('=')
  const pair: KeyValue = equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)]
  if (pair[0] === '' || pair[0] === '__proto__') throw invalid(`"${text}" is not KEY=VALUE`)
  return pair
}
