import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { busyboxStore } from '../helpers/busybox-store.js'
import { explain, finish, type Result, type TspodStore } from '../helpers/tspod.js'

/** The examples as they stand: only where `tspod` is found is said from outside. */

const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url))

let tspod: TspodStore

beforeAll(async () => {
  tspod = await busyboxStore()
})

afterAll(async () => {
  await tspod[Symbol.asyncDispose]()
})

function node(args: readonly string[]): Promise<Result> {
  const env = { ...tspod.env, TSPOD_ROOT: tspod.root, TSPOD_RUNROOT: tspod.runroot, NO_COLOR: '1' }
  return finish(`node ${args.join(' ')}`, spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }))
}

test('run-and-read runs a command and reads what it says', async () => {
  const outfile = join(tspod.folder, 'run-and-read.mjs')
  await build({
    entryPoints: [path('examples/run-and-read.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    alias: { tspod: path('dist/index.js') },
    external: [path('dist/index.js')],
  })
  const result = await node([outfile])
  expect(result.status, explain(result)).toBe(0)
  expect(result.stdout).toContain('sort ended with 0 and said "a\\nb\\nc\\n"')
})

test('server.test is a test that passes and leaves nothing', async () => {
  const config = join(tspod.folder, 'vitest.config.mjs')
  const settings = { root: path('examples'), test: { alias: { tspod: path('dist/index.js') }, cache: false } }
  await writeFile(config, `export default ${JSON.stringify(settings)}`)
  const result = await node([
    path('node_modules/vitest/vitest.mjs'),
    'run',
    '--config',
    config,
    '--root',
    path('examples'),
  ])
  expect(result.status, explain(result)).toBe(0)
  expect(result.stdout).toMatch(/Tests +2 passed/)
  expect(await tspod.ok(['ps', '-aq'])).toBe('')
})
