import { TspodError } from '../../base/errors.js'
import type { ContainerRecord } from '../../container/record.js'
import { readInRoot } from '../../storage/root-archive.js'
import type { OpenRoot } from './root-source.js'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

const maximumId = 0xffff_fffe

/** The ids of a container's user, by its own /etc/passwd and /etc/group: digits are never looked up as names. */
export async function containerOwner(record: ContainerRecord, { root, plan }: OpenRoot): Promise<Owner> {
  const [user = '', group] = record.spec.user.split(':', 2)
  const numbers = { uid: parseId(user === '' ? '0' : user), gid: group === undefined ? undefined : parseId(group) }
  if (numbers.uid === 0 && group === undefined) return { uid: 0, gid: 0 }
  const account = findAccount(await readInRoot(root, '/etc/passwd', plan), numbers.uid ?? user)
  const uid = numbers.uid ?? account?.id
  if (uid === undefined) throw new TspodError('invalid-argument', `the container has no user "${user}"`)
  if (group === undefined) return { uid, gid: account?.group ?? 0 }
  const gid = numbers.gid ?? findAccount(await readInRoot(root, '/etc/group', plan), group)?.id
  if (gid === undefined) throw new TspodError('invalid-argument', `the container has no group "${group}"`)
  return { uid, gid }
}

function parseId(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined
  const id = Number(text)
  if (id > maximumId) throw new TspodError('invalid-argument', `"${text}" is no user or group: too large`)
  return id
}

interface Account {
  readonly id: number
  readonly group: number
}

/** The first line of that name or number. */
export function findAccount(text: string, wanted: string | number): Account | undefined {
  for (const line of text.split('\n')) {
    const [name, , id, group] = line.split(':', 4)
    if (name === undefined || id === undefined || !/^\d{1,10}$/.test(id)) continue
    if (typeof wanted === 'number' ? Number(id) !== wanted : name !== wanted) continue
    return { id: Number(id), group: /^\d{1,10}$/.test(group ?? '') ? Number(group) : 0 }
  }
  return undefined
}
