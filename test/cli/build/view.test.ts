import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildStore, type BuildStore } from '../../helpers/build.js'
import { openTerminal } from '../../helpers/terminal.js'

let store: BuildStore
let context: string

beforeAll(async () => {
  store = await buildStore()
  await store.needs('busybox')
  context = join(store.tspod.folder, 'view')
  await mkdir(context)
  await writeFile(join(context, 'Dockerfile'), 'FROM localhost/busybox\nARG N\nRUN echo "says $N"; echo quietly >&2\n')
  await writeFile(
    join(context, 'Fails'),
    'FROM localhost/busybox\nRUN echo kept > /kept\nRUN echo made > /made; exit 7\n',
  )
})

afterAll(() => store[Symbol.asyncDispose]())

const n = (() => {
  let count = 0
  return () => ['--build-arg', `N=${String(++count)}`]
})()

describe('--progress', () => {
  test('plain: lines with the numbers of steps, their output, and how they ended', async () => {
    const { stderr, stdout } = await store.tspod.run([
      'build',
      '--progress',
      'plain',
      '--build-arg',
      'N=plain',
      context,
    ])
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/)
    expect(stderr).toMatch(/^#\d+ \[.*2\/2\] RUN echo "says \$N"/m)
    expect(stderr).toMatch(/^#\d+ \d+\.\d{3} says plain$/m)
    expect(stderr).toMatch(/^#\d+ \d+\.\d{3} quietly$/m)
    expect(stderr).toMatch(/^#\d+ DONE \d+\.\ds$/m)
  })

  test('rawjson: every line is JSON', async () => {
    const { stderr } = await store.tspod.run(['build', '--progress', 'rawjson', ...n(), context])
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const logs = lines.flatMap((line) => (line['logs'] ?? []) as { data: string }[])
    expect(logs.map(({ data }) => Buffer.from(data, 'base64').toString()).join('')).toContain('quietly\n')
  })

  test('quiet, and --quiet: nothing but the ID', async () => {
    for (const flag of ['--progress=quiet', '-q']) {
      const { stdout, stderr } = await store.tspod.run(['build', flag, ...n(), context])
      expect(stdout).toMatch(/^[0-9a-f]{64}\n$/)
      expect(stderr).toBe('')
    }
  })

  test('tty: refused without a terminal, and BUILDKIT_PROGRESS is heard', async () => {
    expect(await store.tspod.run(['build', '--progress', 'tty', context])).toMatchObject({
      status: 125,
      stderr: expect.stringContaining('--progress tty needs a terminal') as unknown,
    })
    const options = { env: { BUILDKIT_PROGRESS: 'rawjson' } }
    expect((await store.tspod.run(['build', ...n(), context], options)).stderr).toMatch(/^\{"vertexes"/)
  })

  test('auto: a picture on a terminal', async () => {
    using terminal = openTerminal(store.tspod, `tspod build ${n().join(' ')} ${context}`)
    expect(await terminal.end()).toBe(0)
    expect(terminal.output).toMatch(/\[\+\] Building \d+\.\ds \((\d+)\/\1\) FINISHED/)
    expect(terminal.output).toMatch(/ => .*RUN echo/)
  })
})

test('--logfile has what would be shown', async () => {
  const path = join(store.tspod.folder, 'build.log')
  const { stdout, stderr } = await store.tspod.run(['build', '--logfile', path, '--build-arg', 'N=logged', context])
  expect([stdout, stderr]).toEqual([expect.stringMatching(/^[0-9a-f]{64}\n$/), ''])
  expect(await readFile(path, 'utf8')).toMatch(/^#\d+ \d+\.\d{3} says logged$/m)
})

describe('--check', () => {
  test('finds nothing in a good file', async () => {
    expect(await store.tspod.run(['build', '--check', context])).toMatchObject({
      status: 0,
      stdout: 'Check complete, no warnings found.\n',
    })
  })

  test('shows warnings with their lines, and builds nothing', async () => {
    await writeFile(
      join(context, 'Doubtful'),
      'from localhost/nonexistent AS Stage\nWORKDIR relative\nCMD echo $HOME\n',
    )
    const { status, stdout } = await store.tspod.run(['build', '--check', '-f', join(context, 'Doubtful'), context])
    expect(status).toBe(1)
    for (const rule of ['StageNameCasing', 'WorkdirRelativePath', 'JSONArgsRecommended'])
      expect(stdout).toContain(`WARNING: ${rule} - https://docs.docker.com/go/dockerfile/rule/`)
    expect(stdout).toContain('   2 | >>> WORKDIR relative\n')
    expect(stdout).toMatch(/Check complete, \d+ warnings have been found!\n$/)
  })
})

test('--debug-shell opens a shell in the step that failed, with its files', async () => {
  using terminal = openTerminal(store.tspod, `tspod build --debug-shell -f ${join(context, 'Fails')} ${context}`)
  await terminal.until(/this is a shell in it/)
  terminal.type('cat /kept /made; echo status=$((1+1))\n')
  await terminal.until(/kept\r\nmade\r\nstatus=2/)
  terminal.type('exit\n')
  expect(await terminal.end()).toBe(7)
})

test('--debug-shell is refused without a terminal', async () => {
  expect(await store.tspod.run(['build', '--debug-shell', context])).toMatchObject({ status: 125 })
})

test('an interrupted build ends as the signal says, and leaves nothing running', async () => {
  await writeFile(join(context, 'Sleeps'), 'FROM localhost/busybox\nRUN echo now asleep; sleep 100000\n')
  const child = store.tspod.start(
    ['build', '--progress', 'plain', '-f', join(context, 'Sleeps'), context],
    ['ignore', 'pipe', 'pipe'],
  )
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  let said = ''
  for await (const chunk of child.stderr ?? []) {
    said += String(chunk)
    if (/ now asleep$/m.test(said)) child.kill('SIGTERM')
  }
  expect(await ended).toBe(143)
  expect(await store.tspod.ok(['ps', '-aq'])).toBe('')
})

test('aliases and relatives', async () => {
  for (const words of [
    ['image', 'build'],
    ['buildx', 'build'],
    ['builder', 'build'],
  ])
    expect(await store.tspod.ok([...words, '-q', context])).toMatch(/^[0-9a-f]{64}$/)
  expect(await store.tspod.ok(['buildx', 'version'])).toMatch(/^tspod \d/)
})

test('build prune removes the cache, and leaves images as they are', async () => {
  await store.build(['-t', 'localhost/stays', context])
  expect(await store.tspod.ok(['builder', 'prune', '--all', '--force'])).toMatch(/^Total reclaimed space: /m)
  expect(await store.output('localhost/stays', 'echo', 'here')).toBe('here')
  const again = await store.tspod.run(['build', '--progress', 'plain', ...n(), context])
  expect(again.status).toBe(0)
})
