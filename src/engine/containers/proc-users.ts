import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { readText } from '../../state/file.js'

/** Ids of the host as the container knows them, by the maps of its user namespace and its own files of names. */
export interface ContainerIds {
  user(hostUid: number): string
  group(hostGid: number): string
}

/** By process 1 of the container. What can't be named is a number; what is not mapped is `?`. */
export function containerIds(pid: number): ContainerIds {
  const users = namesOf(readBeneath(pid, ['etc', 'passwd']))
  const groups = namesOf(readBeneath(pid, ['etc', 'group']))
  const uidMap = parseIdMap(readText(`/proc/${String(pid)}/uid_map`) ?? '')
  const gidMap = parseIdMap(readText(`/proc/${String(pid)}/gid_map`) ?? '')
  return {
    user: (uid) => named(users, inside(uidMap, uid)),
    group: (gid) => named(groups, inside(gidMap, gid)),
  }
}

function named(names: ReadonlyMap<number, string>, id: number | undefined): string {
  return id === undefined ? '?' : (names.get(id) ?? String(id))
}

interface IdRange {
  readonly inside: number
  readonly outside: number
  readonly size: number
}

/** The kernel gives the outer ids as the reader knows them. */
export function parseIdMap(text: string): readonly IdRange[] {
  return text.split('\n').flatMap((line) => {
    const [inside, outside, size] = line.trim().split(/\s+/).map(Number)
    return inside === undefined || outside === undefined || size === undefined ? [] : [{ inside, outside, size }]
  })
}

function inside(map: readonly IdRange[], id: number): number | undefined {
  const range = map.find(({ outside, size }) => id >= outside && id < outside + size)
  return range && range.inside + id - range.outside
}

/** `name:…:ID:…` lines; the first name of an id counts. */
export function namesOf(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>()
  for (const line of text.split('\n')) {
    const [name, , id] = line.split(':')
    if (name && id && /^\d+$/.test(id) && !names.has(Number(id))) names.set(Number(id), name)
  }
  return names
}

const maximumSize = 1024 * 1024

/**
 * A file of the container's root, or nothing. Each part is opened below the last and no link is followed: an absolute
 * one would lead into the host, since links in /proc/PID/root are resolved from the reader's root.
 */
function readBeneath(pid: number, parts: readonly string[]): string {
  const fds: number[] = []
  try {
    let path = `/proc/${String(pid)}/root`
    fds.push(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY))
    for (const [index, part] of parts.entries()) {
      path = `/proc/self/fd/${String(fds.at(-1))}/${part}`
      const kind = index < parts.length - 1 ? constants.O_DIRECTORY : constants.O_NONBLOCK
      fds.push(openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | kind))
    }
    return readBounded(fds.at(-1) ?? -1)
  } catch {
    /* None, a link, or not for us to read: ids stay numbers. */
    return ''
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

function readBounded(fd: number): string {
  if (!fstatSync(fd).isFile()) return ''
  const buffer = Buffer.allocUnsafe(maximumSize)
  let length = 0
  for (let count = 1; count > 0 && length < maximumSize; length += count)
    count = readSync(fd, buffer, length, maximumSize - length, length)
  return buffer.toString('utf8', 0, length)
}
