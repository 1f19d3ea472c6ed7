import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import { explain, type TspodStore } from '../helpers/tspod.js'

let tspod: TspodStore

beforeAll(async () => {
  tspod = await busyboxStore()
})

afterAll(async () => {
  await tspod[Symbol.asyncDispose]()
})

const run = (...args: string[]) => tspod.run(['run', '--rm', '--network', 'none', ...args])

const cases: [command: string[], status: number][] = [
  [['true'], 0],
  [['false'], 1],
  [['sh', '-c', 'exit 32'], 32],
  [['/etc'], 126],
  [['/etc/passwd'], 126],
  [['/no/such/command'], 127],
  [['no-such-command'], 127],
]

test.each(cases)('run %j exits with %i and leaves nothing', async (command, status) => {
  const result = await run(image, ...command)
  expect(result.status, explain(result)).toBe(status)
  expect(readdirSync(join(tspod.root, 'containers'))).toEqual([])
  expect(readdirSync(join(tspod.root, 'names'))).toEqual([])
  expect(readdirSync(join(tspod.runroot, 'containers'))).toEqual([])
})

test('an image that is not there is 125', async () => {
  const result = await run('--pull', 'never', 'localhost/no-such-image', 'true')
  expect(result.status, explain(result)).toBe(125)
})

test.each(['--rm', '--detach'])('a log that cannot be opened is 125, and run %s waits for nobody', async (how) => {
  const path = join(tspod.folder, 'no', 'such', 'log')
  const options = ['--name', 'mute', '--network', 'none', '--log-opt', `path=${path}`]
  const result = await tspod.run(['run', how, ...options, image, 'true'])
  expect(result.status, explain(result)).toBe(125)
  expect(result.stderr).toContain(path)
  expect((await tspod.run(['start', 'mute'])).status).toBe(125)
  await tspod.run(['rm', 'mute'])
  expect(readdirSync(join(tspod.root, 'names'))).toEqual([])
})

test('a refused combination is 125 and one sentence', async () => {
  const result = await run('--restart', 'always', image, 'true')
  expect(result.status, explain(result)).toBe(125)
  expect(result.stderr.trim().split('\n')).toHaveLength(1)
})

test('what is written to both streams comes out on both', async () => {
  const result = await run(image, 'sh', '-c', 'echo out; echo err >&2')
  expect([result.stdout, result.stderr]).toEqual(['out\n', 'err\n'])
})

test('input reaches the command with --interactive, and is empty without', async () => {
  const input = 'x'.repeat(300_000)
  const piped = await tspod.run(['run', '-i', '--rm', '--network', 'none', image, 'wc', '-c'], { input })
  expect(piped.stdout.trim(), explain(piped)).toBe('300000')
  expect((await run(image, 'wc', '-c')).stdout.trim()).toBe('0')
})

test('the ID goes to a file that must not be there, and that goes with the container', async () => {
  const file = join(tspod.folder, 'cid')
  const id = await tspod.ok(['run', '-d', '--network', 'none', '--cidfile', file, image, 'sleep', '1000'])
  expect(readFileSync(file, 'utf8')).toBe(id)
  const again = await run('--cidfile', file, image, 'true')
  expect(again.status, explain(again)).toBe(125)
  expect(again.stderr).toContain('container id file exists')
  await tspod.ok(['rm', '-f', '-t', '0', id])
  expect(existsSync(file)).toBe(false)
})

test('a command that runs too long is killed', async () => {
  const result = await run('--timeout', '1', image, 'sleep', '1000')
  expect(result.status, explain(result)).toBe(255)
})
