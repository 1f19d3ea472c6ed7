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

/** File systems' clocks are coarser than ours: a file that changed just now may change again unseen. In milliseconds. */
const settled = 50
/** Where a time has no part of a second, there may be none: FAT counts two at a time. */
const settledCoarsely = 2050

/**
 * How the thing that was looked at is marked: kind, path, marks. Undefined if it changed since the observation began, or
 * too shortly before.
 */
export function marksOf(look: Look, since: number): readonly [string, string, string] | undefined {
  const seen = look.seen ?? marks(look, since)
  return seen === undefined ? undefined : [letters[look.kind], look.path, seen]
}

function marks({ kind, path, inode }: Look, since: number): string | undefined {
  if (kind === 'filesystem') return String(statfsSync(path).type)
  const stat = (kind === 'file' ? statSync : lstatSync)(path, { throwIfNoEntry: false, bigint: true })
  /* Another file by now, under a link or a folder that changed: its own times may be old. */
  if (inode !== undefined && inode !== Number(stat?.ino ?? 0n)) return undefined
  if (stat === undefined) return '-'
  if (kind === 'entry') return `${stat.dev}:${stat.ino}:${(stat.mode & fileType).toString(8)}`
  return isSettled(stat.ctimeNs, since) ? fileMarks(stat) : undefined
}

/** Whether a change after `since` would show in the time of the last one. */
export function isSettled(ctimeNs: bigint, since: number): boolean {
  const patience = ctimeNs % 1_000_000_000n === 0n ? settledCoarsely : settled
  return ctimeNs / 1_000_000n <= BigInt(since - patience)
}

const fileType = 0o170000n

function fileMarks({ dev, ino, mode, uid, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${mode.toString(8)}:${uid}:${size}:${mtimeNs}:${ctimeNs}`
}
