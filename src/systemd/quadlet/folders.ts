import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { maximumUnitBytes } from '../unit-file.js'
import { kindOf } from './source.js'

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

/** The same as its quadlets have it in their paths, whichever links lead there. */
export function realUserFolder(env: Readonly<Record<string, string | undefined>>): string {
  return realFolder(userFolder(env)) ?? userFolder(env)
}

/** Nobody has more; a loop of links has. */
const maximumFolders = 500
const maximumFiles = 5000

/** A quadlet's name and file. */
export interface Found {
  readonly name: string
  readonly path: string
}

export interface FoundQuadlets {
  readonly found: Found[]
  /** Every folder that was looked into. */
  readonly within: string[]
  /** Of folders and files that cannot be looked at. */
  readonly errors: Error[]
}

/** Every quadlet below the folders. */
export function findQuadlets(folders: readonly string[]): FoundQuadlets {
  const within: string[] = []
  const errors: Error[] = []
  const seen = new Set<string>()
  const files = new Map<string, string>()
  const visit = (path: string): void => {
    const folder = realFolder(path)
    if (folder === undefined || seen.has(folder) || seen.size >= maximumFolders) return
    seen.add(folder)
    const entries = attempt(errors, folder, () => readdirSync(folder, { withFileTypes: true }))
    if (entries === undefined) return
    within.push(folder)
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const { name } of entries) {
      const file = join(folder, name)
      if (kindOf(name) === undefined || files.has(name)) continue
      const stat = attempt(errors, file, () => statSync(file))
      if (stat?.isFile() !== true) continue
      if (files.size < maximumFiles) files.set(name, file)
      else
        errors.push(new Error(`${file}: there are ${String(maximumFiles)} quadlets already, and no more are looked at`))
    }
    for (const entry of entries) {
      // Folders of other users' ids are not ours, and drop-ins are no quadlets.
      const foreign = folder.endsWith('/systemd/users') && /^\d+$/.test(entry.name)
      if ((entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.endsWith('.d') && !foreign)
        visit(join(folder, entry.name))
    }
  }
  for (const folder of folders) visit(folder)
  const found = [...files].map(([name, path]) => ({ name, path }))
  return { found: found.sort((a, b) => (a.name < b.name ? -1 : 1)), within, errors }
}

function attempt<T>(errors: Error[], path: string, action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    errors.push(unreadable(path, error))
    return undefined
  }
}

/** The names of a folder's entries; of none if there is no such folder. */
export function entriesOf(folder: string): string[] {
  if (realFolder(folder) === undefined) return []
  try {
    return readdirSync(folder)
  } catch (error) {
    throw unreadable(folder, error)
  }
}

/** Undefined if there is none, or none for us. */
export function realFolder(path: string): string | undefined {
  try {
    const real = realpathSync(path)
    return statSync(real).isDirectory() ? real : undefined
  } catch {
    return undefined
  }
}

/** Not longer than a unit can be, no pipe that would make the generator wait, and text. */
export function readUnit(path: string): string {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw unreadable(path, error)
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw new TspodError('config-invalid', `${path}: it is not a file`)
    if (stat.size > maximumUnitBytes) throw new TspodError('config-invalid', `${path}: it is longer than a megabyte`)
    return decodeUnit(readFileSync(fd), path)
  } finally {
    closeSync(fd)
  }
}

/** Throws for what is no UTF-8, which systemd would leave out. */
export function decodeUnit(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new TspodError('config-invalid', `${path}: it is not UTF-8`)
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'you may not read it',
  EPERM: 'you may not read it',
  ELOOP: 'it is a link to itself',
  ENOENT: 'it is a link to nothing',
}

function unreadable(path: string, error: unknown): TspodError {
  const reason = error instanceof Error && 'code' in error ? reasons[String(error.code)] : undefined
  if (reason !== undefined) return new TspodError('io', `${path}: ${reason}`)
  return new TspodError('io', `${path}: it cannot be read`, { cause: error })
}
