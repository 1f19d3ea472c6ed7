import { userInfo } from 'node:os'
import { unrepeatable } from '../src/base/looks.js'
import { TspodError } from '../src/base/errors.js'
import { readText } from '../src/state/file.js'
import { parseSubid, rangesOf } from './subid.js'

/**
 * `--subuidname`, `--subgidname`: a store's files have the ids of the user's own range, so that is the one there is. A
 * name that stands for another, or for none, is told.
 */
export function requireOwnRanges(names: {
  readonly subuid: string | undefined
  readonly subgid: string | undefined
}): void {
  unrepeatable('ranges by name')
  const { uid, username } = userInfo()
  for (const kind of ['subuid', 'subgid'] as const) {
    const name = names[kind]
    if (name === undefined || name === username || name === String(uid)) continue
    const path = `/etc/${kind}`
    const ranges = rangesOf(parseSubid(readText(path) ?? ''), { uid: -1, name })
    throw ranges.length === 0
      ? new TspodError('invalid-argument', `no ${kind} ranges found for user "${name}" in ${path}`)
      : new TspodError('not-supported', `the ids of "${name}" in ${path} are not yours to map`)
  }
}
