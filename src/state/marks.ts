import { lstatSync, statSync, statfsSync, type BigIntStats } from 'node:fs'
import type { Look } from '../base/looks.js'

/** The other side is native/kept-looks.c, which makes the same texts of the same things. */
const letters = {
  file: 'f',
  entry: 'e',
  text: 't',
  filesystem: 's',
  addresses: 'a',
  variable: 'v',
  unset: 'u',
} as const

/** File systems' clocks are coarser than ours: a file that changed just now may change again unseen. */
const settled = 50

/**
 * How the thing that was looked at is marked: kind, path, marks. Undefined if it changed since the observation began, or
 * too shortly before.
 */
export function marksOf(look: Look, since: number): readonly [string, string, string] | undefined {
  const seen = look.seen ?? marks(look, since)
  return seen === undefined ? undefined : [letters[look.kind], look.path, seen]
}

function marks({ kind, path }: Look, since: number): string | undefined {
  if (kind === 'filesystem') return String(statfsSync(path).type)
  const stat = (kind === 'file' ? statSync : lstatSync)(path, { throwIfNoEntry: false, bigint: true })
  if (stat === undefined) return '-'
  if (kind === 'entry') return `${stat.dev}:${stat.ino}:${(stat.mode & fileType).toString(8)}`
  return Number(stat.ctimeMs) > since - settled ? undefined : fileMarks(stat)
}

const fileType = 0o170000n

function fileMarks({ dev, ino, mode, uid, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${mode.toString(8)}:${uid}:${size}:${mtimeNs}:${ctimeNs}`
}
