import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildStore, type BuildStore } from '../../helpers/build.js'

let store: BuildStore

beforeAll(async () => {
  store = await buildStore()
  await store.needs('busybox')
})

afterAll(() => store[Symbol.asyncDispose]())

/** Files below the store's folders that have this text, compressed or not. */
async function filesWith(text: string, folder: string): Promise<string[]> {
  // As the root of the user's namespace: files of containers' users are read, too.
  const script = `find "$1" -type f -print0 | while IFS= read -r -d '' file; do
    { cat "$file"; gzip -dcf "$file" 2>/dev/null; zstd -dcf "$file" 2>/dev/null; } | grep -qF "$2" && echo "$file"
  done; true`
  const args = ['--user', '--map-root-user', '--map-auto', 'bash', '-c', script, 'bash', folder, text]
  const { stdout } = await promisify(execFile)('unshare', args)
  return stdout.split('\n').filter((line) => line !== '')
}

test('a secret is seen by its step alone: no layer, history, record, cache or log has it', async () => {
  const folder = await store.fixture('secrets')
  const path = join(store.tspod.folder, 'token')
  await writeFile(path, 's3cr3t-in-a-file')
  const secrets = [`id=token,src=${path}`, 'id=key,env=THE_KEY', `id=mine,src=${path}`].flatMap((text) => [
    '--secret',
    text,
  ])
  const options = { env: { THE_KEY: 's3cr3t-in-the-environment' } }
  const built = await store.tspod.run(
    ['build', '--provenance', 'mode=max', '-t', 'localhost/secrets', ...secrets, folder],
    options,
  )
  expect(built.status, built.stderr).toBe(0)
  expect(await store.output('localhost/secrets')).toBe('used\nused\n-r--r-----')
  for (const secret of ['s3cr3t-in-a-file', 's3cr3t-in-the-environment']) {
    expect(built.stdout + built.stderr).not.toContain(secret)
    expect(await filesWith(secret, store.tspod.root)).toEqual([])
    expect(await filesWith(secret, store.tspod.runroot)).toEqual([])
  }
  expect(await filesWith('s3cr3t-in-a-file', store.tspod.folder)).toEqual([path])
})

test('another secret does not undo the cache, and a missing one is told', async () => {
  const folder = await store.fixture('mounts')
  await writeFile(
    join(folder, 'Dockerfile'),
    'FROM localhost/busybox\nRUN --mount=type=secret,id=s,required=true cat /run/secrets/s > /dev/null\n',
  )
  const build = (env: Record<string, string>) =>
    store.tspod.run(['build', '--progress', 'plain', '--secret', 'id=s,env=S', folder], { env })
  const first = await build({ S: 'one' })
  const second = await build({ S: 'two' })
  expect(second.stdout).toBe(first.stdout)
  expect(second.stderr).toMatch(/^#\d+ CACHED$/m)
  const missing = await store.tspod.run(['build', '--no-cache', folder])
  expect(missing.status).toBe(125)
  expect(missing.stderr).toMatch(/Dockerfile:2\b[^]*Error: .*secret/)
})

test('a file that is no secret, and a variable that is not set, are told before anything is built', async () => {
  const folder = await store.fixture('secrets')
  const missing = await store.tspod.run(['build', '--secret', 'id=token,src=/nonexistent/file', folder])
  expect(missing.status).toBe(125)
  expect(missing.stderr).toMatch(/^Error: .*\/nonexistent\/file/m)
  const unset = await store.tspod.run(['build', '--secret', 'id=token,env=NO_SUCH_VARIABLE', folder])
  expect(unset.status).toBe(125)
  expect(unset.stderr).toMatch(/^Error: .*NO_SUCH_VARIABLE/m)
})

test('an SSH agent is there for its step alone', async () => {
  const socket = join(store.tspod.folder, 'agent.sock')
  const agent = createServer().listen(socket)
  await once(agent, 'listening')
  try {
    const folder = await store.fixture('ssh')
    await store.build(['-t', 'localhost/ssh', '--ssh', `default=${socket}`, folder])
    expect(await store.output('localhost/ssh')).toMatch(/^agent at \//)
    await store.build(['-t', 'localhost/ssh', '--no-cache', '--ssh', 'default', folder], {
      env: { SSH_AUTH_SOCK: socket },
    })
  } finally {
    agent.close()
  }
})
