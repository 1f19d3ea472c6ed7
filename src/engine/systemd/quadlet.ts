import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { convertAll } from '../../systemd/quadlet/convert-all.js'
import { findQuadlets, quadletFolders } from '../../systemd/quadlet/folders.js'
import { loadQuadlet } from '../../systemd/quadlet/load.js'
import type { Source } from '../../systemd/quadlet/source.js'
import type { Context } from '../context.js'
import type { QuadletOptions, QuadletReport } from './types.js'

/** Where this user's quadlets are looked for. */
export function searchFolders(context: Context): string[] {
  return quadletFolders(context.env, process.getuid?.() ?? 0)
}

export function notFound(name: string): TspodError {
  return new TspodError('invalid-argument', `no quadlet "${name}" found: "tspod quadlet list" shows those there are`)
}

/** Every quadlet is converted on its own: what is wrong with one stops none of the others. */
export async function convertQuadlets(context: Context, { tspod }: QuadletOptions): Promise<QuadletReport> {
  const { found, within, errors } = findQuadlets(searchFolders(context))
  const sources: Source[] = []
  for (const one of found) {
    try {
      sources.push(loadQuadlet(one, within))
    } catch (error) {
      errors.push(error instanceof Error ? error : new Error(String(error)))
    }
  }
  const { log_driver: configured } = (await context.conf()).containers
  const logDriver = configured === undefined ? 'journald' : undefined
  const { services, errors: wrong } = convertAll(sources, { tspod, logDriver, exists: existsSync })
  return { services, errors: [...errors, ...wrong] }
}

/** Writes units and what enables them into systemd's own folder for this (systemd.generator(7)). */
export function writeQuadlets(report: QuadletReport, folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const { name, text, source, links } of report.services) {
    writeFileSync(join(folder, name), `# Made by tspod from ${source}\n\n${text}`)
    for (const link of links) {
      const path = join(folder, link.path)
      mkdirSync(dirname(path), { recursive: true })
      rmSync(path, { force: true })
      symlinkSync(relative(dirname(path), join(folder, name)), path)
    }
  }
}
