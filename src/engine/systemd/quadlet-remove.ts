import { rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { findQuadlets, type Found, realFolder, realUserFolder } from '../../systemd/quadlet/folders.js'
import { loadQuadlet } from '../../systemd/quadlet/load.js'
import { kindOf } from '../../systemd/quadlet/source.js'
import { serviceName } from '../../systemd/quadlet/service.js'
import type { Context } from '../context.js'
import { type Belongings, dropBelongings, readBelongings } from './quadlet-applications.js'
import { notFound, searchFolders } from './quadlet.js'
import { reload, systemctl, unitStates } from './systemctl.js'
import type { QuadletRemoveOptions, QuadletRemoveReport } from './types.js'

/** Quadlets that go together, and the other files that go with them. */
interface Group {
  readonly quadlets: readonly Found[]
  readonly others: readonly string[]
}

interface Installed extends Belongings {
  /** The user's own folder. */
  readonly folder: string
  readonly found: readonly Found[]
  readonly within: readonly string[]
}

/** Takes quadlets away, and what came with them. What runs is kept, unless `force` stops it; so is the rest of its application. */
export async function removeQuadlets(
  context: Context,
  names: readonly string[],
  options: QuadletRemoveOptions,
): Promise<QuadletRemoveReport> {
  const folder = realUserFolder(context.env)
  const installed = { folder, ...findQuadlets(searchFolders(context)), ...readBelongings(folder) }
  const removed = new Set<string>()
  const errors: Error[] = []
  const chosen = options.all === true ? ownQuadlets(context, installed).map(({ name }) => name) : names
  for (const name of chosen) {
    if (removed.has(name)) continue
    try {
      const group = groupOf(name, installed)
      for (const one of group.quadlets) await stopIfRunning(context, one, installed, options.force === true)
      for (const { path } of group.quadlets) rmSync(path, { force: true })
      for (const other of group.others) rmSync(join(folder, other), { force: true })
      for (const one of group.quadlets) removed.add(one.name)
    } catch (error) {
      if (options.ignore === true && error instanceof TspodError && error.code === 'invalid-argument') continue
      errors.push(error instanceof Error ? error : new Error(String(error)))
    }
  }
  if (removed.size > 0) dropBelongings(folder, [...removed])
  if (removed.size > 0 && options.reload !== false) errors.push(...(await reload(context)))
  return { removed: [...removed], errors }
}

/** The administrator's are not the user's to remove. */
function ownQuadlets({ env }: Context, { folder, found }: Installed): Found[] {
  const runtime = env['XDG_RUNTIME_DIR'] ?? ''
  const transient = runtime === '' ? undefined : realFolder(`${runtime}/containers/systemd`)
  const roots = [folder, ...(transient === undefined ? [] : [transient])]
  return found.filter(({ path }) => roots.some((root) => path.startsWith(`${root}/`)))
}

/** A quadlet with its files, or its whole application; an application by its name, `.shop.app`. */
function groupOf(name: string, installed: Installed): Group {
  const { found, folder, applicationOf, filesOf } = installed
  const one = found.find((each) => each.name === name)
  const application = one === undefined ? name : ownApplication(one, folder, applicationOf)
  if (application !== undefined && /^\..+\.app$/.test(application)) {
    const files = filesOf(application)
    if (files.length > 0) {
      const quadlets = found.filter((each) => files.includes(each.name) && dirname(each.path) === folder)
      const others = files.filter((file) => kindOf(file) === undefined)
      return { quadlets, others: [...others, application] }
    }
  }
  if (one === undefined) throw notFound(name)
  const assets = `.${name}.asset`
  return { quadlets: [one], others: dirname(one.path) === folder ? [...filesOf(assets), assets] : [] }
}

function ownApplication(one: Found, folder: string, applicationOf: ReadonlyMap<string, string>): string | undefined {
  return dirname(one.path) === folder ? applicationOf.get(basename(one.path)) : undefined
}

async function stopIfRunning(context: Context, one: Found, { within }: Installed, force: boolean): Promise<void> {
  const unit = unitOf(one, within)
  const state = unit === undefined || unit.includes('@.') ? undefined : (await unitStates(context, [unit])).get(unit)
  if (unit === undefined || state === undefined || !/^(?:active|activating|reloading)\//.test(state)) return
  if (!force) throw new TspodError('container-running', `${unit} of ${one.name} is running: stop it, or say --force`)
  await systemctl(context, ['stop', unit])
}

/** A quadlet that cannot be read has no service, and can be removed all the same. */
function unitOf(one: Found, within: readonly string[]): string | undefined {
  try {
    return `${serviceName(loadQuadlet(one, within))}.service`
  } catch {
    return undefined
  }
}
