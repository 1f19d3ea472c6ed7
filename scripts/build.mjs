#!/usr/bin/env node
/*
 * dist/tspod.cjs    the command line: the table of its modules, and those that most commands need
 * dist/*.cjs        its other modules, by subject; each is read by the first who asks for something in it
 * dist/vendor/      the dependencies that few runs need, each a file of its own: whoever does not use them does not read them
 * dist/index.js     the library: ESM, dynamic imports as chunks beside it
 * dist/oclif.manifest.json  what the commands are called and which flags they have
 * dist/help/        what `--help` prints
 * dist/types/       declarations of the library (skipped with --fast)
 */
import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Config } from '@oclif/core'
import { build } from 'esbuild'
import { topics, writeHelp } from './build/help.mjs'
import { bundleProgram } from './build/program.mjs'
import { lazyOclif } from './build/lazy-oclif.mjs'
import { buildVendors, vendors } from './build/vendors.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = join(root, 'dist')
const version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version
const fast = process.argv.includes('--fast')
/** For stack traces: names stay as they are in the source. */
const minify = !process.argv.includes('--readable')

/** `commands/image/ls.ts` is `image:ls`. */
function commandFiles(folder = join(root, 'commands')) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return commandFiles(path)
      return entry.name.endsWith('.ts') ? [path] : []
    })
    .sort()
}

const idOf = (path) => relative(join(root, 'commands'), path).replace(/\.ts$/, '').replaceAll('/', ':')

const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  charset: 'ascii',
  legalComments: 'none',
  logLevel: 'warning',
  logOverride: { 'empty-import-meta': 'silent', 'require-resolve-not-external': 'silent' },
}

/**
 * Loads every command once and lets oclif write down what it finds (names, aliases, flags, summaries): help,
 * completion and the tests of the man pages read dist/oclif.manifest.json instead of loading every command.
 */
async function describe(files) {
  const outfile = join(dist, 'describe.cjs')
  rmSync(join(dist, 'oclif.manifest.json'), { force: true })
  const rows = files.map((path) => `${JSON.stringify(idOf(path))}: require(${JSON.stringify(path)}).default`)
  const contents = `exports.classes = { ${rows.join(',\n')} }`
  await build({
    ...shared,
    stdin: { contents, resolveDir: root, sourcefile: 'entry.cjs', loader: 'js' },
    outfile,
    format: 'cjs',
    supported: { 'dynamic-import': false },
    banner: { js: 'var __url="file://"+encodeURI(__filename);' },
    define: { 'import.meta.url': '__url', 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
    plugins: [vendors(), lazyOclif()],
    external: ['typescript', 'ts-node', 'tsx'],
  })
  const commands = { strategy: 'explicit', target: './describe.cjs', identifier: 'classes' }
  const pjson = { name: 'tspod', version, oclif: { bin: 'tspod', commands, topicSeparator: ' ', topics } }
  const config = await Config.load({ root: dist, version, pjson })
  rmSync(outfile)
  const manifest = config.plugins.get('tspod').manifest
  if (Object.keys(manifest.commands).length !== files.length) throw new Error('some commands did not load')
  writeFileSync(join(dist, 'oclif.manifest.json'), `${JSON.stringify(manifest, null, 1)}\n`)
  await writeHelp(config, dist)
  return Object.values(manifest.commands)
}

function aliasTable(described) {
  const table = new Map()
  const taken = new Set(described.map((command) => command.id))
  for (const { id, aliases, hiddenAliases } of described) {
    for (const alias of [...aliases, ...hiddenAliases].map((name) => name.replaceAll(' ', ':'))) {
      if (taken.has(alias)) throw new Error(`commands/${id}: its alias ${alias} is taken already`)
      taken.add(alias)
      table.set(alias, id)
    }
  }
  return table
}

async function bundleLibrary() {
  const chunks = join(dist, 'chunks')
  rmSync(chunks, { recursive: true, force: true })
  await build({
    ...shared,
    entryPoints: [{ in: join(root, 'src/index.ts'), out: 'index' }],
    outdir: dist,
    format: 'esm',
    splitting: true,
    packages: 'external',
    chunkNames: 'chunks/[name]-[hash]',
  })
}

mkdirSync(dist, { recursive: true })
const files = commandFiles()
const described = await describe(files)
await bundleProgram({ root, dist, shared, files, idOf, aliases: aliasTable(described), version, minify })
await buildVendors(dist, shared)
await bundleLibrary()
if (!fast) {
  execFileSync(process.execPath, [join(root, 'scripts', 'man.mjs')], { stdio: 'inherit' })
  execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
}
