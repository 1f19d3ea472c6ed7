import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDownload } from '../../../../src/build/context/download.js'
import type { Digest } from '../../../../src/oci/image-spec.js'
import { testTools, type TestTools } from './tools.js'

let tools: TestTools
beforeEach(() => {
  tools = testTools()
})
afterEach(() => tools[Symbol.dispose]())

const url = 'http://example.com/folder/file.txt'
const sum = (text: string, algorithm = 'sha256'): Digest =>
  `${algorithm}:${createHash(algorithm).update(text).digest('hex')}`

async function content(address = url, checksum?: Digest): Promise<string> {
  const download = await openDownload(address, checksum === undefined ? {} : { checksum }, tools)
  try {
    return readFileSync(join(await download.folder(), download.name), 'utf8')
  } finally {
    await download.close()
  }
}

test('is a file with the server’s time that only its owner may read', async () => {
  tools.serve = () => ({ body: 'hello', headers: { 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' } })
  const download = await openDownload(url, {}, tools)
  const path = join(await download.folder(), 'file.txt')
  expect(download).toMatchObject({ name: 'file.txt', digest: sum('hello') })
  expect(readFileSync(path, 'utf8')).toBe('hello')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(statSync(path).mtimeMs).toBe(Date.UTC(2026, 0, 1))
  expect(tools.requests).toHaveLength(1)
  await download.close()
  expect(tools.left()).toEqual([])
})

test('has the time 0 where the server gives none', async () => {
  tools.serve = () => ({ body: 'x', headers: { 'last-modified': 'some day' } })
  const download = await openDownload(url, {}, tools)
  expect(statSync(join(await download.folder(), 'file.txt')).mtimeMs).toBe(0)
  await download.close()
})

describe('its name', () => {
  test.each([
    ['http://e.com/a/b.tar.gz?x=1', 'b.tar.gz'],
    ['http://e.com/', '__unnamed__'],
    ['http://e.com', '__unnamed__'],
    ['http://e.com/a%20b', 'a b'],
    ['http://e.com/a%2Fb', 'b'],
    ['http://e.com/..%2f..', '__unnamed__'],
    ['http://e.com/%00', '__unnamed__'],
    ['http://e.com/a/', 'a'],
    ['http://e.com/%zz', '%zz'],
  ])('of %s is %s', async (address, name) => {
    tools.serve = () => ({ body: 'x' })
    const download = await openDownload(address, {}, tools)
    expect(download.name).toBe(name)
    await download.close()
  })
})

describe('a second time', () => {
  test('nothing is downloaded if the server says that it is the same', async () => {
    tools.serve = () => ({ body: 'hello', headers: { etag: '"1"' } })
    await content()
    tools.serve = (_, headers) => (headers['if-none-match'] === '"1"' ? { status: 304 } : { status: 500 })
    const download = await openDownload(url, {}, tools)
    expect(download.digest).toBe(sum('hello'))
    expect(tools.left()).toEqual([])
    await download.close()
  })

  test('what is needed then is downloaded and must be what it was', async () => {
    tools.serve = () => ({ body: 'hello', headers: { etag: '"1"' } })
    await content()
    tools.serve = (_, headers) => ('if-none-match' in headers ? { status: 304 } : { body: 'changed' })
    await expect(content()).rejects.toMatchObject({ code: 'digest-mismatch' })
  })

  test('another content is another digest', async () => {
    tools.serve = () => ({ body: 'one', headers: { etag: '"1"' } })
    expect(await content()).toBe('one')
    tools.serve = () => ({ body: 'two', headers: { etag: '"2"' } })
    expect(await content()).toBe('two')
  })

  test('a server without validators is asked again', async () => {
    tools.serve = () => ({ body: 'one' })
    await content()
    await content()
    expect(tools.requests.map(({ headers }) => headers)).toEqual([{}, {}])
  })

  test.each(['{', '[]', '{"url":1}', `{"url":"${url}","digest":"sha256:../../x","etag":"1"}`])(
    'a record like %s is none',
    async (text) => {
      tools.serve = () => ({ body: 'one', headers: { etag: '"1"' } })
      await content()
      const [name = ''] = readdirSync(join(tools.cache, 'downloads'))
      writeFileSync(join(tools.cache, 'downloads', name), text)
      expect(await content()).toBe('one')
    },
  )
})

describe('with a checksum', () => {
  test('nothing is asked before it is needed', async () => {
    const download = await openDownload(url, { checksum: sum('hello') }, tools)
    expect(download.digest).toBe(sum('hello'))
    expect(tools.requests).toEqual([])
    await download.close()
  })

  test.each(['sha256', 'sha512'])('it must fit (%s)', async (algorithm) => {
    tools.serve = () => ({ body: 'hello' })
    expect(await content(url, sum('hello', algorithm))).toBe('hello')
    await expect(content(url, sum('other', algorithm))).rejects.toMatchObject({ code: 'digest-mismatch' })
    expect(tools.left()).toEqual([])
  })

  test('an algorithm that is unknown is an error', async () => {
    tools.serve = () => ({ body: 'hello' })
    await expect(content(url, 'md5:00')).rejects.toMatchObject({ code: 'invalid-argument' })
  })
})

test('an error of the server is one line without passwords', async () => {
  tools.serve = () => ({ status: 404 })
  await expect(content('http://me:secret@example.com/x')).rejects.toThrow(
    /^http:\/\/example.com\/x: the server answered 404$/,
  )
  expect(tools.requests[0]).toMatchObject({
    url: 'http://example.com/x',
    headers: { authorization: `Basic ${Buffer.from('me:secret').toString('base64')}` },
  })
})
