import { describe, expect, test } from 'vitest'
import { parseGitReference, withoutPassword, type GitReference } from '../../../../src/build/context/git-reference.js'

describe('a git repository', () => {
  const https = 'https://example.com/foo.git'
  const cases: [string, GitReference][] = [
    [https, { remote: https }],
    [`${https}#deadbeef`, { remote: https, ref: 'deadbeef' }],
    [`${https}#release/1.2`, { remote: https, ref: 'release/1.2' }],
    [`${https}#baz/qux:quux/quuz`, { remote: https, ref: 'baz/qux', folder: 'quux/quuz' }],
    [`${https}#:myfolder`, { remote: https, folder: 'myfolder' }],
    [`${https}#:../../up`, { remote: https, folder: 'up' }],
    ['git://example.com/foo', { remote: 'git://example.com/foo' }],
    ['ssh://git@example.com/foo', { remote: 'ssh://git@example.com/foo' }],
    ['git@example.com:moby/buildkit', { remote: 'git@example.com:moby/buildkit' }],
    ['git@example.com:a.git?subdir=/s#v1', { remote: 'git@example.com:a.git', folder: 's', ref: 'v1' }],
    ['github.com/moby/buildkit', { remote: 'https://github.com/moby/buildkit.git' }],
    ['github.com/moby/buildkit.git#master', { remote: 'https://github.com/moby/buildkit.git', ref: 'master' }],
    ['https://u:p@example.com/foo.git', { remote: 'https://u:p@example.com/foo.git' }],
    [`${https}?ref=v1.0.0&subdir=/subdir`, { remote: https, ref: 'v1.0.0', folder: 'subdir' }],
    [`${https}?subdir=/subdir#v1.0.0`, { remote: https, ref: 'v1.0.0', folder: 'subdir' }],
    [`${https}?tag=v1.0.0`, { remote: https, ref: 'refs/tags/v1.0.0' }],
    [`${https}?branch=v1.0`, { remote: https, ref: 'refs/heads/v1.0' }],
    [`${https}?branch=refs/heads/v1.0`, { remote: https, ref: 'refs/heads/v1.0' }],
    [`${https}?checksum=DEADBEEF`, { remote: https, checksum: 'deadbeef' }],
    [`${https}?keep-git-dir&submodules=0`, { remote: https, keepGitDir: true, submodules: false }],
    [`${https}?mtime=commit`, { remote: https, commitTimes: true }],
    [`${https}?mtime=checkout`, { remote: https, commitTimes: false }],
    [`${https}?fetch-by-commit=true&commit=deadbeef`, { remote: https, checksum: 'deadbeef' }],
  ]
  test.each(cases)('%s', (text, expected) => {
    expect(parseGitReference(text)).toEqual(expected)
  })

  test.each([
    'https://example.com/',
    'https://example.com/foo',
    'https://example.com/foo.git/',
    'https://example.com/foo.git.bar',
    'http://example.com/foo.git:#branch',
    'example.com/foo.git',
    './foo.git',
    '../foo.git',
    '.git',
    'folder',
    'ext::sh -c touch% x',
    'ext::https://example.com/foo.git',
    'file:///foo.git',
    'fd::17/foo.git',
    'ftp://example.com/foo.git',
    '-oProxyCommand=x',
    'a@b',
  ])('%s is none', (text) => {
    expect(parseGitReference(text)).toBeUndefined()
  })

  const refused: [string, RegExp][] = [
    [`${https}?ref=v1#v2`, /two refs/],
    [`${https}?ref=v1&tag=v2`, /two refs/],
    [`${https}?tag=v1&branch=v1`, /two refs/],
    [`${https}?subdir=a#v:b`, /two folders/],
    [`${https}?ref=a&ref=b`, /several values/],
    [`${https}?ref=`, /has no value/],
    [`${https}?mtime=now`, /unexpected query/],
    [`${https}?invalid=1`, /unexpected query/],
    [`${https}?submodules=maybe`, /invalid submodules/],
    [`${https}?checksum=nothex`, /is no commit/],
    [`${https}#--upload-pack=touch`, /is no ref/],
    [`${https}#+refs/*`, /is no ref/],
    [`${https}#a..b`, /is no ref/],
    [`${https}#a b`, /is no ref/],
    ['https://u:secret@example.com/foo.git#a b', /^git repository https:\/\/u:xxxxx@example/],
  ]
  test.each(refused)('%s is refused', (text, message) => {
    expect(() => parseGitReference(text)).toThrow(message)
  })
})

test('messages have no passwords', () => {
  expect(withoutPassword('https://me:secret@example.com/x')).toBe('https://me:xxxxx@example.com/x')
  expect(withoutPassword('https://example.com/x:y@z')).toBe('https://example.com/x:y@z')
})
