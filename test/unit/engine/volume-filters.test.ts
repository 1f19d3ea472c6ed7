import { describe, expect, test } from 'vitest'

import { volumeTests } from '../../../src/engine/volumes/filters.js'
import type { VolumeRecord } from '../../../src/engine/volumes.js'

const volume = (name: string, more: Partial<VolumeRecord> = {}): VolumeRecord => ({
  name,
  driver: 'local',
  created: '2026-01-02T00:00:00Z',
  labels: {},
  options: {},
  anonymous: false,
  ...more,
})

const volumes = [
  volume('plain'),
  volume('labelled', { labels: { a: 'b', c: '' } }),
  volume('memory', { options: { type: 'tmpfs' }, created: '2026-01-03T00:00:00Z' }),
  volume('nameless', { anonymous: true, created: '2026-01-01T00:00:00Z' }),
]

const facts = {
  now: new Date('2026-01-03T12:00:00Z'),
  isUsed: (name: string) => name === 'plain',
  created: (name: string) => volumes.find((one) => one.name === name)?.created ?? '',
}

const named = (...filters: string[]) => volumes.filter(volumeTests(filters, facts)).map(({ name }) => name)

describe('filters of volumes', () => {
  test.each([
    [[], ['plain', 'labelled', 'memory', 'nameless']],
    [['name=^p'], ['plain']],
    [
      ['name=plain', 'name=memory'],
      ['plain', 'memory'],
    ],
    [['label=a'], ['labelled']],
    [['label=a=b', 'label=c'], ['labelled']],
    [['label=a=b', 'label=d'], []],
    [['label!=a'], ['plain', 'memory', 'nameless']],
    [['label=toString'], []],
    [['opt=type=tmpfs'], ['memory']],
    [['dangling=false'], ['plain']],
    [['anonymous=true'], ['nameless']],
    [['since=plain'], ['memory']],
    [['until=2026-01-02T00:00:00Z'], ['nameless']],
    [['until=24h'], ['plain', 'labelled', 'nameless']],
    [['driver=local', 'scope=local', 'dangling=0', 'name=n'], ['plain']],
  ])('%j', (filters, expected) => {
    expect(named(...filters)).toEqual(expected)
  })

  test.each(['colour=red', 'name', 'name!=x', 'dangling=maybe', 'until=soon', 'name=('])('%s is refused', (filter) => {
    expect(() => named(filter)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
  })
})
