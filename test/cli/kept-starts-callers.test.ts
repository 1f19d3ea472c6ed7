import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { image } from '../helpers/busybox-store.js'
import { keptStarts, type KeptStarts } from '../helpers/kept-starts.js'
import { finish, program } from '../helpers/tspod.js'

let kept: KeptStarts

beforeAll(async () => {
  kept = await keptStarts()
})

beforeEach(() => {
  rmSync(kept.starts(), { recursive: true, force: true })
})

afterAll(async () => {
  await kept.tspod[Symbol.asyncDispose]()
})

const none = ['--network', 'none']

test('the caller’s home is seen where it is in a path', async () => {
  const [here = '', there = ''] = ['one', 'two'].map((name) => {
    const home = join(kept.tspod.folder, `home-${name}`)
    mkdirSync(home)
    writeFileSync(join(home, 'who'), name)
    return home
  })
  const at = (home: string) => ({ env: { HOME: home, XDG_CONFIG_HOME: kept.tspod.folder } })
  const args = ['-v', '~/who:/who', ...none, image, 'cat', '/who']
  await kept.keep(args, at(here))
  expect(await kept.counted(args, at(here))).toEqual({ calls: 0, out: 'one' })
  expect((await kept.counted(args, at(there))).out).toBe('two')
})

test('another installation works its starts out itself', async () => {
  const args = [...none, image, 'echo', 'kept']
  await kept.keep(args)
  const other = join(kept.tspod.folder, 'other')
  const native = join(other, 'native/build')
  mkdirSync(native, { recursive: true })
  mkdirSync(join(other, 'bin'))
  copyFileSync(program, join(native, 'tspod'))
  writeFileSync(join(other, 'bin/tspod.cjs'), 'console.log("other")\n')
  const { root, runroot, env, folder } = kept.tspod
  const words = ['--root', root, '--runroot', runroot, 'run', '--rm', ...args]
  const child = spawn(join(native, 'tspod'), words, { env: { ...env, ...kept.options().env }, cwd: folder })
  child.stdin.end()
  expect((await finish('tspod', child)).stdout).toBe('other\n')
  expect(await kept.counted(args)).toEqual({ calls: 0, out: 'kept' })
})

test('containers that run meanwhile are of no matter', async () => {
  const { tspod, options } = kept
  const off = options({ env: { TSPOD_KEPT_STARTS: 'off' } })
  const sleeper = await tspod.ok(['run', '-d', '--rm', ...none, image, 'sleep', '1000'], off)
  const args = [...none, image, 'true']
  await kept.keep(args)
  await tspod.ok(['rm', '-f', '-t', '0', sleeper])
  expect((await kept.counted(args)).calls).toBe(0)
})
