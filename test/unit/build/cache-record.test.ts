import { describe, expect, test } from 'vitest'
import { parseStepRecord } from '../../../src/build/cache-record.js'

const digest = `sha256:${'a'.repeat(64)}`
const record = {
  version: 1,
  key: 'b'.repeat(64),
  layer: {
    diffId: digest,
    blob: { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: 1024 },
    entries: 1,
    uncompressedSize: 1024,
  },
  description: 'RUN make',
  created: '2026-01-01T00:00:00.000Z',
  lastUsed: '2026-01-02T00:00:00.000Z',
  uses: 3,
}

describe('the record of a step', () => {
  test('is read as it was written, with a layer or without', () => {
    expect(parseStepRecord(JSON.parse(JSON.stringify(record)))).toEqual(record)
    const { layer: _, ...empty } = record
    expect(parseStepRecord(empty)).toEqual({ ...empty, layer: undefined })
  })

  test.each<readonly [string, object]>([
    ['another version', { version: 2 }],
    ['a key that is a path', { key: '../../../etc/passwd' }],
    ['a digest that is a path', { layer: { ...record.layer, diffId: 'sha256:../..' } }],
    ['a blob without size', { layer: { ...record.layer, blob: { ...record.layer.blob, size: -1 } } }],
    ['no moment', { created: 'yesterday' }],
    ['a count that is none', { uses: 1.5 }],
    ['an endless description', { description: 'x'.repeat(100_000) }],
    ['no layer', { layer: 'x' }],
  ])('is none with %s', (_, change) => {
    expect(parseStepRecord({ ...record, ...change })).toBeUndefined()
  })

  test('is none if it is something else', () => {
    for (const value of [undefined, null, 'x', [], 1]) expect(parseStepRecord(value)).toBeUndefined()
  })
})
