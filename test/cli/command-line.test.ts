import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tspodStore, type TspodStore } from '../helpers/tspod.js'

let store: TspodStore
beforeAll(async () => {
  store = await tspodStore()
})
afterAll(() => store[Symbol.asyncDispose]())

describe('mistakes are one line and exit status 125', () => {
  test.each<[string[], string]>([
    [['rnu', 'img'], `Error: unknown command "rnu"; did you mean 'tspod run'?`],
    [['image', 'prnue'], `Error: unknown command "image prnue"; did you mean 'tspod image prune'?`],
    [['volume', 'foo'], `Error: unknown command "volume foo"; see 'tspod --help'`],
    [['pod', 'ps'], 'Error: "tspod pod" comes with a later version of tspod, with pods: '],
    [
      ['network', 'create', '--ignore', 'n'],
      'Error: "tspod network" comes with a later version of tspod, with networks: ',
    ],
    [
      ['kube', 'play', '--replace', 'k.yaml'],
      'Error: "tspod kube" comes with a later version of tspod, with pods from',
    ],
    [['secret', 'ls'], 'Error: unknown command "secret": one of Podman or Docker that tspod does not have yet'],
    [['xyzzy'], `Error: unknown command "xyzzy"; see 'tspod --help'`],
    [['run', '--detahc', 'img'], 'Error: unknown flag: --detahc; did you mean --detach?'],
    [['run', '-zzz', 'img'], `Error: unknown shorthand flag: 'z' in -zzz; see 'tspod run --help'`],
    [['run'], `Error: requires at least 1 argument, received 0; see 'tspod run --help'`],
    [['run', '--name'], `Error: flag needs an argument: --name; see 'tspod run --help'`],
    [
      ['run', '-m', 'x', 'img'],
      `Error: invalid argument "x" for "-m" flag: "x" is not a size like 64m or 1g; see 'tspod run --help'`,
    ],
    [
      ['completion', 'tcsh'],
      `Error: invalid shell "tcsh": choose one of bash, zsh, fish; see 'tspod completion --help'`,
    ],
    [['--nosuch', 'run'], 'Error: unknown flag: --nosuch'],
    [
      ['--log-level', 'loud', 'ps'],
      'Error: invalid argument "loud" for "--log-level" flag: choose one of trace, debug, info, warn, error',
    ],
    [['run', '--pod', 'p', 'img'], 'Error: --pod is not supported: pods, which come with a later version'],
    [
      ['system', 'check', '--max', '1h'],
      'Error: --max is not supported: an age of unused layers: they are no damage here',
    ],
    [
      ['container', 'checkpoint', '--keep', 'c'],
      'Error: --keep is not supported: checkpoints: CRIU needs the right to trace all of a container, which no ordinary user has',
    ],
    [['commit', '--config', 'f', 'c'], 'Error: --config is not supported: a configuration in a file; use --change'],
    [
      ['system', 'prune', '--external', '--all'],
      "Error: --external cannot be combined with other options; see 'tspod system prune --help'",
    ],
    [
      ['run', '--pod-id-file', 'p', 'img'],
      'Error: --pod-id-file is not supported: pods, which come with a later version',
    ],
  ])('%j', async (args, message) => {
    const { status, stdout, stderr } = await store.run(args)
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' })
    expect(stderr.startsWith(message), stderr).toBe(true)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})

describe('help', () => {
  test.each<[string[]]>([[[]], [['--help']], [['-h']], [['help']]])('of the program: %j', async (args) => {
    const { status, stdout } = await store.run(args)
    expect(status).toBe(0)
    expect(stdout).toMatch(/^ {2}run +Run a command in a new container$/m)
    expect(stdout).not.toContain('__complete')
  })

  test.each<[string[]]>([
    [['run', '--help']],
    [['help', 'run']],
    [['run', '-d', '--help']],
    [['container', 'run', '--help']],
  ])('of a command: %j', async (args) => {
    const { status, stdout } = await store.run(args)
    expect(status).toBe(0)
    expect(stdout).toContain('-p, --publish=')
    expect(stdout).not.toContain('--pod')
  })

  test('of a group of commands', async () => {
    const { status, stdout } = await store.run(['image'])
    expect(status).toBe(0)
    expect(stdout).toContain('image prune')
  })
})

test('the version', async () => {
  expect(await store.ok(['--version'])).toMatch(/^tspod version \d+\.\d+\.\d+$/)
})

test('a global option may stand among those of the command', async () => {
  const { status, stderr } = await store.run(['ps', '--log-level', 'loud'])
  expect({ status, stderr }).toEqual({
    status: 125,
    stderr: expect.stringContaining('invalid argument "loud" for "--log-level" flag') as string,
  })
})

describe('completion', () => {
  test.each(['bash', 'zsh', 'fish'])('there is a script for %s', async (shell) => {
    expect(await store.ok(['completion', shell])).toContain('__complete')
  })

  test('asks the program, which knows every command and its flags', async () => {
    expect((await store.ok(['__complete', 'run', '--detach-'])).split('\t')[0]).toBe('--detach-keys')
    expect((await store.ok(['__complete', 'comp'])).split('\t')[0]).toBe('completion')
  })

  test('knows the names of volumes, and of everything where everything may be meant', async () => {
    await store.ok(['volume', 'create', 'completed'])
    expect(await store.ok(['__complete', 'volume', 'rm', 'com'])).toBe('completed')
    expect(await store.ok(['__complete', 'inspect', ''])).toBe('completed')
    await store.ok(['volume', 'rm', 'completed'])
  })

  test('of names finds none in an empty store, and does not complain', async () => {
    expect(await store.run(['__complete', 'stop', ''])).toMatchObject({ status: 0, stdout: '', stderr: '' })
  })
})
