import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { convert, type Converted } from '../../systemd/quadlet/convert.js'
import { findQuadlets, type Found, loadQuadlet, quadletFolders } from '../../systemd/quadlet/load.js'
import type { World } from '../../systemd/quadlet/service.js'
import type { Source } from '../../systemd/quadlet/source.js'
import type { Context } from '../context.js'
import type { QuadletOptions, QuadletReport } from './types.js'

/** Where this user's quadlets are looked for. */
export function searchFolders(context: Context): string[] {
  return quadletFolders(context.env, process.getuid?.() ?? 0)
}

/** Every quadlet is converted on its own: what is wrong with one stops none of the others. */
export async function convertQuadlets(context: Context, options: QuadletOptions): Promise<QuadletReport> {
  const { found, within } = findQuadlets(searchFolders(context))
  const errors: Error[] = []
  const sources = new Map<string, Source>()
  const services = new Map<string, Converted>()
  collect(found, errors, (one) => sources.set(one.name, loadQuadlet(one, within)))
  const { log_driver: configured } = (await context.conf()).containers
  const logDriver = configured === undefined ? 'journald' : undefined
  const world: World = { tspod: options.tspod, sources, logDriver, exists: existsSync }
  collect([...sources.values()], errors, (source) => {
    const service = convert(source, world, options.hasCommand)
    const other = services.get(service.name)
    if (other !== undefined)
      throw new TspodError('config-invalid', `${source.path}: ${service.name} is made from ${other.source} already`)
    services.set(service.name, service)
  })
  return { services: [...services.values()], errors }
}

function collect<T extends Found | Source>(items: readonly T[], errors: Error[], action: (item: T) => void): void {
  for (const item of items) {
    try {
      action(item)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      errors.push(new Error(message.includes(item.path) ? message : `${item.path}: ${message}`))
    }
  }
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
