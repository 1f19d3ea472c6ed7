import { join } from 'node:path'
import { parseStepRecord, type StepRecord } from '../../build/cache-record.js'
import { namesIn } from '../../state/collection.js'
import { ensureFolder, readCached, removeFile, writeFileAtomic } from '../../state/file.js'
import type { Paths } from '../../state/paths.js'

/**
 * The build cache's records: `cache/build/steps/KEY.json`, each replaced whole. What they name, layers and blobs, is
 * where images have it, and the collection of garbage keeps it (engine/images/collect.ts).
 */
export class StepStore {
  readonly #folder: string

  constructor(paths: Pick<Paths, 'cache'>) {
    this.#folder = join(paths.cache, 'build', 'steps')
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

  /** In no order. */
  list(): StepRecord[] {
    return namesIn(this.#folder).flatMap((name) =>
      name.endsWith('.json') ? (this.get(name.slice(0, -'.json'.length)) ?? []) : [],
    )
  }

  remove(key: string): void {
    removeFile(join(this.#folder, `${key}.json`))
  }
}
