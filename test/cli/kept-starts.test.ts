import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import type { RunOptions, TspodStore } from '../helpers/tspod.js'

let tspod: TspodStore
let session: string
/** A line each time that Node is started. */
let calls: string

beforeAll(async () => {
  tspod = await busyboxStore()
  const bin = join(tspod.folder, 'bin')
  calls = join(tspod.folder, 'calls')
  session = join(tspod.folder, 'session')
  mkdirSync(bin)
  writeFileSync(join(bin, 'node'), `#!/bin/sh\necho >> ${calls}\nexec ${process.execPath} "$@"\n`, { mode: 0o755 })
})

beforeEach(() => {
  rmSync(session, { recursive: true, force: true })
  mkdirSync(session, { mode: 0o700 })
})

afterAll(async () => {
  await tspod[Symbol.asyncDispose]()
})

const starts = () => join(session, 'tspod-starts')

function options(more: RunOptions = {}): RunOptions {
  const env = {
    PATH: `${join(tspod.folder, 'bin')}${delimiter}${tspod.env['PATH'] ?? ''}`,
    XDG_RUNTIME_DIR: session,
    ...more.env,
  }
  return { ...more, env }
}

const run = (args: readonly string[], more?: RunOptions) => tspod.ok(['run', '--rm', ...args], options(more))

/** How often Node was started meanwhile, and what was printed. */
async function counted(args: readonly string[], more?: RunOptions): Promise<{ calls: number; out: string }> {
  writeFileSync(calls, '')
  const out = await run(args, more)
  return { calls: readFileSync(calls, 'utf8').length, out }
}

/** Runs until the start is kept: what the first one writes into caches, the next one has to find settled. */
async function keep(args: readonly string[], more?: RunOptions): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    await run(args, more)
    if (existsSync(starts()) && readdirSync(starts()).length > 0) return
  }
  throw new Error(`not kept: ${args.join(' ')}`)
}

const none = ['--network', 'none']

describe('what is kept', () => {
  const lines: [string, string[]][] = [
    ['a plain one', [...none, image, 'true']],
    ['with a network', [image, 'true']],
    ['on the host’s network', ['--network', 'host', image, 'true']],
    ['with a folder', ['-v', '/usr:/host:ro', ...none, image, 'ls', '/host']],
    ['with many options', ['-e', 'A=b', '-u', '1000', '-w', '/tmp', '--read-only', '--init', ...none, image, 'env']],
  ]
  test.each(lines)('%s: Node is not started again', async (_, args) => {
    await keep(args)
    expect((await counted(args)).calls).toBe(0)
  })

  const others: [string, string[]][] = [
    ['a volume', ['-v', 'data:/data', ...none, image, 'true']],
    ['a port', ['-p', '127.0.0.1::80', image, 'true']],
    ['a file of variables', ['--env-file', '/dev/null', ...none, image, 'true']],
    ['a file for the id', ['--pidfile', '/dev/null', ...none, image, 'true']],
    ['all of the environment', ['-e', 'A*', ...none, image, 'true']],
  ]
  test.each(others)('not with %s', async (_, args) => {
    for (let count = 0; count < 4; count++) await run(args)
    expect(existsSync(starts()) ? readdirSync(starts()) : []).toEqual([])
  })

  test('nothing, if that is off', async () => {
    const args = [...none, image, 'true']
    for (let count = 0; count < 4; count++) await run(args, { env: { TSPOD_KEPT_STARTS: 'off' } })
    expect(existsSync(starts())).toBe(false)
    await keep(args)
    expect((await counted(args, { env: { TSPOD_KEPT_STARTS: 'off' } })).calls).toBe(1)
  })

  test('not what outlives its run', async () => {
    for (let count = 0; count < 4; count++) await tspod.ok(['run', ...none, image, 'true'], options())
    expect(existsSync(starts())).toBe(false)
  })
})

/** A container's files with everything replaced that must differ. */
async function filesOf(id: string): Promise<Record<string, string>> {
  const name = await tspod.ok(['inspect', '--format', '{{.Name}}', id])
  const folders = [join(tspod.root, 'containers', id), join(tspod.runroot, 'containers', id)]
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !/^(state\.json|log|pid)$/.test(entry.name))
      .map((entry) => [`${folder}/${entry.name}`, readFileSync(join(folder, entry.name), 'utf8')] as const),
  )
  const neutral = (text: string) =>
    text
      .replaceAll(id, 'ID')
      .replaceAll(id.slice(0, 12), 'SHORT')
      .replaceAll(name, 'NAME')
      .replace(/"created":"[^"]*"/, '"created":"TIME"')
      .replace(/"lockFd":\d+/, '"lockFd":FD')
  return Object.fromEntries(files.map(([path, text]) => [neutral(path), neutral(text)]))
}

test('a start that is done again makes what Node makes', async () => {
  const args = ['-d', '-e', 'A=b', '-l', 'x=y', '--hostname', 'here', image, 'sleep', '1000']
  await keep(args)
  const again = await counted(args)
  rmSync(starts(), { recursive: true })
  const first = await counted(args)
  expect([again.calls, first.calls]).toEqual([0, 1])
  expect(await filesOf(again.out)).toEqual(await filesOf(first.out))
  const events = await tspod.ok([
    'events',
    '--stream=false',
    '--filter',
    `container=${again.out}`,
    '--format',
    '{{.Status}}',
  ])
  expect(events.split('\n').slice(0, 3)).toEqual(['create', 'init', 'start'])
  await tspod.ok(['rm', '-f', '-t', '0', '--all'])
})

test('each has its own ID and name', async () => {
  const args = [...none, image, 'cat', '/run/.containerenv']
  await keep(args)
  const said = await Promise.all(Array.from({ length: 12 }, () => run(args)))
  const found = (key: string) => new Set(said.map((text) => new RegExp(`^${key}="(.*)"$`, 'm').exec(text)?.[1]))
  expect([found('id').size, found('name').size]).toEqual([12, 12])
  expect(readdirSync(join(tspod.root, 'names'))).toEqual([])
})

test('a name that is taken is refused as ever', async () => {
  const args = ['-d', '--name', 'one', ...none, image, 'sleep', '1000']
  await keep(args)
  const { status, stderr } = await tspod.run(['run', '--rm', ...args], options())
  expect([status, stderr]).toEqual([125, expect.stringContaining('"one" is already in use')])
  await tspod.ok(['rm', '-f', '-t', '0', 'one'])
  await keep(args)
  await tspod.ok(['rm', '-f', '-t', '0', 'one'])
})

test('what cannot start is reported and leaves nothing', async () => {
  const folder = join(tspod.folder, 'goes')
  mkdirSync(join(folder, 'in'), { recursive: true })
  const args = ['-v', `${folder}/in:/x`, ...none, image, './x/program']
  writeFileSync(join(folder, 'in', 'program'), '#!/bin/sh\necho yes\n', { mode: 0o755 })
  await keep(args)
  rmSync(join(folder, 'in', 'program'))
  const { status } = await tspod.run(['run', '--rm', ...args], options())
  expect(status).toBe(127)
  expect(await tspod.ok(['ps', '-aq'])).toBe('')
})

describe('what changed is seen', () => {
  test('a variable that was passed on', async () => {
    const args = ['-e', 'WHO', ...none, image, 'sh', '-c', 'echo $WHO']
    await keep(args, { env: { WHO: 'me' } })
    expect(await counted(args, { env: { WHO: 'me' } })).toEqual({ calls: 0, out: 'me' })
    expect(await counted(args, { env: { WHO: 'you' } })).toEqual({ calls: 1, out: 'you' })
    expect((await counted(args)).out).toBe('')
  })

  test('a variable that was not looked at is of no matter', async () => {
    const args = [...none, image, 'true']
    await keep(args)
    expect((await counted(args, { env: { OTHER: '1' } })).calls).toBe(0)
  })

  test('a proxy, which containers are told of', async () => {
    const args = [...none, image, 'sh', '-c', 'echo $http_proxy']
    await keep(args)
    expect((await counted(args, { env: { http_proxy: 'http://proxy:1' } })).out).toBe('http://proxy:1')
  })

  test('the folder', async () => {
    const [here, there] = ['here', 'there'].map((name) => join(tspod.folder, name)) as [string, string]
    for (const folder of [here, there]) {
      mkdirSync(folder)
      writeFileSync(join(folder, 'who'), folder)
    }
    const args = ['-v', './who:/who', ...none, image, 'cat', '/who']
    await keep(args, { cwd: here })
    expect(await counted(args, { cwd: here })).toEqual({ calls: 0, out: here })
    expect((await counted(args, { cwd: there })).out).toBe(there)
  })

  test('the configuration', async () => {
    const args = [...none, image, 'sh', '-c', 'echo $FROM_CONF']
    await keep(args)
    const folder = join(tspod.folder, 'home', '.config', 'containers')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'containers.conf'), '[containers]\nenv = ["FROM_CONF=yes"]\n')
    expect((await counted(args)).out).toBe('yes')
    rmSync(folder, { recursive: true })
    expect((await counted(args)).out).toBe('')
  })

  test('the image', async () => {
    const name = 'localhost/changing:1'
    const change = async (value: string) => {
      const id = await tspod.ok(['create', image, 'true'])
      await tspod.ok(['commit', '-q', '--change', `ENV V=${value}`, id, name])
      await tspod.ok(['rm', id])
    }
    await change('one')
    const args = [...none, name, 'sh', '-c', 'echo $V']
    await keep(args)
    expect(await counted(args)).toEqual({ calls: 0, out: 'one' })
    await change('two')
    expect((await counted(args)).out).toBe('two')
    await tspod.ok(['rmi', '-f', name])
    const { status } = await tspod.run(['run', '--rm', '--pull', 'never', ...args], options())
    expect(status).toBe(125)
  })

  test('a bind’s source that is gone', async () => {
    const source = join(tspod.folder, 'gone')
    mkdirSync(source)
    const args = ['-v', `${source}:/x`, ...none, image, 'true']
    await keep(args)
    rmSync(source, { recursive: true })
    const { status, stderr } = await tspod.run(['run', '--rm', ...args], options())
    expect([status, stderr]).toEqual([125, expect.stringContaining('no such file or directory')])
  })

  test('the program itself', async () => {
    const args = [...none, image, 'true']
    await keep(args)
    const [slot = ''] = readdirSync(starts())
    const text = readFileSync(join(starts(), slot), 'latin1')
    for (const file of ['native/build/tspod-runtime', 'dist/tspod.cjs']) {
      expect(text).toContain(`\0f\0${realpathSync(join(import.meta.dirname, '../..', file))}\0`)
    }
  })

  test('what a killed command left is cleared first', async () => {
    const args = [...none, image, 'true']
    await keep(args)
    const litter = join(tspod.runroot, 'locks', `container-${'a'.repeat(64)}`)
    writeFileSync(litter, '')
    expect((await counted(args)).calls).toBe(1)
    expect(existsSync(litter)).toBe(false)
    expect((await counted(args)).calls).toBe(0)
  })
})

describe('a kept file', () => {
  const args = [...none, image, 'echo', 'fine']
  const file = () => join(starts(), readdirSync(starts())[0] ?? '')

  test('that others may write is not read', async () => {
    await keep(args)
    chmodSync(file(), 0o622)
    expect((await counted(args)).calls).toBe(1)
    rmSync(starts(), { recursive: true })
    await keep(args)
    chmodSync(starts(), 0o777)
    expect((await counted(args)).calls).toBe(1)
  })

  test('that breaks off anywhere, or is not one, does no harm', async () => {
    await keep(args)
    const whole = readFileSync(file())
    const cut = Array.from({ length: 40 }, (_, index) => whole.subarray(0, Math.floor((whole.length * index) / 40)))
    const none = Buffer.from(whole.map((byte) => byte ^ 0x55))
    const numbers = Buffer.from(whole.toString('latin1').replace(/\0\d+\0/g, '\x004095\0'), 'latin1')
    for (const content of [...cut, none, numbers]) {
      writeFileSync(file(), content)
      expect(await counted(args)).toEqual({ calls: 1, out: 'fine' })
    }
    expect(await tspod.ok(['ps', '-aq'])).toBe('')
  })
})
