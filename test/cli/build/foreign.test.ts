import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildStore, type BuildStore } from '../../helpers/build.js'
import { tarArchive } from '../../helpers/tar.js'

/** Steps for processors that this host has not. */
let store: BuildStore

beforeAll(async () => {
  store = await buildStore()
  /* A program of LoongArch, as far as its header. */
  const header = Buffer.alloc(64)
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  header.writeUInt16LE(2, 16)
  header.writeUInt16LE(258, 18)
  const root = tarArchive([
    { path: 'bin/', type: 'directory', mode: 0o755 },
    { path: 'bin/sh', content: header, mode: 0o755 },
  ])
  await store.tspod.ok(['import', '-q', '--arch', 'loong64', '-', 'localhost/foreign'], { input: root })
})

afterAll(() => store[Symbol.asyncDispose]())

test('without a handler of binfmt_misc are refused with its name', async ({ skip }) => {
  let handlers: string[] = []
  try {
    handlers = readdirSync('/proc/sys/fs/binfmt_misc')
  } catch {
    /* Not to be seen: then the kernel's answer tells. */
  }
  skip(
    handlers.some((name) => name.includes('loongarch64')),
    'this host has a handler for loong64',
  )
  const input = 'FROM localhost/foreign\nLABEL a=b\nRUN true\n'
  const build = ['build', '--platform', 'linux/loong64', '--pull=never', '-']
  const { status, stderr } = await store.tspod.run(build, { input })
  expect(stderr).toMatch(
    /Error: .*:3: exec format error: commands for linux\/loong64 do not run on .*no handler of binfmt_misc.*qemu-loongarch64/,
  )
  expect(status).not.toBe(0)
})

test('that run no command need none', async () => {
  const input = 'FROM localhost/foreign\nCOPY <<a /a\nx\na\nCMD ["/bin/sh"]\n'
  await store.build(['--platform', 'linux/loong64', '--pull=never', '-t', 'localhost/made', '-'], { input })
  expect(await store.tspod.ok(['image', 'inspect', '--format', '{{.Architecture}}', 'localhost/made'])).toBe('loong64')
})
