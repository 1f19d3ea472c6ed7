import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, openSync, closeSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import { explain, finish, program, type TspodStore } from '../helpers/tspod.js'

/** What Podman 5.4 does with the same words, written down: status and output of `run` and `exec`, option by option. */

let tspod: TspodStore
let shared: string

beforeAll(async () => {
  tspod = await busyboxStore()
  shared = join(tspod.folder, 'shared')
  mkdirSync(shared)
  chmodSync(shared, 0o777)
})

afterAll(async () => {
  await tspod[Symbol.asyncDispose]()
})

interface Case {
  readonly options: readonly string[]
  readonly command?: readonly string[]
  readonly status?: number
  readonly stdout?: string | RegExp
  readonly stderr?: RegExp
}

/** `@` stands for the shared folder. */
const cases: readonly Case[] = [
  // identity
  { options: ['-u', 'nobody'], command: ['id'], stdout: /groups=65534/ },
  { options: ['-u', '12345:4567'], command: ['id', '-G'], stdout: '4567' },
  { options: ['-u', '12345:4567', '--group-add', '99'], command: ['id', '-G'], stdout: '4567 99' },
  { options: ['-u', 'no-such-user'], status: 126, stderr: /no-such-user/ },
  { options: ['-u', '0:no-such-group'], status: 126, stderr: /no-such-group/ },
  { options: ['--group-add', 'no-such-group'], status: 126, stderr: /no-such-group/ },
  { options: ['--network', 'host'], command: ['hostname'], stdout: hostname() },
  { options: ['--uts', 'host', '--hostname', 'x'], status: 125, stderr: /UTS/ },
  { options: ['--replace'], status: 125, stderr: /--name/ },
  { options: ['--name', 'bad name'], status: 125, stderr: /names must match/ },
  { options: ['-w', '/etc/passwd'], status: 126, stderr: /workdir "\/etc\/passwd" exists on container \w+, but is/ },
  {
    options: ['-w', '/no/such'],
    status: 126,
    stderr: /^Error: workdir "\/no\/such" does not exist on container \w{64}$/m,
  },
  { options: ['-w', '/no/such', '--read-only'], status: 126, stderr: /does not exist on container/ },
  { options: ['-w', '/no/such', '--userns', 'keep-id'], status: 126, stderr: /does not exist on container/ },
  { options: ['--subuidname', 'no-such'], status: 125, stderr: /no subuid ranges found for user "no-such"/ },
  { options: ['--subgidname', 'no-such'], status: 125, stderr: /no subgid ranges found for user "no-such"/ },
  { options: ['--uidmap', '+1000:0:1'], command: ['id', '-u'], stdout: '0' },
  { options: ['--entrypoint', '["echo","a"]'], command: ['b'], stdout: 'a b' },
  { options: ['--entrypoint', '/no/such'], command: [], status: 127, stderr: /not found/ },
  { options: ['--personality', 'LINUX32'], command: ['uname', '-m'], stdout: /^i686$|^armv/ },
  {
    options: ['--passwd-entry', 'me:*:$UID:$GID::/home:/bin/sh', '-u', '777'],
    command: ['sh', '-c', 'echo $HOME'],
    stdout: '/home',
  },
  // mounts
  { options: ['-v', '@:/x:O'], command: ['sh', '-c', 'echo new > /x/overlaid; cat /x/overlaid'], stdout: 'new' },
  { options: ['-v', '@:/x'], command: ['ls', '/x'], stdout: '' },
  { options: ['-v', 'overlaid:/x:O'], command: ['touch', '/x/overlaid'] },
  { options: ['-v', 'overlaid:/x'], command: ['ls', '/x'], stdout: '' },
  { options: ['-v', '@:/x', '-v', '@:/x'] },
  { options: ['-v', '@:/x', '--tmpfs', '/x'], status: 125, stderr: /\/x/ },
  { options: ['-v', '@:/x:ro,rw'], status: 125, stderr: /ro.*rw/ },
  { options: ['-v', '@:/x:no-such-option'], status: 125, stderr: /no-such-option/ },
  { options: ['-v', '/no/such/folder:/x'], status: 125, stderr: /no such file or directory/ },
  { options: ['-v', '@:/x:noexec'], command: ['grep', '-c', ' /x .*noexec', '/proc/mounts'], stdout: '1' },
  { options: ['--mount', 'type=bind,src=@,dst=/x,ro'], command: ['touch', '/x/y'], status: 1, stderr: /Read-only/ },
  { options: ['--mount', 'type=bind,src=@,dst=/x,no-dereference'] },
  { options: ['--mount', 'type=no-such-type,dst=/x'], status: 125, stderr: /no-such-type/ },
  { options: ['--mount', 'type=tmpfs,dst=/x,tmpfs-mode=700'], command: ['stat', '-c', '%a', '/x'], stdout: '700' },
  { options: ['--tmpfs', '/x'], command: ['stat', '-c', '%a', '/x'], stdout: '1777' },
  { options: ['--tmpfs', '/x:mode=1755,ro'], command: ['stat', '-c', '%a', '/x'], stdout: '1755' },
  { options: ['--tmpfs', '/x:ro'], command: ['touch', '/x/y'], status: 1, stderr: /Read-only/ },
  { options: ['--tmpfs', '/x'], command: ['sh', '-c', 'cp /bin/busybox /x && /x/busybox echo ran'], stdout: 'ran' },
  {
    options: ['--read-only', '--read-only-tmpfs=false'],
    command: [
      'sh',
      '-c',
      'for f in / /tmp /run /dev /dev/shm; do touch $f/x 2>/dev/null && echo $f; done; echo end > /dev/null',
    ],
    stdout: '',
  },
  { options: ['--device', '/no/such/device'], status: 125, stderr: /no such file or directory/ },
  // namespaces and network
  { options: ['--ipc', 'none'], command: ['ls', '-d', '/dev/shm'], status: 1, stderr: /No such file/ },
  { options: ['-p', '8080:80'], stderr: /discarded/ },
  { options: ['--add-host', 'a:192.0.2.1', '--no-hosts'], status: 125, stderr: /--no-hosts/ },
  { options: ['--pid', 'container:no-such'], status: 125, stderr: /no container with name or ID "no-such"/ },
  { options: ['--sysctl', 'kernel.panic=1'], status: 125, stderr: /kernel\.panic/ },
  // privileges
  { options: ['--cap-add', 'NO_SUCH'], status: 125, stderr: /unknown capability/ },
  { options: ['--cap-add', 'chown', '--cap-drop', 'chown'], status: 125, stderr: /dropped and added/ },
  { options: ['--security-opt', 'no-such-option'], status: 125, stderr: /no-such-option/ },
  { options: ['--security-opt', 'label=disable'] },
  { options: ['--ulimit', 'nofile=200:100'], status: 125, stderr: /nofile=200:100/ },
  { options: ['--preserve-fds', '2'], status: 125, stderr: /file descriptor 3 is not available/ },
  // the rest of Podman's flags: taken or clearly refused
  { options: ['--systemd=false'] },
  { options: ['--systemd=always'], status: 125, stderr: /--systemd=always is not supported/ },
  { options: ['--rmi'], status: 125, stderr: /--rmi is not supported/ },
  { options: ['--pod', 'x'], status: 125, stderr: /--pod is not supported/ },
  { options: ['--init', '--init-path', '/no/such/init'], status: 125, stderr: /\/no\/such\/init/ },
  { options: ['--no-such-flag'], status: 125, stderr: /unknown flag: --no-such-flag/ },
  { options: ['--env-file', '/no/such/file'], status: 125, stderr: /\/no\/such\/file/ },
]

test.each(cases)('run $options $command', async ({ options, command = ['true'], status = 0, stdout, stderr }) => {
  const network = options.includes('--network') ? [] : ['--network', 'none']
  const words = options.map((word) => word.replace('@', shared))
  const result = await tspod.run(['run', '--rm', ...network, ...words, image, ...command])
  expect(result.status, explain(result)).toBe(status)
  if (typeof stdout === 'string') expect(result.stdout.trimEnd(), explain(result)).toBe(stdout)
  else if (stdout !== undefined) expect(result.stdout.trimEnd(), explain(result)).toMatch(stdout)
  if (stderr !== undefined) expect(result.stderr, explain(result)).toMatch(stderr)
})

describe('the environment', () => {
  const proxies = { http_proxy: 'http://proxy.example', NO_PROXY: 'localhost' }
  const count = ['sh', '-c', 'env | grep -ci proxy']

  test.each([
    [[], '2'],
    [['--http-proxy'], '2'],
    [['--http-proxy=false'], '0'],
  ] as const)('with %j has %s proxy variables', async (options, expected) => {
    const args = ['run', '--rm', '--network', 'none', ...options, image, ...count]
    expect((await tspod.run(args, { env: proxies })).stdout.trim()).toBe(expected)
  })

  test('of --env-file is the container’s alone', async () => {
    const file = join(tspod.folder, 'variables')
    writeFileSync(file, 'NODE_OPTIONS=--no-such-option\nX=1\n')
    const args = ['run', '--rm', '--network', 'none', '--env-file', file, image, 'sh', '-c', 'echo $NODE_OPTIONS $X']
    expect(await tspod.ok(args)).toBe('--no-such-option 1')
  })
})

test('an overlay mount keeps what it has got for the container’s next start', async () => {
  const command = ['sh', '-c', 'ls /x; touch /x/made']
  await tspod.ok(['create', '--name', 'overlaid', '--network', 'none', '-v', `${shared}:/x:O`, image, ...command])
  expect(await tspod.ok(['start', '-a', 'overlaid'])).toBe('')
  expect(await tspod.ok(['start', '-a', 'overlaid'])).toBe('made')
  expect(existsSync(join(shared, 'made'))).toBe(false)
})

test('a relative --cidfile goes with the container', async () => {
  await tspod.ok(['run', '--rm', '--network', 'none', '--cidfile', 'id', image, 'true'])
  expect(existsSync(join(tspod.folder, 'id'))).toBe(false)
  const id = await tspod.ok(['run', '-d', '--network', 'none', '--cidfile', 'id', image, 'true'])
  expect(readFileSync(join(tspod.folder, 'id'), 'utf8')).toBe(id)
})

test('a descriptor that the caller left open is passed, and no other', async () => {
  const file = join(tspod.folder, 'open')
  writeFileSync(file, 'content')
  const fd = openSync(file, 'r')
  const args = [
    'run',
    '--rm',
    '--network',
    'none',
    '--preserve-fds',
    '1',
    image,
    'sh',
    '-c',
    'cat <&3; ls /proc/self/fd',
  ]
  const result = await finish('run --preserve-fds 1', tspod.start(args, ['ignore', 'pipe', 'pipe', fd]))
  closeSync(fd)
  // 4 is the folder that ls reads.
  expect(result.stdout, explain(result)).toBe('content0\n1\n2\n3\n4\n')
})

test('hooks of --hooks-dir run where they are meant', async () => {
  const [folder, heard] = [join(tspod.folder, 'hooks'), join(tspod.folder, 'heard')]
  mkdirSync(folder)
  const hook = (word: string) => ({ path: '/bin/sh', args: ['sh', '-c', `cat >/dev/null; echo ${word} >> ${heard}`] })
  const write = (name: string, when: object, stages: string[]): void => {
    const text = { version: '1.0.0', hook: hook(name), when, stages }
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(text))
  }
  write('b', { always: true }, ['createRuntime'])
  write('a', { annotations: { '^wants$': '^a' }, commands: ['^true$'] }, ['createRuntime'])
  write('c', { always: true, commands: ['^false$'] }, ['createRuntime'])
  const run = ['run', '--rm', '--network', 'none', '--hooks-dir', folder, '--annotation', 'wants=a', image, 'true']
  await tspod.ok(run)
  expect(readFileSync(heard, 'utf8')).toBe('a\nb\n')
  writeFileSync(join(folder, 'd.json'), '{')
  const result = await tspod.run(run)
  expect(result.status, explain(result)).toBe(125)
  expect(result.stderr).toContain('d.json')
})

describe('pipes', () => {
  const cat = ['run', '-i', '--rm', '--network', 'none', image, 'cat']

  test('64 MB go in and come out as they were', async () => {
    const input = Buffer.alloc(64 * 1024 * 1024, 'tspod pipes ')
    const result = await tspod.run(cat, { input })
    expect(result.status, explain({ ...result, stdout: '…' })).toBe(0)
    expect(result.stdout.length).toBe(input.length)
    expect(Buffer.from(result.stdout).equals(input)).toBe(true)
  })

  test.each(['<&-', '>&-', '2>&-', '<&- >&- 2>&-', '</dev/null'])('run %s ends as its command does', (redirection) => {
    const words = [...cat.slice(0, -1), 'sh', '-c', 'cat; exit 7'].map((word) => `'${word}'`).join(' ')
    const script = `"$0" --root '${tspod.root}' --runroot '${tspod.runroot}' ${words} ${redirection}`
    const shell = spawnSync('sh', ['-c', script, program], { env: { ...tspod.env }, input: '' })
    expect(shell.status, shell.stderr.toString()).toBe(7)
  })

  test('a reader that leaves ends a command that writes without end', () => {
    const words = ['run', '--rm', '--network', 'none', image, 'yes'].join(' ')
    const script = `"$0" --root '${tspod.root}' --runroot '${tspod.runroot}' ${words} 2>/dev/null | head -n 1`
    expect(spawnSync('sh', ['-c', script, program], { env: { ...tspod.env } }).stdout.toString()).toBe('y\n')
  })
})
