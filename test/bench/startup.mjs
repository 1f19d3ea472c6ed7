#!/usr/bin/env node
/*
 * startup.mjs [RUNS]: what each command's start costs over bare Node, in milliseconds.
 *
 * Every command is started with arguments that it refuses (a flag without its value): its code has been loaded then, and
 * nothing else done. Bare Node and the commands take turns; the smallest of RUNS (default 15) counts, since everything that
 * disturbs only adds. Ends with 1 if a command is above the limit of 6 ms.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const limit = 6
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const launcher = join(root, 'bin', 'tspod')
const runs = Number(process.argv[2] ?? 15)
const manifest = JSON.parse(readFileSync(join(root, 'dist', 'oclif.manifest.json'), 'utf8'))
const cache = mkdtempSync(join(tmpdir(), 'tspod-startup-'))
const env = { PATH: process.env.PATH, HOME: process.env.HOME, TSPOD_CODE_CACHE: cache }

function milliseconds(argv) {
  const start = process.hrtime.bigint()
  spawnSync(argv[0], argv.slice(1), { stdio: 'ignore', env })
  return Number(process.hrtime.bigint() - start) / 1e6
}

const commands = Object.keys(manifest.commands).filter((id) => !id.startsWith('__'))
const subjects = [
  ['', [process.execPath, '-e', '0']],
  ...commands.map((id) => [id.replaceAll(':', ' '), [launcher, ...id.split(':'), '--runroot']]),
]
const best = new Map(subjects.map(([name]) => [name, Infinity]))
for (const [, argv] of subjects) milliseconds(argv)
for (let run = 0; run < runs; run++) {
  for (const [name, argv] of subjects) best.set(name, Math.min(best.get(name), milliseconds(argv)))
}

rmSync(cache, { recursive: true })
const bare = best.get('')
console.log(`node -e 0  ${bare.toFixed(1)} ms`)
const rows = subjects.slice(1).map(([name]) => [name, best.get(name) - bare])
for (const [name, over] of rows.sort((a, b) => b[1] - a[1])) {
  console.log(`${name.padEnd(24)} +${over.toFixed(1)} ms${over > limit ? '  TOO SLOW' : ''}`)
}
process.exitCode = rows.some(([, over]) => over > limit) ? 1 : 0
