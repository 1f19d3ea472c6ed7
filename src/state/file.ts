import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { TspodError } from '../base/errors.js'
import { lookedAt, lookedAtFile, unrepeatable, wrote } from '../base/looks.js'
import { removeTree } from '../base/syscalls.js'

/**
 * Folders are their owner's only. Called by root they can be passed through: containers' root is another user then,
 * and the folders above let nobody else in (rootless/root-caller.ts).
 */
export const folderMode = process.geteuid?.() === 0 ? 0o711 : 0o700

const maximumSize = 16 * 1024 * 1024

export interface WriteOptions {
  /** Reaches the disk before the file gets its name. For what must outlive a power cut. */
  readonly sync?: boolean
  readonly mode?: number
}

/** The value of a JSON file; undefined if there is none, `store-corrupt` if it is not JSON. */
export function readJson(path: string): unknown {
  const text = readText(path)
  return text === undefined ? undefined : parseJson(text, path)
}

/** The same of what can be made again, and is not synced: a power cut may leave it empty, and then there is none. */
export function readCached(path: string): unknown {
  try {
    return readJson(path)
  } catch {
    return undefined
  }
}

/** The value that the text of a file stands for; `store-corrupt` if it is not JSON. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new TspodError('store-corrupt', `${path} is not valid JSON`, { cause: error })
  }
}

/** The text of a regular file of bounded size; undefined if there is none. */
export function readText(path: string): string | undefined {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (!isMissing(error)) throw new TspodError('io', `reading ${path}`, { cause: error })
    lookedAtFile(path, undefined, 0)
    return undefined
  }
  try {
    const { text, inode } = readWhole(fd, path)
    lookedAtFile(path, text, inode)
    return text
  } finally {
    closeSync(fd)
  }
}

/** Replaces a file whole: written under another name beside it, then renamed. */
export function writeFileAtomic(path: string, data: string | Uint8Array, options: WriteOptions = {}): void {
  const temporary = `${path}.${process.pid}.tmp`
  unrepeatable(`${path} was written`)
  try {
    writeFile(temporary, data, options)
    renameSync(temporary, path)
    if (options.sync === true) syncFolder(dirname(path))
  } catch (error) {
    removeFile(temporary)
    throw new TspodError('io', `writing ${path}`, { cause: error })
  }
}

/** Writes a file that has no readers yet. */
export function writeFile(path: string, data: string | Uint8Array, options: WriteOptions = {}): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW
  const mode = options.mode ?? 0o600
  const fd = openSync(path, flags, mode)
  wrote('file', path, mode, data)
  try {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written)
    if (options.sync === true) fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Makes a folder that is not there yet. */
export function makeFolder(path: string, mode: number): void {
  mkdirSync(path, { mode })
  wrote('folder', path, mode, '')
}

/** Makes a folder and what is missing above it. */
export function ensureFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: folderMode })
}

/** Writes a folder's entries to the disk. */
export function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Removes a file if it is there. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

/** Removes a folder of our own and all below it; never follows a link. For trees with foreign owners see storage. */
export function removeFolder(path: string): void {
  unrepeatable(`${path} was removed`)
  removeTree(path)
}

/** Whether a path names anything, links not followed. */
export function exists(path: string): boolean {
  lookedAt('entry', path)
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

export function isMissing(error: unknown): boolean {
  return hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR')
}

export function hasErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

function readWhole(fd: number, path: string): { readonly text: string; readonly inode: number } {
  const stat = fstatSync(fd)
  if (!stat.isFile()) throw new TspodError('store-corrupt', `${path} is not a regular file`)
  let buffer = Buffer.allocUnsafe(Math.max(stat.size + 1, 4096))
  let length = 0
  for (;;) {
    const count = readSync(fd, buffer, length, buffer.length - length, null)
    if (count === 0) return { text: buffer.toString('utf8', 0, length), inode: stat.ino }
    length += count
    if (length > maximumSize) throw new TspodError('limit-exceeded', `${path} is larger than ${maximumSize} bytes`)
    if (length === buffer.length) buffer = Buffer.concat([buffer], length * 2)
  }
}
