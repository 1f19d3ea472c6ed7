import { readText } from '../src/state/file.js'
import { unrepeatable } from '../src/base/looks.js'

/** A block of ids. */
export interface IdRange {
  readonly start: number
  readonly count: number
}

/** One line of /etc/subuid or /etc/subgid; the owner is a name or a number, as written. */
export interface SubidEntry extends IdRange {
  readonly owner: string
}

/** What may be delegated to a user, and by whom it was said. */
export interface SubidRanges {
  readonly uids: readonly IdRange[]
  readonly gids: readonly IdRange[]
  /** `/etc/subuid`, `getsubids` */
  readonly source: string
}

export interface SubidFiles {
  readonly subuid?: string
  readonly subgid?: string
  readonly nsswitch?: string
}

/**
 * The subordinate ids of a user. The files are asked first; `getsubids`, which knows directories (sssd and its kin),
 * only where nsswitch.conf names another source or the files have nothing.
 */
export async function subordinateIds(
  user: { readonly uid: number; readonly name: string | undefined },
  files: SubidFiles = {},
): Promise<SubidRanges> {
  const { subuid = '/etc/subuid', subgid = '/etc/subgid', nsswitch = '/etc/nsswitch.conf' } = files
  const others = subidSource(readText(nsswitch) ?? '') !== 'files'
  if (!others) {
    const uids = rangesOf(parseSubid(readText(subuid) ?? ''), user)
    const gids = rangesOf(parseSubid(readText(subgid) ?? ''), user)
    if (uids.length > 0 && gids.length > 0) return { uids, gids, source: subuid }
  }
  const asked = user.name ?? String(user.uid)
  const [uids, gids] = await Promise.all([getsubids([asked]), getsubids(['-g', asked])])
  return { uids, gids, source: others ? 'getsubids' : subuid }
}

/** The first service of nsswitch.conf's `subid` line; files where there is none, as libsubid has it. */
export function subidSource(nsswitch: string): string {
  return /^\s*subid:[ \t]*([\w-]+)/m.exec(nsswitch)?.[1] ?? 'files'
}

/** The entries of the file; lines that are not `owner:start:count` are passed over, as newuidmap does. */
export function parseSubid(text: string): SubidEntry[] {
  const entries: SubidEntry[] = []
  for (const line of text.split('\n')) {
    const match = /^([^:#\s][^:]*):(\d{1,10}):(\d{1,10})$/.exec(line.trim())
    if (match?.[1] === undefined) continue
    const range = validRange(Number(match[2]), Number(match[3]))
    if (range) entries.push({ owner: match[1], ...range })
  }
  return entries
}

/** A user's ranges, by name and by number, in the file's order. */
export function rangesOf(
  entries: readonly SubidEntry[],
  user: { readonly uid: number; readonly name: string | undefined },
): IdRange[] {
  return entries
    .filter(({ owner }) => owner === user.name || owner === String(user.uid))
    .map(({ start, count }) => ({ start, count }))
}

/** What getsubids prints: `0: tester 100000 65536`. */
export function parseGetsubids(text: string): IdRange[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\d+:\s+\S+\s+(\d{1,10})\s+(\d{1,10})$/.exec(line.trim())
    return match ? (validRange(Number(match[1]), Number(match[2])) ?? []) : []
  })
}

/** The name of a user in /etc/passwd, or by the host's NSS if it is not there. */
export async function userName(uid: number, passwd = '/etc/passwd'): Promise<string | undefined> {
  const found = new RegExp(`^([^:\\n]+):[^:\\n]*:${String(uid)}:`, 'm').exec(readText(passwd) ?? '')
  if (found) return found[1]
  unrepeatable('the name service was asked')
  const { userInfo } = await import('node:os')
  try {
    return userInfo().username
  } catch {
    return undefined // a number without a name: nothing to look for then
  }
}

/** 4294967295 is no id: (uid_t)-1 means “do not change”. */
function validRange(start: number, count: number): IdRange | undefined {
  return count > 0 && start + count <= 0xffffffff ? { start, count } : undefined
}

async function getsubids(args: readonly string[]): Promise<IdRange[]> {
  unrepeatable('getsubids was asked')
  const { execFile } = await import('node:child_process')
  return new Promise((resolve) => {
    execFile('getsubids', args, { timeout: 10_000, maxBuffer: 1 << 20 }, (error, stdout) => {
      // Not installed, or no ranges: both mean that there are none to be had this way.
      resolve(error ? [] : parseGetsubids(stdout))
    })
  })
}
