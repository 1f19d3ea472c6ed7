import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { newId } from '../../base/id.js'
import { parseStepRecord, type StepRecord } from '../../build/cache-record.js'
import { namesIn } from '../../state/collection.js'
import { ensureFolder, isMissing, readCached, removeFile, writeFileAtomic } from '../../state/file.js'
import type { Paths } from '../../state/paths.js'

/**
 * The build cache's records: `cache/build/steps/KEY.json`, each replaced whole. What they name, layers and blobs, is
 * where images have it, and the collection of garbage keeps it (engine/images/collect.ts).
 */
export class StepStore {
  readonly #folder: string
  /** A line for each time that a step was found: its key and when. Records would have to be replaced for that. */
  readonly #uses: string

  constructor(paths: Pick<Paths, 'cache'>) {
    this.#folder = join(paths.cache, 'build', 'steps')
    this.#uses = join(paths.cache, 'build', 'uses')
  }

  /** What is remembered of a step. A damaged record is as good as none. */
  get(key: string): StepRecord | undefined {
    const record = parseStepRecord(readCached(join(this.#folder, `${key}.json`)))
    return record?.key === key ? record : undefined
  }

  save(record: StepRecord): void {
    ensureFolder(this.#folder)
    writeFileAtomic(join(this.#folder, `${record.key}.json`), JSON.stringify(record))
  }

  /** Remembers that steps were found. */
  used(keys: readonly string[], now: string): void {
    if (keys.length === 0) return
    const fd = openSync(this.#uses, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o600)
    try {
      writeSync(fd, keys.map((key) => `${key} ${now}\n`).join(''))
      if (fstatSync(fd).size > mostUses) this.#fold()
    } finally {
      closeSync(fd)
    }
  }

  /** In no order. */
  list(): StepRecord[] {
    const uses = parseUses(readText(this.#uses))
    return namesIn(this.#folder).flatMap((name) => {
      const record = name.endsWith('.json') ? this.get(name.slice(0, -'.json'.length)) : undefined
      return record === undefined ? [] : withUses(record, uses)
    })
  }

  remove(key: string): void {
    removeFile(join(this.#folder, `${key}.json`))
  }

  /** Into the records. Who is killed here, or adds a line meanwhile, leaves a step that seems less used than it was. */
  #fold(): void {
    const folded = `${this.#uses}.${newId().slice(0, 16)}.tmp`
    renameSync(this.#uses, folded)
    for (const [key, use] of parseUses(readText(folded))) {
      const record = this.get(key)
      if (record !== undefined) this.save(withUses(record, new Map([[key, use]])))
    }
    removeFile(folded)
  }
}

/** A few thousand lines. */
const mostUses = 256 * 1024

interface Uses {
  readonly count: number
  readonly last: string
}

function parseUses(text: string): Map<string, Uses> {
  const uses = new Map<string, Uses>()
  for (const [, key = '', moment = ''] of text.matchAll(/^([0-9a-f]{64}) (\S{1,32})$/gm)) {
    const before = uses.get(key)
    if (Number.isNaN(Date.parse(moment))) continue
    const last = before === undefined || before.last < moment ? moment : before.last
    uses.set(key, { count: (before?.count ?? 0) + 1, last })
  }
  return uses
}

function withUses(record: StepRecord, all: ReadonlyMap<string, Uses>): StepRecord {
  const uses = all.get(record.key)
  if (uses === undefined) return record
  const lastUsed = uses.last < record.lastUsed ? record.lastUsed : uses.last
  return { ...record, lastUsed, uses: record.uses + uses.count }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return ''
    throw error
  }
}
