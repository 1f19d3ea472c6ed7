import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseGetsubids, parseSubid, rangesOf, subidSource, subordinateIds, userName } from '../../../rootless/subid.js'

const directory = mkdtempSync(join(tmpdir(), 'tspod-subid-'))
afterAll(() => rmSync(directory, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

const alice = { uid: 1000, name: 'alice' }

describe('/etc/subuid', () => {
  test('ranges are found by name and by number, in the order of the file', () => {
    const entries = parseSubid('alice:100000:65536\nbob:165536:65536\n1000:300000:1000\n')
    expect(rangesOf(entries, alice)).toEqual([
      { start: 100000, count: 65536 },
      { start: 300000, count: 1000 },
    ])
    expect(rangesOf(entries, { uid: 5, name: undefined })).toEqual([])
  })

  test.each([
    '# alice:1:1',
    'alice:1',
    'alice:1:0',
    'alice:-1:5',
    'alice:0x10:5',
    'alice:4294967295:1',
    'alice:99999999999:1',
    'alice:1:1:1',
    ':1:1',
    '',
  ])('the line %j counts for nothing', (line) => {
    expect(parseSubid(line)).toEqual([])
  })

  test('the last id there can be is taken', () => {
    expect(parseSubid('alice:4294967294:1')).toEqual([{ owner: 'alice', start: 4294967294, count: 1 }])
  })
})

test.each([
  ['passwd: files\n', 'files'],
  ['passwd: files\nsubid: sss\n', 'sss'],
  ['subid:files', 'files'],
  ['#subid: sss', 'files'],
  ['', 'files'],
])('of nsswitch.conf %j the source of subordinate ids is %s', (text, source) => {
  expect(subidSource(text)).toBe(source)
})

test('what getsubids prints is read', () => {
  expect(parseGetsubids('0: alice 100000 65536\n1: alice 300000 10\nError\n')).toEqual([
    { start: 100000, count: 65536 },
    { start: 300000, count: 10 },
  ])
})

test('the files are enough where they have ranges', async () => {
  const files = {
    subuid: file('subuid', 'alice:100000:65536\n'),
    subgid: file('subgid', 'alice:200000:65536\n'),
    nsswitch: file('nsswitch', 'passwd: files\n'),
  }
  expect(await subordinateIds(alice, files)).toEqual({
    uids: [{ start: 100000, count: 65536 }],
    gids: [{ start: 200000, count: 65536 }],
    source: files.subuid,
  })
})

test('a user is named by the passwd file', async () => {
  const passwd = file('passwd', 'root:x:0:0::/root:/bin/sh\nalice:x:1000:1000:a:1001:/home:/bin/sh\n')
  expect(await userName(1000, passwd)).toBe('alice')
  expect(await userName(0, passwd)).toBe('root')
})
