import { basename, dirname } from 'node:path'
import { findQuadlets, readUnit, realUserFolder } from '../../systemd/quadlet/folders.js'
import { loadQuadlet } from '../../systemd/quadlet/load.js'
import { readerOf } from '../../systemd/quadlet/source.js'
import type { Context } from '../context.js'
import { readBelongings } from './quadlet-applications.js'
import { convertQuadlets, notFound, searchFolders } from './quadlet.js'
import { unitStates } from './systemctl.js'
import type { QuadletOptions, QuadletSummary } from './types.js'

/** Every quadlet that this user has, with its service and how that does. */
export async function listQuadlets(context: Context, options: QuadletOptions): Promise<QuadletSummary[]> {
  const folder = realUserFolder(context.env)
  const { found, within } = findQuadlets(searchFolders(context))
  const { applicationOf } = readBelongings(folder)
  const { services, errors } = await convertQuadlets(context, options)
  const units = new Map(services.map(({ source, name }) => [source, name]))
  const states = await unitStates(context, [...units.values()])
  return found.map((one) => {
    const { name, path } = one
    const unit = units.get(path)
    const wrong = errors.find(({ message }) => message.startsWith(`${path}:`))?.message
    const status = unit === undefined ? (wrong ?? 'Not loaded') : (states.get(unit) ?? 'Not loaded')
    const application = dirname(path) === folder ? (applicationOf.get(basename(path)) ?? '') : ''
    return { name, unit: unit ?? '', path, status, application, pod: podOf(() => loadQuadlet(one, within)) }
  })
}

function podOf(load: () => Parameters<typeof readerOf>[0]): string {
  try {
    const source = load()
    return source.kind === 'container' ? (readerOf(source).text('Pod') ?? '') : ''
  } catch {
    return '' // its status says what is wrong with it
  }
}

/** A quadlet's file as it is. */
export function readQuadlet(context: Context, name: string): string {
  const { found } = findQuadlets(searchFolders(context))
  const one = found.find((each) => each.name === name)
  if (one === undefined) throw notFound(name)
  return readUnit(one.path)
}
