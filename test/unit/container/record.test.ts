import { expect, test } from 'vitest'
import { type ContainerRecord, parseListedRecord, parseRecord, recordText } from '../../../src/container/record.js'

const record = {
  version: 1,
  id: 'a'.repeat(64),
  name: 'web',
  created: '2026-01-02T03:04:05.678Z',
  spec: {
    image: { id: 'b'.repeat(64), name: 'localhost/a:1', digest: '', layers: [], architecture: 'amd64' },
    hostname: 'two\nlines, with a comma,\n',
    command: ['sh', '-c', 'echo "}},\n"'],
    labels: { text: 'a,\nb' },
    env: ['A=1,\n2'],
    remove: true,
  },
  anonymousVolumes: [],
  storageDriver: 'overlay',
  ephemeral: false,
} as unknown as ContainerRecord

test('a record is read back as it was written', () => {
  expect(parseRecord(JSON.parse(recordText(record)), 'x')).toEqual(record)
})

test('the first line of a record has what lists show, and no more of the spec', () => {
  const [line = ''] = recordText(record).split('\n')
  const { image, command, labels, remove } = record.spec
  const listed = { ...record, spec: { image, command, labels, remove } }
  expect(parseListedRecord(line, 'x')).toEqual(listed)
  expect(parseListedRecord(recordText(record), 'x')).toEqual(listed)
})

test.each([
  ['no JSON', '{"version":1,'],
  ['another version', '{"version":2,"id":"","name":"","spec":{}}'],
  ['no image', `{"version":1,"id":"${'a'.repeat(64)}","name":"x","spec":{"command":[],\n"env":[]}}`],
])('%s is told to be corrupt', (_, text) => {
  expect(() => parseListedRecord(text, '/store/config.json')).toThrow(/\/store\/config\.json/)
})
