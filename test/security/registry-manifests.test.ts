import { describe, expect, test } from 'vitest'
import { completePlatform } from '../../src/image/platform.js'
import { parseReference } from '../../src/image/reference.js'
import { listTags } from '../../src/image/registry/tags.js'
import { mediaTypes } from '../../src/oci/image-spec.js'
import { endless, layer, lyingRegistry } from './lies.js'

const lies = lyingRegistry()

describe('a manifest that lies', () => {
  test('is not the one that its digest names', async () => {
    lies.registry.putImage('image', 'latest', [layer(10)])
    const wanted = `sha256:${'a'.repeat(64)}`
    const stored = lies.registry.manifests.get('image:latest')
    if (stored !== undefined) lies.registry.manifests.set(wanted, stored)
    await expect(lies.pull(`image@${wanted}`)).rejects.toMatchObject({ code: 'digest-mismatch' })
  })

  test('of a gigabyte is not read', async () => {
    lies.registry.misbehave = (_, response, url) => {
      if (!url.pathname.includes('/manifests/')) return false
      response.writeHead(200, { 'content-length': 1024 ** 3 }).flushHeaders()
      return true
    }
    await expect(lies.pull()).rejects.toMatchObject({ code: 'limit-exceeded' })
  })

  test('without an end is not read to it', async () => {
    lies.registry.misbehave = (_, response, url) => {
      if (!url.pathname.includes('/manifests/')) return false
      endless(response)
      return true
    }
    await expect(lies.pull()).rejects.toMatchObject({ code: 'limit-exceeded' })
  })

  test.each([
    ['is an image and an index', { schemaVersion: 2, manifests: [], layers: [], config: {} }],
    ['is no object', []],
    ['is nested a million times', Buffer.from('['.repeat(1_000_000))],
    ['is nested a million times, and closed', Buffer.from(`${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`)],
    ['is nested a million objects deep', Buffer.from(`${'{"a":'.repeat(600_000)}1${'}'.repeat(600_000)}`)],
    [
      'has a size below zero',
      {
        schemaVersion: 2,
        config: { mediaType: mediaTypes.ociConfig, digest: `sha256:${'a'.repeat(64)}`, size: -1 },
        layers: [],
      },
    ],
    [
      'names its config by a path',
      { schemaVersion: 2, config: { mediaType: mediaTypes.ociConfig, digest: 'sha256:../../x', size: 1 }, layers: [] },
    ],
  ])('%s', async (_, document) => {
    lies.registry.putManifest('image', 'latest', document)
    await expect(lies.pull()).rejects.toMatchObject({ code: 'image-invalid' })
    expect(await lies.kept()).toEqual([])
  })

  test('of an index that contains itself, again and again, is given up', async () => {
    const platform = { os: 'linux', architecture: completePlatform().architecture }
    let inner = lies.registry.putImage('image', 'inner', [layer(10)])
    for (let depth = 0; depth < 6; depth++) {
      const document = { schemaVersion: 2, manifests: [{ ...inner, platform }] }
      inner = lies.registry.putManifest('image', 'latest', document, mediaTypes.ociIndex)
    }
    await expect(lies.pull()).rejects.toThrow(/nested too deeply/)
  })

  test('has more layers than its configuration', async () => {
    lies.registry.putImage('image', 'latest', [layer(10)], ({ config, manifest }) => ({
      config: { ...config, rootfs: { type: 'layers', diff_ids: [] } },
      manifest,
    }))
    await expect(lies.pull()).rejects.toThrow(/1 layers, the configuration 0/)
  })

  test('has a configuration of 100 MB', async () => {
    const config = { mediaType: mediaTypes.ociConfig, digest: `sha256:${'a'.repeat(64)}`, size: 100 * 1024 ** 2 }
    lies.registry.putManifest('image', 'latest', { schemaVersion: 2, config, layers: [] })
    await expect(lies.pull()).rejects.toMatchObject({ code: 'limit-exceeded' })
  })
})

describe('what a registry says of itself', () => {
  test('reaches the terminal without control characters', async () => {
    lies.registry.misbehave = (_, response) => {
      response.writeHead(404).end(JSON.stringify({ errors: [{ message: 'gone\u001b[2J\u202e' }] }))
      return true
    }
    await expect(lies.pull()).rejects.toThrow(/gone\?\[2J\?/)
  })

  test('is not read without an end', async () => {
    lies.registry.misbehave = (_, response) => {
      response.writeHead(404)
      endless(response)
      return true
    }
    await expect(lies.pull()).rejects.toMatchObject({ code: 'image-pull-failed' })
  })

  test('is not called a lack of TLS where it is no HTTP', async () => {
    lies.registry.misbehave = (_, response) => {
      response.socket?.end('\0garbage\n\n')
      return true
    }
    await expect(lies.pull()).rejects.not.toThrow(/TLS/)
  })

  test('of its tags goes on for ever, a new one on each page', async () => {
    let pages = 0
    lies.registry.misbehave = (_, response, url) => {
      if (!url.pathname.endsWith('/tags/list')) return false
      response.setHeader('link', `</v2/image/tags/list?last=${String(++pages)}>; rel="next"`)
      response.end(JSON.stringify({ tags: [`t${String(pages)}`] }))
      return true
    }
    const listed = listTags(parseReference(`${lies.registry.host}/image`), lies.options())
    await expect(listed).rejects.toThrow('more than 1000 pages')
    expect(pages).toBe(1000)
  })
})

describe('redirects', () => {
  test.each([
    ['in a circle', '/v2/image/manifests/latest'],
    ['to a file', 'file:///etc/passwd'],
    ['to nothing that is a URL', 'http://['],
  ])('%s end in an error', async (_, location) => {
    lies.imageWithLayer(10)
    lies.registry.misbehave = (_request, response) => {
      response.writeHead(302, { location }).end()
      return true
    }
    await expect(lies.pull()).rejects.toMatchObject({ code: 'registry-error' })
    expect(lies.registry.requests.length).toBeLessThan(10)
  })
})
