import { describe, expect, test } from 'vitest'

import { placeFor } from '../../../src/engine/containers/copy.js'
import { findAccount } from '../../../src/engine/containers/copy-owner.js'

const file = { isFolder: false, contentOnly: false, name: 'f', description: 'f' }
const folder = { isFolder: true, contentOnly: false, name: 'd', description: 'd' }
const content = { ...folder, contentOnly: true }
const target = { hasParent: true, mustBeFolder: false, name: 't', description: 't' }
const there = { ...target, kind: 'folder' } as const
const aFile = { ...target, kind: 'other' } as const
const missing = { ...target, kind: 'missing' } as const

describe("where a copy goes, by Docker's rules", () => {
  test.each([
    [file, there, 'itself', 'f'],
    [file, aFile, 'parent', 't'],
    [file, missing, 'parent', 't'],
    [folder, there, 'itself', 'd'],
    [folder, missing, 'parent', 't'],
    [folder, { ...missing, mustBeFolder: true }, 'parent', 't'],
    [content, there, 'itself', '.'],
    [content, missing, 'parent', 't'],
  ] as const)('%j to %j: %s, as %s', (source, to, into, name) => {
    expect(placeFor(source, to)).toEqual({ into, name })
  })

  test.each([
    [folder, aFile],
    [content, aFile],
    [file, { ...missing, mustBeFolder: true }],
    [file, { ...aFile, mustBeFolder: true }],
    [file, { ...missing, hasParent: false }],
    [folder, { ...missing, hasParent: false }],
    [file, { ...missing, name: '' }],
  ] as const)('%j to %j is refused', (source, to) => {
    expect(() => placeFor(source, to)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
  })
})

describe('accounts of a container', () => {
  const passwd = 'broken\nroot:x:0:0:root:/:/bin/sh\n7:x:5:5::/:\nuser:x:1000:1001::/:\nhuge:x:99999999999:0::/:\n'

  test.each([
    ['user', { id: 1000, group: 1001 }],
    [1000, { id: 1000, group: 1001 }],
    [7, undefined],
    ['huge', undefined],
    ['broken', undefined],
  ])('%s', (wanted, expected) => {
    expect(findAccount(passwd, wanted)).toEqual(expected)
  })
})
