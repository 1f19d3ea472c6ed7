import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { StepRecord } from '../../../../src/build/cache-record.js'
import { StepStore } from '../../../../src/engine/builds/step-store.js'

const cache = mkdtempSync(join(tmpdir(), 'tspod-steps-'))
afterAll(() => rmSync(cache, { recursive: true }))

const [first, second] = ['a', 'b'].map((letter) => letter.repeat(64)) as [string, string]
const moment = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()

function recordOf(key: string): StepRecord {
  return {
    version: 1,
    key,
    layer: undefined,
    description: 'RUN true',
    created: moment(0),
    lastUsed: moment(0),
    uses: 0,
  }
}

const seen = (store: StepStore): unknown =>
  Object.fromEntries(store.list().map(({ key, lastUsed, uses }) => [key, [lastUsed, uses]]))

test('what is found is counted without replacing records, and the count outlives the list of uses', () => {
  const store = new StepStore({ cache })
  const records = join(cache, 'build', 'steps')
  for (const key of [first, second]) store.save(recordOf(key))
  const before = readdirSync(records).map((name) => statSync(join(records, name)).ino)

  store.used([first, second], moment(1))
  store.used([first], moment(2))
  expect(readdirSync(records).map((name) => statSync(join(records, name)).ino)).toEqual(before)
  expect(seen(store)).toEqual({ [first]: [moment(2), 2], [second]: [moment(1), 1] })

  /* Enough of them become one number in the record. */
  const many = 4000
  for (let number = 0; number < many; number++) store.used([first], moment(3))
  expect(statSync(join(cache, 'build', 'uses'), { throwIfNoEntry: false })?.size ?? 0).toBeLessThan(300_000)
  expect(seen(store)).toEqual({ [first]: [moment(3), many + 2], [second]: [moment(1), 1] })
})
