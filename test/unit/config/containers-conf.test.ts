import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { mergeTables, readContainersConf, type ConfCache } from '../../../src/config/containers-conf.js'

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tspod-conf-'))
  path = join(folder, 'containers.conf')
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

const noCache: ConfCache = { read: () => undefined, write: () => undefined }
const read = (cache = noCache) => readContainersConf({ CONTAINERS_CONF: path }, cache)

test('only the members that are honoured come out', async () => {
  writeFileSync(path, '[containers]\npids_limit = 7\nunheard_of = 1\n[engine]\nstop_timeout = 3\n')
  expect(await read()).toEqual({ containers: { pids_limit: 7 }, engine: { stop_timeout: 3 }, network: {} })
})

test('a member of the wrong type is named', async () => {
  writeFileSync(path, '[containers]\npids_limit = "many"\n')
  await expect(read()).rejects.toThrow('containers.pids_limit is not a number')
})

test('what is no TOML is named', async () => {
  writeFileSync(path, '[containers\n')
  await expect(read()).rejects.toThrow(path)
})

test('drop-ins come after, in the order of their names', async () => {
  const home = join(folder, 'containers')
  mkdirSync(join(home, 'containers.conf.d'), { recursive: true })
  writeFileSync(join(home, 'containers.conf'), '[containers]\ntz = "a"\numask = "0077"\n')
  writeFileSync(join(home, 'containers.conf.d', '2.conf'), '[containers]\ntz = "two"\n')
  writeFileSync(join(home, 'containers.conf.d', '1.conf'), '[containers]\ntz = "one"\n')
  const { containers } = await readContainersConf({ XDG_CONFIG_HOME: folder }, noCache)
  expect(containers).toMatchObject({ tz: 'two', umask: '0077' })
})

test('modules come last, by name or path, each over those before', async () => {
  const modules = join(folder, 'containers', 'containers.conf.modules')
  mkdirSync(join(modules, 'sub'), { recursive: true })
  writeFileSync(
    join(folder, 'containers', 'containers.conf'),
    '[containers]\ntz = "a"\numask = "0077"\nenv = ["A=1"]\n',
  )
  writeFileSync(join(modules, 'one.conf'), '[containers]\ntz = "one"\nenv = ["B=2", { append = true }]\n')
  writeFileSync(join(modules, 'sub', 'two.conf'), '[containers]\ntz = "two"\n')
  writeFileSync(path, '[containers]\ntz = "path"\n')
  const merged = async (...names: readonly string[]) =>
    (await readContainersConf({ XDG_CONFIG_HOME: folder }, noCache, names)).containers
  expect(await merged('one.conf')).toMatchObject({ tz: 'one', umask: '0077', env: ['A=1', 'B=2'] })
  expect((await merged('one.conf', 'sub/two.conf')).tz).toBe('two')
  expect((await merged('sub/two.conf', 'one.conf', path)).tz).toBe('path')
  const override = {
    CONTAINERS_CONF: path,
    CONTAINERS_CONF_OVERRIDE: join(modules, 'one.conf'),
    XDG_CONFIG_HOME: folder,
  }
  expect((await readContainersConf(override, noCache, ['sub/two.conf'])).containers.tz).toBe('one')
  await expect(merged('none.conf')).rejects.toThrow(
    `module "none.conf" of containers.conf not found: ${modules}/none.conf`,
  )
  await expect(merged('/none.conf')).rejects.toThrow('not found: /none.conf')
})

test('the cache holds until a file changes', async () => {
  let kept: object | undefined
  const cache: ConfCache = { read: () => kept, write: (value) => (kept = value) }
  writeFileSync(path, '[containers]\ntz = "a"\n')
  await read(cache)
  const first = kept
  await read(cache)
  expect(kept).toBe(first)
  writeFileSync(path, '[containers]\ntz = "longer"\n')
  expect((await read(cache)).containers.tz).toBe('longer')
})

test('a list is replaced, or added to where it says so', () => {
  const before = { containers: { env: ['A=1'] } }
  expect(mergeTables(before, { containers: { env: ['B=2'] } })).toEqual({ containers: { env: ['B=2'] } })
  expect(mergeTables(before, { containers: { env: ['B=2', { append: true }] } })).toEqual({
    containers: { env: ['A=1', 'B=2'] },
  })
})
