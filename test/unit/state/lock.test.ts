import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { exists } from '../../../src/state/file.js'
import { acquireLock, tryLock, withLock } from '../../../src/state/lock.js'

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tspod-lock-'))
  path = join(folder, 'lock')
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

test('one holds it, in one process too', () => {
  const first = tryLock(path)
  expect(first).toBeDefined()
  expect(tryLock(path)).toBeUndefined()
  first?.release()
  const second = tryLock(path)
  expect(second).toBeDefined()
  second?.release()
})

test('waiting ends when the holder lets go', async () => {
  const first = tryLock(path)
  const second = acquireLock(path)
  first?.release()
  ;(await second).release()
})

test('who waited for a file that its holder took away gets a lock that counts', async () => {
  const first = tryLock(path)
  const waiting = acquireLock(path)
  first?.release({ unlink: true })
  const second = await waiting
  expect(exists(path)).toBe(true)
  expect(tryLock(path)).toBeUndefined()
  second.release()
})

test('it is let go of after a failure', async () => {
  await expect(
    withLock(path, () => {
      throw new Error('x')
    }),
  ).rejects.toThrow('x')
  tryLock(path)?.release()
  expect(tryLock(path)).toBeDefined()
})

test('letting go twice does no harm to the next holder', () => {
  const first = tryLock(path)
  first?.release()
  const second = tryLock(path)
  first?.release({ unlink: true })
  expect(exists(path)).toBe(true)
  expect(tryLock(path)).toBeUndefined()
  second?.release()
})

test('patience has an end', async () => {
  const holder = tryLock(path)
  await expect(acquireLock(path, 1)).rejects.toMatchObject({ code: 'lock-timeout' })
  holder?.release()
})
