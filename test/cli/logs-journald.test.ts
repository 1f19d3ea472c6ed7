import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { busyboxStore, image } from '../helpers/busybox-store.js'
import type { TspodStore } from '../helpers/tspod.js'

/** journald is seldom where tests are: a program of its reader's name says what a journal would (test/vm has a real one). */
let store: TspodStore
let id: string
let env: Record<string, string>
beforeAll(async () => {
  store = await busyboxStore()
  id = await store.ok(['create', '--name', 'web', '--log-driver', 'journald', '--network', 'none', image, 'true'])
  const bin = join(store.folder, 'bin')
  await mkdir(bin)
  await writeFile(
    join(bin, 'journalctl'),
    `#!/bin/sh\nprintf '%s\\n' "$@" >"$HOME/argv"\ncase " $* " in *' --reverse '*) f=reverse ;; *) f=journal ;; esac\ncat "$HOME/$f" || exit 1\n`,
    { mode: 0o755 },
  )
  env = { PATH: `${bin}:${store.env['PATH'] ?? ''}` }
  const entries = [
    entry(1, ['MESSAGE=one', 'PRIORITY=6']),
    entry(2, ['MESSAGE=two-', 'PRIORITY=6', 'CONTAINER_PARTIAL_MESSAGE=true']),
    entry(3, ['MESSAGE=three', 'PRIORITY=6']),
    entry(4, ['PRIORITY=7', `TSPOD_LOG_END=${id}`]),
    entry(5, ['MESSAGE=wrong', 'PRIORITY=3']),
  ]
  await writeFile(join(store.env['HOME'] ?? '', 'journal'), entries.join(''))
  await writeFile(join(store.env['HOME'] ?? '', 'reverse'), entries.reverse().join(''))
})
afterAll(() => store[Symbol.asyncDispose]())

function entry(number: number, fields: readonly string[]): string {
  const time = `__REALTIME_TIMESTAMP=${String(1_700_000_000_000_000 + number * 1_000_001)}`
  return [`__CURSOR=c${String(number)}`, time, ...fields, '\n'].join('\n')
}

async function logs(...options: string[]): Promise<{ stdout: string; stderr: string }> {
  const { status, stdout, stderr } = await store.run(['logs', ...options, 'web'], { env })
  expect({ status, stderr: stderr.replace('wrong\n', '') }).toEqual({ status: 0, stderr: '' })
  return { stdout, stderr }
}

test('lines come from the journal, each to its stream', async () => {
  expect(await logs()).toEqual({ stdout: 'one\ntwo-three\n', stderr: 'wrong\n' })
  const argv = (await readFile(join(store.env['HOME'] ?? '', 'argv'), 'utf8')).split('\n')
  const own = `_UID=${String(process.getuid?.())}`
  expect(argv).toEqual(expect.arrayContaining([own, `CONTAINER_ID_FULL=${id}`, '+', own, `TSPOD_LOG_END=${id}`]))
})

test.each([
  ['1', '', 'wrong\n'],
  ['2', 'two-three\n', 'wrong\n'],
  ['9', 'one\ntwo-three\n', 'wrong\n'],
  ['0', '', ''],
])('--tail %s', async (tail, stdout, stderr) => {
  expect(await logs('--tail', tail)).toEqual({ stdout, stderr })
})

test('--timestamps, --since and --until', async () => {
  const { stdout } = await logs('--timestamps', '--since', '1700000002', '--until', '1700000004')
  expect(stdout).toBe('2023-11-14T22:13:22.000002000+00:00 two-three\n')
  // Line two is of 1700000002.000002.
  expect((await logs('--since', '1700000002.000003')).stdout).toBe('three\n')
  expect((await logs('--since', '2023-11-14T22:13:22.000002Z')).stdout).toBe('two-three\n')
  expect((await logs('--until', '1700000002.000001')).stdout).toBe('one\n')
})

test('a reader that fails or is missing is told of', async () => {
  const bare = join(store.folder, 'bare')
  await mkdir(bare)
  await symlink(process.execPath, join(bare, 'node'))
  const missing = await store.run(['logs', 'web'], { env: { PATH: bare } })
  expect(missing).toMatchObject({ status: 125, stderr: 'Error: journalctl is not installed\n' })
  const failed = await store.run(['logs', 'web'], { env: { ...env, HOME: '/nonexistent' } })
  expect(failed.status).toBe(125)
  expect(failed.stderr).toMatch(/^Error: the journal cannot be read: /)
})
