import { mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../base/errors.js'
import { unrepeatable } from '../base/looks.js'
import { readEach } from '../base/syscalls.js'
import {
  ensureFolder,
  exists,
  folderMode,
  hasErrno,
  isMissing,
  readJson,
  readText,
  removeFolder,
  writeFile,
  writeFileAtomic,
} from './file.js'

/** Named things, a folder each, that hold a JSON record `record.json` and whatever else belongs to them. */
export interface Collection<T> {
  folder(name: string): string
  /** Undefined if there is none; `store-corrupt` if its record can't be read. */
  get(name: string): T | undefined
  /** In the order of names; those that can't be read are handed to `onCorrupt` and left out. */
  list(onCorrupt?: (name: string, error: unknown) => void): T[]
  names(): string[]
  /** Makes a folder with its record under a temporary name, fills it by `fill`, and gives it its name. */
  create(name: string, record: T, fill?: (folder: string) => void): boolean
  update(name: string, record: T): void
  /** Takes the name away at once; the content goes after that. */
  remove(name: string): void
}

const recordFile = 'record.json'

/** `parse` turns what was read into a T, or throws. */
export function collection<T>(root: string, temporary: string, parse: (value: unknown) => T): Collection<T> {
  const folder = (name: string): string => join(root, requireSafe(name))
  const get = (name: string): T | undefined => {
    const value = readJson(join(folder(name), recordFile))
    return value === undefined ? undefined : parse(value)
  }
  return {
    folder,
    get,
    names: () => namesIn(root),
    list: (onCorrupt) => namesIn(root).flatMap((name) => readOne(name, get, onCorrupt)),
    create: (name, record, fill) => createOne(folder(name), temporary, record, fill),
    update: (name, record) => writeFileAtomic(join(folder(name), recordFile), JSON.stringify(record), { sync: true }),
    remove: (name) => removeOne(folder(name), temporary),
  }
}

/** The names in a folder, sorted; none if there is no such folder. */
export function namesIn(root: string): string[] {
  try {
    return readdirSync(root).sort()
  } catch (error) {
    if (isMissing(error)) return []
    throw new TspodError('io', `reading ${root}`, { cause: error })
  }
}

/** A folder's files as `readFolders` found them. */
export interface FolderTexts {
  readonly name: string
  /** The text of the nth file asked for; undefined if there is none. */
  text(index: number): string | undefined
}

/**
 * The same few files of every folder in `root`, read at once; in no order, none if there is no such folder. Of the
 * first `heads` files a reader wants the first line only, and may get it without the rest.
 */
export function readFolders(root: string, files: readonly string[], heads = 0): FolderTexts[] {
  unrepeatable(`the folders in ${root} were read`)
  const texts = readAll(root, files, heads)
  const folders: FolderTexts[] = []
  for (let at = 0; at < texts.length; at += files.length + 1) {
    const name = texts[at] ?? ''
    folders.push({
      name,
      text: (index) => {
        const text = texts[at + 1 + index]
        return text === null ? readText(join(root, name, files[index] ?? '')) : text
      },
    })
  }
  return folders
}

function readAll(root: string, files: readonly string[], heads: number): (string | null | undefined)[] {
  try {
    return readEach(root, files, heads)
  } catch (error) {
    if (isMissing(error)) return []
    throw new TspodError('io', `reading ${root}`, { cause: error })
  }
}

function readOne<T>(
  name: string,
  get: (name: string) => T | undefined,
  onCorrupt?: (name: string, error: unknown) => void,
): T[] {
  try {
    const value = get(name)
    return value === undefined ? [] : [value]
  } catch (error) {
    onCorrupt?.(name, error)
    return []
  }
}

function createOne<T>(folder: string, temporary: string, record: T, fill?: (folder: string) => void): boolean {
  if (exists(folder)) return false
  const half = temporaryName(temporary)
  mkdirSync(half, { recursive: true, mode: folderMode })
  try {
    fill?.(half)
    writeFile(join(half, recordFile), JSON.stringify(record), { sync: true })
    ensureFolder(join(folder, '..'))
    renameSync(half, folder)
    return true
  } catch (error) {
    removeFolder(half)
    if (hasErrno(error, 'ENOTEMPTY') || hasErrno(error, 'EEXIST')) return false
    throw error
  }
}

function removeOne(folder: string, temporary: string): void {
  ensureFolder(temporary)
  const gone = temporaryName(temporary)
  try {
    renameSync(folder, gone)
  } catch (error) {
    if (isMissing(error)) return
    throw error
  }
  removeFolder(gone)
}

let sequence = 0

/** A name in tmp/ that tells who is at work in it: what is left of a dead process is litter. */
function temporaryName(temporary: string): string {
  sequence += 1
  return join(temporary, `collection-${process.pid}-${Date.now()}-${sequence}`)
}

function requireSafe(name: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) return name
  throw new TspodError('invalid-argument', `"${name}" is not a name: names match [a-zA-Z0-9][a-zA-Z0-9_.-]*`)
}
