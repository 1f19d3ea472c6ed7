import { TspodError, type Engine } from '../index.js'
import { formatJson } from './output/json.js'

type Changes = Awaited<ReturnType<Engine['containers']['changes']>>

const letters = { added: 'A', changed: 'C', deleted: 'D' } as const

/** `A /path`, one in each line, or lists by kind as JSON. */
export function formatChanges(changes: Changes, format: string | undefined): string {
  if (format === 'json') return formatJson(byKind(changes))
  if (format !== undefined && format !== '') {
    throw new TspodError('usage', `unknown format "${format}": only json is there`)
  }
  return changes.map(({ kind, path }) => `${letters[kind]} ${printable(path)}\n`).join('')
}

function byKind(changes: Changes): Record<string, readonly string[]> {
  const kinds = ['changed', 'added', 'deleted'] as const
  return Object.fromEntries(
    kinds.flatMap((kind) => {
      const paths = changes.filter((change) => change.kind === kind).map(({ path }) => path)
      return paths.length === 0 ? [] : [[kind, paths] as const]
    }),
  )
}

/** A name may hold anything; a terminal must not obey it, and one change is one line. */
function printable(path: string): string {
  return path.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '?')
}
