import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildStore, type BuildStore } from '../../helpers/build.js'

let store: BuildStore

beforeAll(async () => {
  store = await buildStore()
  await store.needs('busybox')
  const text = 'FROM localhost/busybox\nRUN echo "proxies=$http_proxy,$HTTP_PROXY,$no_proxy"\n'
  await writeFile(join(store.tspod.folder, 'Dockerfile'), text)
})

afterAll(() => store[Symbol.asyncDispose]())

const env = { HTTP_PROXY: 'http://caller:1', no_proxy: 'local' }

test.each([
  ['the caller’s, as they are named', [], ',http://caller:1,local'],
  ['of build arguments, in both cases', ['--build-arg', 'http_proxy=http://arg:2'], 'http://arg:2,http://arg:2,local'],
  ['no caller’s with --http-proxy=false', ['--http-proxy=false'], ',,'],
  [
    'arguments all the same',
    ['--http-proxy=false', '--build-arg', 'HTTP_PROXY=http://arg:2'],
    'http://arg:2,http://arg:2,',
  ],
])('RUN has proxies: %s', async (_what, args, expected) => {
  const file = join(store.tspod.folder, 'Dockerfile')
  const { status, stderr } = await store.tspod.run(
    ['build', '--progress', 'plain', '--no-cache', ...args, '-f', file, store.tspod.folder],
    { env },
  )
  expect(stderr).toMatch(new RegExp(`proxies=${expected}\\n`))
  expect(status).toBe(0)
})
