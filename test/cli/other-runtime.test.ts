import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { busyboxStore, image } from '../helpers/busybox-store.js'
import { explain, type TspodStore } from '../helpers/tspod.js'

/** What crun is not asked to do: it happens around it, as with our own runtime. */
let store: TspodStore
let missing: boolean
const crun = (...args: string[]): string[] => ['--runtime', 'crun', ...args, '--network', 'none']

beforeAll(async () => {
  store = await busyboxStore()
  missing = (await store.run([...crun('run', '--rm'), image, 'true'])).status !== 0
  const context = join(store.folder, 'context')
  await mkdir(context)
  await writeFile(
    join(context, 'Dockerfile'),
    `FROM ${image}\nRUN mkdir /data && echo 1 >/data/one && chown 5:6 /data\n`,
  )
  await store.ok(['build', '-q', '-t', 'localhost/with-data', context])
})
afterAll(() => store[Symbol.asyncDispose]())
beforeEach((context) => {
  if (missing) context.skip('needs crun')
})

test('a new volume gets what the image has there, or is the user’s where it has nothing', async () => {
  const look = 'cat /data/one; stat -c %u:%g /data /new'
  const flags = ['--rm', '-u', '7', '-v', 'filled:/data', '-v', 'fresh:/new']
  const words = ['localhost/with-data', 'sh', '-c', look]
  expect(await store.ok([...crun('run'), ...flags, ...words])).toBe('1\n5:6\n7:0')
})

test('a user who has no name gets an entry and a home', async () => {
  const entry = 'me:*:$UID:$GID::/home:/bin/sh'
  const flags = ['--rm', '-u', '777', '--passwd-entry', entry]
  expect(await store.ok([...crun('run'), ...flags, image, 'sh', '-c', 'echo $HOME; whoami'])).toBe('/home\nme')
})

test('its own failures end with 125, in its own words', async () => {
  const result = await store.run([...crun('run'), '--rm', '--device', '/no/such/device', image, 'true'])
  expect(result.status, explain(result)).toBe(125)
  expect(result.stderr).toMatch(/^Error: OCI runtime .*crun: .*\/no\/such\/device/m)
})
