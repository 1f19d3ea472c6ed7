import { execFileSync } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildStore, type BuildStore } from '../../helpers/build.js'
import { tarArchive } from '../../helpers/tar.js'
import { explain } from '../../helpers/tspod.js'

let store: BuildStore
let context: string

beforeAll(async () => {
  store = await buildStore()
  context = join(store.tspod.folder, 'context')
  await mkdir(context)
})
afterAll(() => store[Symbol.asyncDispose]())

function hasCpp(): boolean {
  try {
    return execFileSync('cpp', ['--version']).length > 0
  } catch {
    return false
  }
}

async function failure(args: readonly string[], input?: string | Buffer): Promise<string> {
  const result = await store.tspod.run(['build', '--progress', 'plain', ...args], input === undefined ? {} : { input })
  expect(result.status, explain(result)).toBe(125)
  return result.stderr
}

test('a Containerfile.in goes through cpp, with its flags and what it includes', async ({ skip }) => {
  if (!hasCpp()) skip('this host has no cpp')
  const file = join(context, 'Containerfile.in')
  const out = join(store.tspod.folder, 'out')
  await writeFile(join(context, 'base.in'), 'FROM scratch\n')
  await writeFile(join(context, 'a'), 'a')
  await writeFile(file, '# a comment\n#include "base.in"\n#ifdef WANTED\nCOPY a /wanted\n#endif\n')
  await store.build(['-f', file, '--cpp-flag=-DWANTED', '-o', out, context])
  expect(await readFile(join(out, 'wanted'), 'utf8')).toBe('a')
  await writeFile(file, '#include "missing.in"\nFROM scratch\n')
  expect(await failure(['-f', file, context])).toMatch(/Containerfile\.in: cpp: .*missing\.in: No such file/)
})

test('a Containerfile.in without cpp says what is missing', async () => {
  const file = join(context, 'Other.in')
  await writeFile(file, 'FROM scratch\n')
  const bin = join(store.tspod.folder, 'bin')
  await mkdir(bin)
  await symlink(process.execPath, join(bin, 'node'))
  const result = await store.tspod.run(['build', '-f', file, context], { env: { PATH: bin } })
  expect(result.status, explain(result)).not.toBe(0)
  expect(result.stderr).toContain('Other.in: cpp is not installed, which has to preprocess it: install cpp')
})

test('one that came with a context of another’s reads nothing of the caller’s', async () => {
  const archive = tarArchive([{ path: 'Containerfile.in', content: '#include "/etc/passwd"\nFROM scratch\n' }])
  expect(await failure(['-f', 'Containerfile.in', '-'], archive)).toContain('cpp could include any file of yours')
})

test.each([
  ['no UTF-8', Buffer.from('FROM scratch\nLABEL a=\xff\n', 'latin1'), 'line is not valid UTF-8'],
  ['17 MiB', Buffer.alloc(17 << 20, '#'), 'larger than 16777216 bytes'],
])('a Dockerfile that is %s is refused by its name, wherever it came from', async (_what, text, message) => {
  const file = join(context, 'Named')
  await writeFile(file, text)
  expect(await failure(['-f', file, context])).toMatch(new RegExp(`Named:.*${message}`))
  expect(await failure(['-f', '-', context], text)).toMatch(new RegExp(`<stdin>:.*${message}`))
  expect(await failure(['-'], text)).toMatch(new RegExp(`Dockerfile:.*${message}`))
})

test('one that has no end is read no further than a Dockerfile goes', async () => {
  expect(await failure(['-f', '/dev/zero', context])).toContain('zero: larger than 16777216 bytes')
})
