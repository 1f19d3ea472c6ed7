import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ImageIndex } from '../../../src/oci/image-spec.js'
import { buildStore, type BuildStore } from '../../helpers/build.js'
import { hostArchitecture } from '../../helpers/images.js'
import { tarArchive } from '../../helpers/tar.js'

/** Steps for processors that this host has not. */
let store: BuildStore

beforeAll(async () => {
  store = await buildStore()
  await store.needs('busybox')
  await imported('loong64', 258, [])
})

/** An image whose /bin/sh is a program of one page: an ELF header, a program header, and instructions. */
async function imported(architecture: string, machine: number, instructions: readonly number[]): Promise<void> {
  const program = Buffer.alloc(120 + 4 * instructions.length)
  program.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  for (const [at, value] of [[16, 2], [18, machine], [20, 1], [52, 64], [54, 56], [56, 1]] as const) program.writeUInt16LE(value, at) // prettier-ignore
  for (const [at, value] of [[24, 0x400078], [32, 64], [80, 0x400000], [88, 0x400000], [96, program.length], [104, program.length], [112, 4096]] as const) program.writeBigUInt64LE(BigInt(value), at) // prettier-ignore
  program.writeUInt32LE(1, 64)
  program.writeUInt32LE(5, 68)
  instructions.forEach((word, number) => program.writeUInt32LE(word, 120 + 4 * number))
  const root = tarArchive([
    { path: 'bin/', type: 'directory', mode: 0o755 },
    { path: 'bin/sh', content: program, mode: 0o755 },
  ])
  await store.tspod.ok(['import', '-q', '--arch', architecture, '-', `localhost/${architecture}`], { input: root })
}

function handlers(): string[] {
  try {
    return readdirSync('/proc/sys/fs/binfmt_misc')
  } catch {
    /* Not to be seen: then the kernel's answer tells. */
    return []
  }
}

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
  const input = 'FROM localhost/loong64\nLABEL a=b\nRUN true\n'
  const build = ['build', '--platform', 'linux/loong64', '--pull=never', '-']
  const { status, stderr } = await store.tspod.run(build, { input })
  expect(stderr).toMatch(
    /Error: .*:3: exec format error: commands for linux\/loong64 do not run on .*no handler of binfmt_misc.*qemu-loongarch64/,
  )
  expect(status).not.toBe(0)
})

test('that run no command need none', async () => {
  const input = 'FROM localhost/loong64\nCOPY <<a /a\nx\na\nCMD ["/bin/sh"]\n'
  await store.build(['--platform', 'linux/loong64', '--pull=never', '-t', 'localhost/made', '-'], { input })
  expect(await store.tspod.ok(['image', 'inspect', '--format', '{{.Architecture}}', 'localhost/made'])).toBe('loong64')
})

test('are run by a handler of binfmt_misc', async ({ skip }) => {
  skip(!handlers().some((name) => name.includes('aarch64')), 'no handler of binfmt_misc for aarch64')
  /* mov x8, #93; mov x0, #7; svc #0: exit(7) */
  await imported('arm64', 183, [0xd2800ba8, 0xd28000e0, 0xd4000001])
  const input = 'FROM localhost/arm64\nRUN true\n'
  const { stderr } = await store.tspod.run(['build', '--platform', 'linux/arm64', '--pull=never', '-'], { input })
  expect(stderr).toContain('exit code: 7')
})

test('go on from the image that a local list has for them', async () => {
  await store.tspod.ok(['manifest', 'create', 'localhost/list'])
  for (const name of ['loong64', 'busybox'])
    await store.tspod.ok(['manifest', 'add', 'localhost/list', `localhost/${name}`])
  const platforms = ['linux/loong64', `linux/${hostArchitecture}`]
  const input = 'FROM localhost/list\nARG TARGETARCH\nLABEL for=$TARGETARCH\n'
  await store.build(['--platform', platforms.join(','), '--pull=never', '-t', 'localhost/both', '-'], { input })
  const { manifests } = JSON.parse(await store.tspod.ok(['manifest', 'inspect', 'localhost/both'])) as ImageIndex
  expect(manifests.map(({ platform }) => `linux/${platform?.architecture ?? ''}`)).toEqual(platforms)
  const missing = await store.tspod.run(['build', '--platform', 'linux/s390x', '--pull=never', '-'], { input })
  expect(missing.stderr).toContain('localhost/list: image not known')
})
