import { TspodError } from '../../base/errors.js'
import type { UsernsPlan } from '../../runtime/protocol.js'
import { readInRoot, type RootSource } from '../../storage/root-archive.js'
import { findAccount, type Owner } from '../containers/copy-owner.js'

const maximumId = 0xffff_fffe

/**
 * The ids of `--chown=USER[:GROUP]`, by the stage's own /etc/passwd and /etc/group. A number without a group is the
 * group's number, too; a name's group is its own. Digits are never looked up as names (BuildKit).
 */
export async function copyOwner(text: string, root: RootSource, plan: UsernsPlan): Promise<Owner> {
  const colon = text.indexOf(':')
  const [user, group] = colon === -1 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)]
  const owner = user === '' ? { uid: 0, gid: 0 } : await userIds(user, root, plan)
  if (group === undefined || group === '') return owner
  const gid = parseId(group) ?? findAccount(await readInRoot(root, '/etc/group', plan), group)?.id
  if (gid === undefined) throw new TspodError('invalid-argument', `--chown=${text}: the stage has no group "${group}"`)
  return { uid: owner.uid, gid }
}

async function userIds(user: string, root: RootSource, plan: UsernsPlan): Promise<Owner> {
  const uid = parseId(user)
  if (uid !== undefined) return { uid, gid: uid }
  const account = findAccount(await readInRoot(root, '/etc/passwd', plan), user)
  if (account === undefined) throw new TspodError('invalid-argument', `--chown: the stage has no user "${user}"`)
  return { uid: account.id, gid: account.group }
}

function parseId(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined
  const id = Number(text)
  if (id > maximumId) throw new TspodError('invalid-argument', `--chown: "${text}" is no user or group: too large`)
  return id
}
