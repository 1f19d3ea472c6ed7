import { copyFileSync, constants, lstatSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { findQuadlets, type Found, readUnit, userFolder } from '../../systemd/quadlet/folders.js'
import { loadQuadlet } from '../../systemd/quadlet/load.js'
import { serviceName } from '../../systemd/quadlet/service.js'
import { kindOf } from '../../systemd/quadlet/source.js'
import { parseUnit } from '../../systemd/unit-file.js'
import type { Context } from '../context.js'
import { warnOfLogout } from './linger.js'
import { convertQuadlets, searchFolders } from './quadlet.js'
import { systemctl } from './systemctl.js'
import type { QuadletInstallOptions, QuadletOptions, QuadletRemoveOptions, QuadletSummary } from './types.js'

/** Copies quadlets, or all of a folder's, to where this user's are. Returns where each went. */
export async function installQuadlets(
  context: Context,
  paths: readonly string[],
  options: QuadletInstallOptions,
): Promise<string[]> {
  const folder = userFolder(context.env)
  const files = paths.flatMap(filesOf)
  // All are looked at before one is copied.
  if (!files.some((file) => kindOf(basename(file)) !== undefined))
    throw new TspodError(
      'invalid-argument',
      `no quadlet among ${paths.join(', ')}: their names end in .container, .volume, .network, .pod, .kube, .image or .build`,
    )
  for (const file of files) {
    if (kindOf(basename(file)) !== undefined) parseUnit(readUnit(file), file)
    if (options.replace !== true && lstatSync(join(folder, basename(file)), { throwIfNoEntry: false }))
      throw new TspodError(
        'name-in-use',
        `${join(folder, basename(file))} is there already: say --replace, or remove it with "tspod quadlet rm ${basename(file)}"`,
      )
  }
  mkdirSync(folder, { recursive: true })
  const installed = files.map((file) => {
    const target = join(folder, basename(file))
    rmSync(target, { force: true })
    copyFileSync(file, target, constants.COPYFILE_EXCL)
    return target
  })
  if (options.reload !== false) await systemctl(context, ['daemon-reload'])
  await warnOfLogout(context)
  return installed
}

/** A file, or those of a folder. */
function filesOf(path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new TspodError('invalid-argument', `${path}: no such file`)
  if (stat.isFile()) return [path]
  if (!stat.isDirectory()) throw new TspodError('invalid-argument', `${path} is neither a file nor a folder`)
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => join(path, name))
}

/** Every quadlet that this user has, with its service and how that does. */
export async function listQuadlets(context: Context, options: QuadletOptions): Promise<QuadletSummary[]> {
  const { found } = findQuadlets(searchFolders(context))
  const { services, errors } = await convertQuadlets(context, options)
  const states = await unitStates(
    context,
    services.map(({ name }) => name),
  )
  return found.map(({ name, path }) => {
    const unit = services.find(({ source }) => source === path)?.name
    const wrong = errors.find(({ message }) => message.includes(path))?.message
    const status = unit === undefined ? (wrong ?? 'Not loaded') : (states.get(unit) ?? 'Not loaded')
    return { name, unit: unit ?? '', path, status }
  })
}

async function unitStates(context: Context, units: readonly string[]): Promise<ReadonlyMap<string, string>> {
  // A template has no state.
  const asked = units.filter((unit) => !unit.includes('@.'))
  if (asked.length === 0) return new Map()
  const fields = 'Id,LoadState,ActiveState,SubState'
  try {
    const text = await systemctl(context, ['show', `--property=${fields}`, '--', ...asked])
    return new Map(text.split(/\n\n+/).flatMap(stateOf))
  } catch (error) {
    context.log('warn', error instanceof Error ? error.message : String(error))
    return new Map()
  }
}

function stateOf(block: string): [string, string][] {
  const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(block)?.[1] ?? ''
  if (value('Id') === '' || value('LoadState') !== 'loaded') return []
  return [[value('Id'), `${value('ActiveState')}/${value('SubState')}`]]
}

export function readQuadlet(context: Context, name: string): string {
  return readUnit(find(context, name).path)
}

function find(context: Context, name: string): Found {
  const { found } = findQuadlets(searchFolders(context))
  const one = found.find((each) => each.name === name)
  if (one !== undefined) return one
  throw new TspodError('invalid-argument', `no quadlet "${name}" found: "tspod quadlet list" shows those there are`)
}

/** Takes quadlets away. One whose service runs is kept, unless `force` stops that. */
export async function removeQuadlets(
  context: Context,
  names: readonly string[],
  options: QuadletRemoveOptions,
): Promise<string[]> {
  const { found, within } = findQuadlets(searchFolders(context))
  const chosen =
    options.all === true ? found : names.flatMap((name) => existing(context, name, options.ignore === true))
  for (const one of chosen) {
    const unit = `${serviceName(loadQuadlet(one, within))}.service`
    const state = unit.includes('@.') ? undefined : (await unitStates(context, [unit])).get(unit)
    if (state === undefined || !/^(?:active|activating|reloading)\//.test(state)) continue
    if (options.force !== true)
      throw new TspodError('container-running', `${unit} of ${one.name} is running: stop it, or say --force`)
    await systemctl(context, ['stop', unit])
  }
  for (const { path } of chosen) rmSync(path, { force: true })
  if (chosen.length > 0 && options.reload !== false) await systemctl(context, ['daemon-reload'])
  return chosen.map(({ name }) => name)
}

function existing(context: Context, name: string, ignore: boolean): Found[] {
  try {
    return [find(context, name)]
  } catch (error) {
    if (ignore && error instanceof TspodError) return []
    throw error
  }
}
