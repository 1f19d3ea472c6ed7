import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { maximumUnitBytes, mergeUnits, parseUnit, type UnitFile } from '../unit-file.js'
import { kindOf, type Source } from './source.js'
import { stemOf } from './service.js'

/** Where a user's quadlets are, the first before the others: a name counts once. */
export function quadletFolders(env: Readonly<Record<string, string | undefined>>, uid: number): string[] {
  const given = env['QUADLET_UNIT_DIRS']
  if (given !== undefined && given !== '') return given.split(':').filter((path) => path.startsWith('/'))
  const runtime = env['XDG_RUNTIME_DIR']
  return [
    ...(runtime === undefined || runtime === '' ? [] : [`${runtime}/containers/systemd`]),
    userFolder(env),
    `/etc/containers/systemd/users/${String(uid)}`,
    '/etc/containers/systemd/users',
  ]
}

/** Where `tspod quadlet install` puts files. */
export function userFolder(env: Readonly<Record<string, string | undefined>>): string {
  const configured = env['XDG_CONFIG_HOME']
  return `${configured === undefined || configured === '' ? `${env['HOME'] ?? ''}/.config` : configured}/containers/systemd`
}

/** Nobody has more; a loop of links has. */
const maximumFolders = 500
const maximumFiles = 5000

/** A quadlet's name and file. */
export interface Found {
  readonly name: string
  readonly path: string
}

/** Every quadlet below the folders. */
export function findQuadlets(folders: readonly string[]): { readonly found: Found[]; readonly within: string[] } {
  const within: string[] = []
  const seen = new Set<string>()
  const files = new Map<string, string>()
  const visit = (folder: string): void => {
    const real = realFolder(folder)
    if (real === undefined || seen.has(real) || seen.size >= maximumFolders) return
    seen.add(real)
    within.push(folder)
    const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const { name } of entries) {
      const path = join(folder, name)
      if (kindOf(name) !== undefined && files.size < maximumFiles && !files.has(name) && isFile(path))
        files.set(name, path)
    }
    for (const entry of entries) {
      // Folders of other users' ids are not ours, and drop-ins are no quadlets.
      const foreign = /\/systemd\/users$/.test(folder) && /^\d+$/.test(entry.name)
      if ((entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.endsWith('.d') && !foreign)
        visit(join(folder, entry.name))
    }
  }
  for (const folder of folders) visit(folder)
  return {
    found: [...files].map(([name, path]) => ({ name, path })).sort((a, b) => (a.name < b.name ? -1 : 1)),
    within,
  }
}

/** Reads one with its drop-ins. */
export function loadQuadlet({ name, path }: Found, folders: readonly string[]): Source {
  const kind = kindOf(name)
  if (kind === undefined) throw new TspodError('invalid-argument', `${name} is not the name of a quadlet`)
  let unit: UnitFile = parseUnit(readUnit(path), path)
  for (const dropIn of dropIns(name, kind, folders)) unit = mergeUnits(unit, parseUnit(readUnit(dropIn), dropIn))
  return { name, kind, path, unit }
}

/** The files of `NAME.d/`, of its prefixes' and template's folders and of `KIND.d/`: the most particular of a name counts. */
function dropIns(name: string, kind: string, folders: readonly string[]): string[] {
  const stem = stemOf(name)
  const template = /^([^@]+@).+$/.exec(stem)?.[1]
  const dashes = [...stem]
    .flatMap((character, index) => (character === '-' ? [stem.slice(0, index + 1)] : []))
    .reverse()
  const stems = [stem, ...(template === undefined ? [] : [template]), ...dashes]
  const candidates = [...stems.map((each) => `${each}.${kind}.d`), `${kind}.d`]
  const files = new Map<string, string>()
  for (const candidate of candidates) {
    for (const folder of folders) {
      for (const file of confFiles(join(folder, candidate))) {
        if (!files.has(file)) files.set(file, join(folder, candidate, file))
      }
    }
  }
  return [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path)
}

function confFiles(folder: string): string[] {
  return realFolder(folder) === undefined ? [] : readdirSync(folder).filter((name) => name.endsWith('.conf'))
}

function realFolder(path: string): string | undefined {
  try {
    const real = realpathSync(path)
    return statSync(real).isDirectory() ? real : undefined
  } catch {
    return undefined // not there, or not for us
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

/** Not longer than a unit can be, and no pipe that would make the generator wait. */
export function readUnit(path: string): string {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw new TspodError('io', `reading ${path}`, { cause: error })
  }
  try {
    const { size } = fstatSync(fd)
    if (size > maximumUnitBytes) throw new TspodError('config-invalid', `${path} is longer than a megabyte`)
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}
