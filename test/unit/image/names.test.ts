import { describe, expect, test } from 'vitest'
import { withName, withoutImage, withoutName } from '../../../src/engine/images/names.js'
import { formatStoreIndex, parseStoreIndex, type IndexEntry } from '../../../src/storage/image-index.js'

const entry = (letter: string, name?: string): IndexEntry => ({
  manifest: `sha256:${letter.repeat(64)}`,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  size: 1,
  id: `sha256:${letter.repeat(63)}0`,
  digests: [],
  history: [],
  annotations: {},
  ...(name === undefined ? {} : { name }),
})
const shown = (entries: readonly IndexEntry[]): string[] =>
  entries.map((one) => `${one.manifest.slice(7, 8)} ${one.name ?? '-'}`).sort()

describe('names', () => {
  test('a name moves from one image to another, which stays without', () => {
    expect(shown(withName([entry('a', 'x:1')], entry('b'), 'x:1'))).toEqual(['a -', 'b x:1'])
  })

  test('an image with another name does not stay twice', () => {
    expect(shown(withName([entry('a', 'x:1'), entry('a', 'y:1')], entry('b'), 'x:1'))).toEqual(['a y:1', 'b x:1'])
  })

  test('the first name takes the place of none', () => {
    expect(shown(withName([entry('a')], entry('a'), 'x:1'))).toEqual(['a x:1'])
  })

  test('an image stored again without a name keeps those it has', () => {
    expect(shown(withName([entry('a', 'x:1')], entry('a'), undefined))).toEqual(['a x:1'])
  })

  test('taking the last name away leaves the image', () => {
    expect(shown(withoutName([entry('a', 'x:1')], 'x:1'))).toEqual(['a -'])
    expect(shown(withoutName([entry('a', 'x:1'), entry('a', 'y:1')], 'x:1'))).toEqual(['a y:1'])
  })

  test('removing an image takes all its names', () => {
    expect(shown(withoutImage([entry('a', 'x:1'), entry('a', 'y:1'), entry('b')], entry('a').id ?? 'sha256:'))).toEqual(
      ['b -'],
    )
  })

  test('what index.json says survives writing it', () => {
    const entries = withName([], { ...entry('a'), annotations: { other: 'kept' } }, 'x:1')
    expect(parseStoreIndex(JSON.parse(formatStoreIndex(entries)), 'index.json')).toEqual(entries)
  })

  test('what another tool wrote into index.json is read', () => {
    const value = {
      schemaVersion: 2,
      manifests: [
        {
          mediaType: 'm',
          digest: `sha256:${'c'.repeat(64)}`,
          size: 3,
          annotations: { 'org.opencontainers.image.ref.name': 'z' },
        },
      ],
    }
    expect(parseStoreIndex(value, 'index.json')).toMatchObject([{ name: 'z', digests: [] }])
  })
})
