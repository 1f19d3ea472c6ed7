import { chmodSync, chownSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { TspodError } from '../src/base/errors.js'
import { insideVariable, rootMapping } from './ladder.js'

/**
 * Called by root, containers have a root of their own, who is nobody on the host: who made the store is not who works
 * in it. So the store's two top folders may be entered by that root's group and by no other user, and what is below
 * them is open to those who got there.
 */
export function isRootCaller(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return process.geteuid?.() === 0 && env[insideVariable] === undefined
}

/** Where root's things are: root's home is closed to all others. */
export const rootFolders = { graphroot: '/var/lib/tspod', runroot: '/run/tspod' } as const

/** Lets containers' root pass through one of the two top folders. */
export function openToContainersRoot(path: string): void {
  if (!isRootCaller()) return
  for (let above = dirname(path); above !== '/'; above = dirname(above)) {
    if ((statSync(above).mode & 0o001) !== 0) continue
    throw new TspodError(
      'host-requirement',
      `${path} is of no use to root: containers have a root of their own, to whom ${above} is closed; take another folder, or as root: chmod o+x ${above}`,
    )
  }
  chownSync(path, 0, containersRoot().gid)
  chmodSync(path, 0o710)
}

/**
 * A store's files belong to the ids that /etc/subuid gave root when it was made. With others in the file now, nothing
 * in the store could be read: that is said before anything else is tried.
 */
export function requireSameContainersRoot(graphroot: string): void {
  if (!isRootCaller()) return
  const { gid } = containersRoot()
  const made = statSync(graphroot).gid
  if (made === gid) return
  throw new TspodError(
    'host-requirement',
    `${graphroot} was made for containers with ids from ${String(made)}, and root's ids now begin with ${String(gid)}: give root its range back in /etc/subuid and /etc/subgid, or take another folder (--root)`,
  )
}

/** Hands over what the container itself is to write: its upper folder, a volume's data. */
export function giveToContainersRoot(path: string): void {
  if (!isRootCaller()) return
  const { uid, gid } = containersRoot()
  chownSync(path, uid, gid)
}

function containersRoot(): { readonly uid: number; readonly gid: number } {
  const { uidMappings, gidMappings } = rootMapping().plan
  const [uid, gid] = [uidMappings[0]?.hostID, gidMappings[0]?.hostID]
  if (uid === undefined || gid === undefined) throw new TspodError('internal', 'the id map is empty')
  return { uid, gid }
}
