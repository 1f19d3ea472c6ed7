import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { image } from '../helpers/busybox-store.js'
import { keptStarts, type KeptStarts } from '../helpers/kept-starts.js'
import { finish } from '../helpers/tspod.js'
import { leftovers } from './leftovers.js'
import { seededRandom } from './random.js'

/** kill -9 of a start that is done again, at a random point of the few milliseconds that it takes until it launches. */
const seed = Number(process.env['TSPOD_CRASH_SEED'] || Date.now() % 1e9)
const kills = 60
/** Longer than it takes to make the container's files, on a slow machine, too. */
const longestMicroseconds = 12_000

let kept: KeptStarts

beforeAll(async () => {
  console.log(`TSPOD_CRASH_SEED=${String(seed)}`)
  kept = await keptStarts()
})

afterAll(async () => {
  await kept.tspod[Symbol.asyncDispose]()
})

const locks = (): string[] =>
  readdirSync(join(kept.tspod.runroot, 'locks')).filter((name) => name.startsWith('container-'))

test('what it leaves the next command clears', { timeout: 120_000 }, async () => {
  const { tspod } = kept
  const args = ['--name', 'again', '--network', 'none', image, 'echo', 'works']
  await kept.keep(args)
  const random = seededRandom(seed)
  for (let number = 0; number < kills; number++) {
    const microseconds = Math.floor(random.next() * longestMicroseconds)
    const told = `kill ${String(number)} after ${String(microseconds)} µs`
    const child = tspod.start(['run', '--rm', ...args], ['ignore', 'pipe', 'pipe'], kept.options())
    const finished = finish(told, child)
    for (const end = performance.now() + microseconds / 1000; performance.now() < end;) await turn()
    child.kill('SIGKILL')
    await finished
    // The monitor of a start that got so far ends by itself: until then the name is its.
    await expect.poll(() => tspod.ok(['ps', '-aq']), { message: told, timeout: 20_000, interval: 20 }).toBe('')
    expect(await kept.run(args), told).toBe('works')
    const left = async (): Promise<string[]> => [...(await leftovers(tspod)), ...locks()]
    await expect.poll(left, { message: told, timeout: 20_000, interval: 5 }).toEqual([])
  }
})
