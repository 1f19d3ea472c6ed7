import { describe, expect, test } from 'vitest'
import { parseImageConfig } from '../../../src/image/config.js'
import { choosePlatform, maximumManifestSize, parseManifest } from '../../../src/image/manifest.js'
import { completePlatform, parsePlatform } from '../../../src/image/platform.js'
import { mediaTypes, type ImageIndex } from '../../../src/oci/image-spec.js'

const digest = `sha256:${'a'.repeat(64)}` as const
const descriptor = { mediaType: mediaTypes.ociConfig, digest, size: 2 }
const layer = { mediaType: mediaTypes.ociLayerGzip, digest, size: 3 }
const image = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: descriptor, layers: [layer] }
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

describe('parseManifest', () => {
  test('reads an image and an index', () => {
    expect(parseManifest(bytes(image)).kind).toBe('image')
    expect(parseManifest(bytes({ schemaVersion: 2, manifests: [descriptor] })).kind).toBe('index')
  })

  test.each([
    ['both an image and an index', { ...image, manifests: [] }],
    ['an index that says it is an image', { schemaVersion: 2, mediaType: mediaTypes.ociManifest, manifests: [] }],
    ['an image that says it is an index', { ...image, mediaType: mediaTypes.ociIndex }],
    ['schema 1', { ...image, schemaVersion: 1 }],
    ['a list', []],
    ['no config', { ...image, config: undefined }],
    ['layers that are no list', { ...image, layers: {} }],
    ['a digest with a path in it', { ...image, config: { ...descriptor, digest: 'sha256:../../../../etc/passwd' } }],
    ['a digest of an unknown kind', { ...image, config: { ...descriptor, digest: `md5:${'a'.repeat(32)}` } }],
    ['a negative size', { ...image, layers: [{ ...layer, size: -1 }] }],
    ['a size that is no number', { ...image, layers: [{ ...layer, size: '3' }] }],
    ['a media type with a line end', { ...image, layers: [{ ...layer, mediaType: 'a\r\nb' }] }],
    ['too many layers', { ...image, layers: Array.from({ length: 2000 }, () => layer) }],
  ])('refuses %s', (_, value) => {
    expect(() => parseManifest(bytes(value))).toThrow(expect.objectContaining({ code: 'image-invalid' }))
  })

  test('refuses another type than was announced', () => {
    expect(() => parseManifest(bytes(image), mediaTypes.dockerManifest)).toThrow(/announced/)
  })

  test('refuses more than 4 MiB before it parses', () => {
    expect(() => parseManifest(Buffer.alloc(maximumManifestSize + 1))).toThrow(
      expect.objectContaining({ code: 'limit-exceeded' }),
    )
  })

  test('refuses bytes that are not UTF-8', () => {
    expect(() => parseManifest(Buffer.from([0x7b, 0xff, 0x7d]))).toThrow(/not JSON/)
  })
})

describe('choosePlatform', () => {
  const index = (...platforms: readonly string[]): ImageIndex => ({
    schemaVersion: 2,
    manifests: platforms.map((text, number) => {
      const { os = '', architecture = '', variant } = parsePlatform(text)
      const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) }
      return { ...descriptor, size: number, platform }
    }),
  })
  const chosen = (wanted: string, ...offered: readonly string[]): number =>
    choosePlatform(index(...offered), completePlatform(parsePlatform(wanted))).size

  test.each([
    ['linux/amd64', ['linux/arm64', 'linux/amd64'], 1],
    ['linux/arm/v7', ['linux/arm/v5', 'linux/arm/v7', 'linux/arm/v6'], 1],
    ['linux/arm/v7', ['linux/arm/v5', 'linux/arm/v6'], 1],
    ['linux/arm64', ['linux/arm/v7', 'linux/arm64/v8'], 1],
    ['linux/x86_64', ['linux/amd64'], 0],
    ['linux/aarch64', ['linux/arm64'], 0],
  ])('takes for %s of %j number %i', (wanted, offered, number) => {
    expect(chosen(wanted, ...offered)).toBe(number)
  })

  test('says what there is where nothing fits', () => {
    expect(() => chosen('linux/arm/v6', 'linux/arm/v7', 'windows/amd64')).toThrow(/linux\/arm\/v7, windows\/amd64/)
  })
})

describe('parseImageConfig', () => {
  const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digest] } }

  test('reads what a container is started with', () => {
    const run = { Env: ['A=b'], Cmd: null, Volumes: { '/v': {} }, Labels: { a: 'b' }, Unknown: 1 }
    expect(parseImageConfig(bytes({ ...config, config: run })).config).toEqual({
      Env: ['A=b'],
      Volumes: { '/v': {} },
      Labels: { a: 'b' },
    })
  })

  test.each([
    ['no rootfs', { ...config, rootfs: undefined }],
    ['DiffIDs that are paths', { ...config, rootfs: { diff_ids: ['../..'] } }],
    ['an Env that is no list', { ...config, config: { Env: 'A=b' } }],
    ['a User that is a number', { ...config, config: { User: 0 } }],
    ['labels that are no texts', { ...config, config: { Labels: { a: 1 } } }],
  ])('refuses %s', (_, value) => {
    expect(() => parseImageConfig(bytes(value))).toThrow(expect.objectContaining({ code: 'image-invalid' }))
  })
})
