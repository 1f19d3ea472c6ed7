#!/usr/bin/env node
/* man/*.md and man/options/*.md to dist/man/man1/*.1: CONTRIBUTING.md, “Manual pages”, says what a page looks like. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readPage } from './man/page.mjs'
import { toRoff } from './man/roff.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = join(root, 'dist', 'man', 'man1')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
for (const name of readdirSync(join(root, 'man')).filter((entry) => entry.endsWith('.md'))) {
  const page = name.replace(/\.md$/, '')
  writeFileSync(join(folder, `${page}.1`), toRoff(readPage(join(root, 'man'), page), page, version))
}

// `man tspod-container-run` is `man tspod-run`.
const manifest = join(root, 'dist', 'oclif.manifest.json')
for (const { id, aliases } of existsSync(manifest)
  ? Object.values(JSON.parse(readFileSync(manifest, 'utf8')).commands)
  : []) {
  for (const alias of aliases) {
    const link = `tspod-${alias.replaceAll(':', '-')}.1`
    if (!existsSync(join(folder, link)))
      writeFileSync(join(folder, link), `.so man1/tspod-${id.replaceAll(':', '-')}.1\n`)
  }
}
