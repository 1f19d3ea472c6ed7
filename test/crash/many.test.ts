import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import { explain, type TspodStore } from '../helpers/tspod.js'
import { leftovers } from './leftovers.js'

const shells = 8
/** TSPOD_TEST_MANY=1000 takes minutes. */
const many = Number(process.env['TSPOD_TEST_MANY'] ?? 160)

let store: TspodStore

beforeAll(async () => {
  store = await busyboxStore()
})

afterAll(async () => {
  await store[Symbol.asyncDispose]()
})

/** A command that must succeed and have nothing to say against. */
async function quietly(...args: string[]): Promise<string> {
  const result = await store.run(args)
  expect({ status: result.status, stderr: result.stderr }, explain(result)).toEqual({ status: 0, stderr: '' })
  return result.stdout.trimEnd()
}

/** What `ps` and `inspect` have to say of all containers of one shell. */
async function look(shell: number, names: readonly string[], state: string): Promise<void> {
  const listed = await quietly('ps', '-a', '--filter', `name=^s${String(shell)}-`, '--format', '{{.Names}} {{.State}}')
  const seen = listed === '' ? [] : listed.split('\n')
  expect(seen.sort()).toEqual(names.map((name) => `${name} ${state}`).sort())
  if (names.length === 0) return
  const inspected = await quietly('inspect', '--format', '{{.Name}} {{.State.Status}}', ...names)
  expect(inspected.split('\n')).toEqual(names.map((name) => `${name} ${state}`))
}

async function wholeLives(shell: number): Promise<void> {
  const names = Array.from({ length: many / shells }, (_, number) => `s${String(shell)}-${String(number)}`)
  for (const name of names) await quietly('create', '--network', 'none', '--name', name, image, 'sleep', '100000')
  await look(shell, names, 'created')
  for (const name of names) expect(await quietly('start', name)).toBe(name)
  await look(shell, names, 'running')
  for (const name of names) expect(await quietly('stop', '--time', '0', name)).toBe(name)
  await look(shell, names, 'exited')
  for (const name of names) expect(await quietly('rm', name)).toBe(name)
  await look(shell, [], '')
}

test(`${String(many)} containers live at once, and end, by eight shells`, { timeout: many * 4000 }, async () => {
  await Promise.all(Array.from({ length: shells }, (_, shell) => wholeLives(shell)))
  await expect.poll(() => leftovers(store), { timeout: 20_000 }).toEqual([])
})

/** A program that takes all the room that its user has for keys (add_key and keyctl of x86-64), says so, and waits. */
const keys = `my ($type, $payload) = ("user", "x");
  syscall(250, 1, 0) > 0 or die "keyctl: $!";
  for (1 .. 100000) { my $key = "tspod-test-$_"; last if syscall(248, $type, $key, $payload, 1, -3) < 0 }
  $!{EDQUOT} or die "add_key: $!"; $| = 1; print "full\n"; <STDIN>`

test.runIf(process.arch === 'x64')('a user without room for keys starts containers all the same', async () => {
  const holder = spawn('perl', ['-MErrno', '-e', keys], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const [said] = (await once(holder.stdout, 'data')) as [Buffer]
    expect(said.toString()).toBe('full\n')
    await quietly('run', '-d', '--network', 'none', '--name', 'keyed', image, 'sleep', '1000')
    expect(await quietly('exec', 'keyed', 'id', '-u')).toBe('0')
    await quietly('rm', '-f', '-t', '0', 'keyed')
  } finally {
    holder.stdin.end()
    await once(holder, 'exit')
  }
})
