import { describe, expect, test } from 'vitest'
import { JournalExport } from '../../../src/engine/containers/journal-export.js'

function length(count: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(count)
  return bytes
}

function binary(name: string, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${name}\n`), length(BigInt(value.length)), value, Buffer.from('\n')])
}

const odd = Buffer.from([0xff, 0x0a, 0x0a, 0x3d, 0x00])
const journal = Buffer.concat([
  Buffer.from('__CURSOR=a=b\nMESSAGE=x = y\n\n'),
  binary('MESSAGE', odd),
  Buffer.from('EMPTY=\n\n'),
])

describe('the export format', () => {
  test.each([1, 2, 7, journal.length])('is read in pieces of %i bytes', (size) => {
    const parser = new JournalExport()
    const found = []
    for (let at = 0; at < journal.length; at += size) found.push(...parser.read(journal.subarray(at, at + size)))
    expect(found).toEqual([
      new Map([
        ['__CURSOR', Buffer.from('a=b')],
        ['MESSAGE', Buffer.from('x = y')],
      ]),
      new Map([
        ['MESSAGE', odd],
        ['EMPTY', Buffer.alloc(0)],
      ]),
    ])
  })

  test.each([
    ['a length beyond all measure', Buffer.concat([Buffer.from('A\n'), length(1n << 62n)])],
    ['a length that is wrong', Buffer.concat([Buffer.from('A\n'), length(1n), Buffer.from('xyz\n')])],
    ['a line without an end', Buffer.alloc((16 << 20) + 1, 0x41)],
  ])('is refused with %s', (_, bytes) => {
    expect(() => new JournalExport().read(bytes)).toThrow('export format')
  })

  test('an entry that is not whole is none', () => {
    expect(new JournalExport().read(Buffer.from('A=1\nB=2\n'))).toEqual([])
  })
})
