import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { mergeUnits, parseUnit, type UnitFile } from '../unit-file.js'
import { entriesOf, type Found, readUnit } from './folders.js'
import { kindOf, type Source } from './source.js'
import { stemOf } from './service.js'

/** Reads one with its drop-ins, which may be in any of the folders. */
export function loadQuadlet({ name, path }: Found, folders: readonly string[]): Source {
  const kind = kindOf(name)
  if (kind === undefined) throw new TspodError('invalid-argument', `${name} is not the name of a quadlet`)
  let unit: UnitFile = parseUnit(readUnit(path), path)
  for (const dropIn of dropIns(name, kind, folders)) unit = mergeUnits(unit, parseUnit(readUnit(dropIn), dropIn))
  return { name, kind, path, unit }
}

/** Of two with one name, that of the earlier folder counts, and within one the more particular (systemd.unit(5)). */
function dropIns(name: string, kind: string, folders: readonly string[]): string[] {
  const files = new Map<string, string>()
  for (const folder of folders) {
    for (const candidate of dropInFolders(stemOf(name), kind)) {
      for (const file of entriesOf(join(folder, candidate))) {
        if (file.endsWith('.conf') && !files.has(file)) files.set(file, join(folder, candidate, file))
      }
    }
  }
  return [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path)
}

/** The most particular first: `a-b@1.KIND.d`, `a-b@.KIND.d`, `a-@.KIND.d`, `a-.KIND.d`, `KIND.d`. */
function dropInFolders(stem: string, kind: string): string[] {
  const at = stem.indexOf('@')
  const prefix = at < 0 ? stem : stem.slice(0, at)
  const truncated = [...prefix.matchAll(/-/g)].map(({ index }) => prefix.slice(0, index + 1)).reverse()
  const stems = [
    ...new Set([stem, ...(at < 0 ? [] : [`${prefix}@`])]),
    ...truncated.flatMap((each) => (at < 0 ? [each] : [`${each}@`, each])),
  ]
  return [...stems.map((each) => `${each}.${kind}.d`), `${kind}.d`]
}
