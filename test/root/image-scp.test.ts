import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import { explain, finish, program, type Result, type TspodStore } from '../helpers/tspod.js'

/** Copies between root and two users of this host, who are made for that. */

const execute = promisify(execFile)
const [alice, bob] = [`tspod-a${String(process.pid)}`, `tspod-b${String(process.pid)}`] as const

let store: TspodStore
let homes: string
let id: string

beforeAll(async () => {
  store = await busyboxStore()
  id = await store.ok(['image', 'inspect', '--format', '{{.Id}}', image])
  homes = await mkdtemp(join(tmpdir(), 'tspod-homes-'))
  await execute('chmod', ['755', homes])
  for (const user of [alice, bob])
    await execute('useradd', ['--create-home', '--home-dir', join(homes, user), '--shell', '/usr/sbin/nologin', user])
})

afterAll(async () => {
  for (const user of [alice, bob]) {
    await as(user, 'system', 'reset', '--force')
    await execute('userdel', [user])
  }
  await rm(homes, { recursive: true })
  await store[Symbol.asyncDispose]()
})

beforeEach(async () => {
  for (const user of [alice, bob]) await as(user, 'rmi', '--all', '--force')
})

function as(user: string, ...args: readonly string[]): Promise<Result> {
  const env = ['env', '-i', '--chdir=/', `HOME=${join(homes, user)}`, `PATH=${process.env['PATH'] ?? ''}`]
  const child = spawn('runuser', ['-u', user, '--', ...env, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  return finish(`${user}: tspod ${args.join(' ')}`, child)
}

async function idOf(user: string): Promise<string> {
  const result = await as(user, 'image', 'inspect', '--format', '{{.Id}}', image)
  return result.status === 0 ? result.stdout.trim() : ''
}

const loaded = `Loaded image: ${image}`

test('an image goes from root to a user, from him to another, and back', async () => {
  expect(await store.ok(['image', 'scp', `root@localhost::${image}`, `${alice}@localhost::`])).toBe(loaded)
  expect(await idOf(alice)).toBe(id)
  expect(await idOf(bob)).toBe('')
  const ran = await as(alice, 'run', '--rm', '--network', 'none', image, 'id', '-u')
  expect(ran.stdout.trim(), explain(ran)).toBe('0')

  expect(await store.ok(['image', 'scp', `${alice}@localhost::${image}`, `${bob}@localhost::`])).toBe(loaded)
  expect(await idOf(bob)).toBe(id)

  await store.ok(['rmi', image])
  expect(await store.ok(['image', 'scp', `${bob}@localhost::${image}`, 'root@localhost::'])).toBe(loaded)
  expect(await store.ok(['image', 'inspect', '--format', '{{.Id}}', image])).toBe(id)
  await store.ok(['rmi', image])
  expect(await store.ok(['image', 'scp', `${bob}@localhost::${id}`])).toContain('Loaded image: ')
  expect(await store.ok(['image', 'inspect', '--format', '{{.Id}}', id])).toBe(id)
  await store.ok(['tag', id, image])
})

test('-q says nothing', async () => {
  expect(await store.ok(['image', 'scp', '-q', image, `${alice}@localhost::`])).toBe('')
  expect(await idOf(alice)).toBe(id)
})

test.each([
  [[`${alice}@localhost::nosuch`], `${alice}@localhost: Error: nosuch: image not known`],
  [[`${alice}@localhost::nosuch`, `${bob}@localhost::`], `${alice}@localhost: Error: nosuch: image not known`],
  [['root@localhost::nosuch', `${alice}@localhost::`], 'nosuch: image not known'],
  [[image, 'no-such-user@localhost::'], 'unknown user "no-such-user"'],
  [[image, 'root@localhost::'], 'must specify a destination'],
])('image scp %j is a clear error', async (args, message) => {
  const result = await store.run(['image', 'scp', ...args])
  expect(result.status, explain(result)).toBe(125)
  expect(result.stderr).toContain(message)
})
