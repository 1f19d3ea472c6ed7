import { expect, test } from 'vitest'
import { textOfRecords } from '../../../src/engine/containers/log-text.js'

const time = '2026-11-21T05:46:00.123456789+00:00'
const read = (log: string): string[] =>
  [...textOfRecords(Buffer.from(log))].map(({ stream, text }) => `${stream}:${text.toString()}`)

test('records of one stream become one text', () => {
  expect(read(`${time} stdout F one\n${time} stdout F \n${time} stdout F three\n`)).toEqual(['stdout:one\n\nthree\n'])
})

test('the other stream begins another text, in the order of the log', () => {
  const log = `${time} stderr F a\n${time} stdout F b\n${time} stdout F c\n${time} stderr F d\n`
  expect(read(log)).toEqual(['stderr:a\n', 'stdout:b\nc\n', 'stderr:d\n'])
})

test('what was written without an end of line has none', () => {
  expect(read(`${time} stdout P no\n${time} stdout P  end\n`)).toEqual(['stdout:no end'])
})

test('records of json-file, and of k8s-file with another form of time, are read too', () => {
  const log = `{"log":"a\\u00e4\\n","stream":"stderr","time":"x"}\n2026-11-21T05:46:00Z stdout F b\n${time} stdout F c\n`
  expect(read(log)).toEqual(['stderr:aä\n', 'stdout:b\nc\n'])
})

test.each(['garbage', '', `${time} stdxxx F text`, `${time} stdout X text`, `${time} stdout F`])(
  'what is no record is left out: %s',
  (line) => {
    expect(read(`${time} stdout F a\n${line}\n${time} stdout F b\n`)).toEqual(['stdout:a\nb\n'])
  },
)
