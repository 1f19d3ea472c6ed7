import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readUnit } from '../../systemd/quadlet/folders.js'
import { removeFile, writeFileAtomic } from '../../state/file.js'

/**
 * Which files belong together, as Podman notes it beside them: `.NAME.app` has the names of an application's files, a line
 * each, `.QUADLET.asset` of those that came with one quadlet.
 */
export interface Belongings {
  /** `.shop.app` by the name of each of its files. */
  readonly applicationOf: ReadonlyMap<string, string>
  readonly filesOf: (list: string) => readonly string[]
}

export function readBelongings(folder: string): Belongings {
  const lists = new Map<string, readonly string[]>()
  const applicationOf = new Map<string, string>()
  for (const list of hiddenLists(folder)) {
    const names = readUnit(join(folder, list)).split('\n').filter(isName)
    lists.set(list, names)
    if (list.endsWith('.app')) for (const name of names) applicationOf.set(name, list)
  }
  return { applicationOf, filesOf: (list) => lists.get(list) ?? [] }
}

/** Notes that files belong to an application or quadlet, together with those that do already. */
export function addBelongings(folder: string, list: string, names: readonly string[]): void {
  const path = join(folder, list)
  let before: string[] = []
  try {
    before = readFileSync(path, 'utf8').split('\n').filter(isName)
  } catch {
    /* There was none. */
  }
  writeFileAtomic(path, [...new Set([...before, ...names])].map((name) => `${name}\n`).join(''))
}

/** Files that are gone belong to nothing. */
export function dropBelongings(folder: string, names: readonly string[]): void {
  const { filesOf } = readBelongings(folder)
  for (const list of hiddenLists(folder)) {
    const left = filesOf(list).filter((name) => !names.includes(name))
    if (left.length === 0) removeFile(join(folder, list))
    else if (left.length < filesOf(list).length)
      writeFileAtomic(join(folder, list), left.map((name) => `${name}\n`).join(''))
  }
}

function hiddenLists(folder: string): string[] {
  try {
    return readdirSync(folder).filter(isList)
  } catch {
    return [] // the folder is not there yet
  }
}

export function isList(name: string): boolean {
  return /^\.[^/]+\.(?:app|asset)$/.test(name)
}

/** Of a file in this folder: a list decides what is removed. */
function isName(line: string): boolean {
  return line !== '' && line !== '.' && line !== '..' && !line.includes('/')
}
