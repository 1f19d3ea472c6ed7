import { ulimitNames } from '../../base/ulimits.js'
import type { Ulimit } from '../../index.js'
import { invalid } from './value.js'

/** `NAME=SOFT[:HARD]`, -1 for no limit, or `host` for the caller's own. */
export function parseUlimit(text: string): Ulimit {
  if (text === 'host') return { name: 'host', soft: -1, hard: -1 }
  const match = /^(?:RLIMIT_)?([a-z]+)=(-1|\d{1,15})(?::(-1|\d{1,15}))?$/i.exec(text)
  if (match === null) throw invalid(`"${text}" is not NAME=SOFT[:HARD]`)
  const name = (match[1] ?? '').toLowerCase()
  if (!ulimitNames.includes(name)) throw invalid(`unknown limit "${name}": one of ${ulimitNames.join(', ')}`)
  const soft = Number(match[2])
  const hard = match[3] === undefined ? soft : Number(match[3])
  if (hard !== -1 && (soft === -1 || soft > hard)) throw invalid(`the soft limit in "${text}" is above the hard one`)
  return { name, soft, hard }
}
