import { accessSync, constants, statSync } from 'node:fs'
import { TspodError } from '../../base/errors.js'

/** The file that a shell would start for this word; `exec-not-found` and `exec-not-executable` as a shell tells them apart. */
export function findCommand(name: string, path: string | undefined): string {
  const candidates = name.includes('/')
    ? [name]
    : (path ?? '/usr/bin:/bin').split(':').map((folder) => `${folder === '' ? '.' : folder}/${name}`)
  const files = candidates.filter(isFile)
  const usable = files.find(isExecutable)
  if (usable !== undefined) return usable
  if (files.length > 0 || (name.includes('/') && isThere(name)))
    throw new TspodError('exec-not-executable', `${name}: it is no program, or not for this user`)
  throw new TspodError('exec-not-found', `${name}: command not found`)
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true
  } catch {
    return false // a folder of PATH that is not for us
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
