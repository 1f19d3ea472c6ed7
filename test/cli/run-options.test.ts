import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import { explain, type TspodStore } from '../helpers/tspod.js'

let tspod: TspodStore

beforeAll(async () => {
  tspod = await busyboxStore()
})

afterAll(async () => {
  await tspod[Symbol.asyncDispose]()
})

/** What a command in a container with these options prints. */
const says = (options: string[], ...command: string[]) =>
  tspod.ok(['run', '--rm', '--network', 'none', ...options, image, ...command])

const cases: [options: string[], command: string[], expected: string | RegExp][] = [
  [['-e', 'A=b c'], ['sh', '-c', 'echo "$A"'], 'b c'],
  [['-w', '/tmp'], ['pwd'], '/tmp'],
  [['-w', ''], ['pwd'], '/'],
  [['--tmpfs', '/t', '-w', '/t/made/for/it'], ['pwd'], '/t/made/for/it'],
  [['-v', 'made:/t', '-w', '/t/made/for/it'], ['pwd'], '/t/made/for/it'],
  [['--read-only', '-w', '/tmp/made/for/it'], ['pwd'], '/tmp/made/for/it'],
  [['-u', '1000:77'], ['sh', '-c', 'id -u; id -g'], '1000\n77'],
  [['-u', 'nobody'], ['id', '-un'], 'nobody'],
  [['-u', '1000'], ['grep', '-c', 'CapEff:.*0000000000000000', '/proc/self/status'], '1'],
  [['--hostname', 'box'], ['hostname'], 'box'],
  [['--hostname', 'box'], ['cat', '/etc/hostname'], 'box'],
  [['--entrypoint', 'echo'], ['a', 'b'], 'a b'],
  [['--add-host', 'foo:192.0.2.1'], ['grep', 'foo', '/etc/hosts'], /^192\.0\.2\.1\sfoo$/],
  [['--read-only'], ['sh', '-c', 'touch /x 2>/dev/null || echo no; touch /tmp/x && echo yes'], 'no\nyes'],
  [['--tmpfs', '/t:size=1m'], ['sh', '-c', 'df -k /t | tail -1'], /^tmpfs +1024 /],
  [['--shm-size', '2m'], ['sh', '-c', 'df -k /dev/shm | tail -1'], /^shm +2048 /],
  [['--ulimit', 'memlock=-1', '--ulimit', 'nofile=64:-1', '--ulimit', 'nproc=-1'], ['sh', '-c', 'ulimit -n'], '64'],
  [
    [
      'name',
      'hostname',
      'memory',
      'cpuset-cpus',
      'log-driver',
      'stop-signal',
      'shm-size',
      'cidfile',
      'pull',
      'platform',
    ]
      .concat(['umask', 'ulimit', 'sysctl', 'add-host', 'publish', 'expose', 'env', 'group-add', 'user', 'workdir'])
      .map((name) => `--${name}=`),
    ['sh', '-c', 'umask; pwd; id -u'],
    '0022\n/\n0',
  ],
  [
    ['--hostname', 'gone', '--hostname', '', '--umask', '0', '--umask='],
    ['sh', '-c', 'hostname | wc -c; umask'],
    '13\n0022',
  ],
  [['--ulimit', 'nofile=100:200'], ['sh', '-c', 'ulimit -n; ulimit -Hn'], '100\n200'],
  [['--sysctl', 'net.ipv4.ip_forward=1'], ['cat', '/proc/sys/net/ipv4/ip_forward'], '1'],
  [['--cap-drop', 'all'], ['sh', '-c', 'grep CapBnd /proc/self/status | cut -f2'], '0000000000000000'],
  [['--security-opt', 'no-new-privileges'], ['grep', 'NoNewPrivs', '/proc/self/status'], /1$/],
  [['--security-opt', 'seccomp=unconfined'], ['grep', 'Seccomp:', '/proc/self/status'], /0$/],
  [[], ['grep', 'Seccomp:', '/proc/self/status'], /2$/],
  [['--umask', '0077'], ['sh', '-c', 'umask'], '0077'],
  [['--init'], ['sh', '-c', 'echo $$'], '2'],
  [['--uts', 'host'], ['hostname'], readFileSync('/proc/sys/kernel/hostname', 'utf8').trim()],
  [['--mount', `type=image,source=${image},target=/i`], ['test', '-x', '/i/bin/busybox'], ''],
  [['--mount', `type=image,source=${image},target=/i,subpath=bin`], ['test', '-x', '/i/busybox'], ''],
  [['--mount', `type=image,source=${image},target=/i,subpath=bin,rw=true`], ['touch', '/i/new'], ''],
  [['--userns', 'keep-id'], ['id', '-u'], String(process.getuid?.())],
]

test.each(cases)('run %j … %j', async (options, command, expected) => {
  expect(await says(options, ...command)).toEqual(
    typeof expected === 'string' ? expected : expect.stringMatching(expected),
  )
})

describe('mounts', () => {
  test('a subpath is found within what is mounted, whatever links say', async () => {
    await says(
      ['-v', 'parts:/d'],
      'sh',
      '-c',
      'mkdir /d/in; echo hi > /d/in/file; ln -s in /d/link; ln -s /../etc /d/out',
    )
    const part = (subpath: string) => ['--mount', `type=volume,source=parts,target=/part,subpath=${subpath}`]
    expect(await says(part('in'), 'cat', '/part/file')).toBe('hi')
    expect(await says(part('link'), 'cat', '/part/file')).toBe('hi')
    for (const subpath of ['out', 'in/file/x', 'nowhere']) {
      const result = await tspod.run(['run', '--rm', '--network', 'none', ...part(subpath), image, 'ls', '/part'])
      expect([result.status, result.stdout], explain(result)).toEqual([125, ''])
      expect(result.stderr).toContain(`subpath "${subpath}"`)
    }
  })

  test('a bind is written through, and not with ro', async () => {
    const folder = join(tspod.folder, 'shared')
    mkdirSync(folder)
    await says(['-v', `${folder}:/b`], 'sh', '-c', 'echo hi > /b/file')
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('hi\n')
    const refused = await tspod.run([
      'run',
      '--rm',
      '--network',
      'none',
      '-v',
      `${folder}:/b:ro`,
      image,
      'touch',
      '/b/x',
    ])
    expect(refused.stderr, explain(refused)).toContain('Read-only file system')
  })

  test('a named volume is made, gets what the image has there, and keeps what is written', async () => {
    expect(await says(['-v', 'data:/etc'], 'ls', '/etc')).toContain('passwd')
    expect(await says(['-v', 'data:/x'], 'sh', '-c', 'ls /x; echo kept > /x/new')).toContain('passwd')
    expect(await says(['-v', 'data:/etc'], 'cat', '/etc/new')).toBe('kept')
  })

  test('a bind of nothing is refused', async () => {
    const result = await tspod.run([
      'run',
      '--rm',
      '--network',
      'none',
      '--mount',
      'type=bind,src=/no/such,dst=/x',
      image,
      'true',
    ])
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toContain('/no/such')
  })

  test('another container’s volumes are had by --volumes-from', async () => {
    await tspod.ok(['create', '--name', 'donor', '-v', 'from:/from', image, 'true'])
    await says(['--volumes-from', 'donor'], 'sh', '-c', 'echo x > /from/file')
    expect(await says(['-v', 'from:/y'], 'cat', '/y/file')).toBe('x')
  })
})

test('a profile of one’s own decides what is allowed', async () => {
  const profile = join(tspod.folder, 'profile.json')
  const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }
  writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }))
  const result = await tspod.run([
    'run',
    '--rm',
    '--network',
    'none',
    '--security-opt',
    `seccomp=${profile}`,
    image,
    'mkdir',
    '/x',
  ])
  expect(result.stderr, explain(result)).toContain('No space left')
})

test('namespaces are shared with container:', async () => {
  const id = await tspod.ok(['run', '-d', '--network', 'none', '--name', 'shared', image, 'sleep', '1234'])
  const ns = `container:${id.slice(0, 12)}`
  const links = 'readlink /proc/self/ns/net; readlink /proc/self/ns/uts'
  const own = await tspod.ok(['exec', 'shared', 'sh', '-c', links])
  const seen = await tspod.ok(['run', '--rm', '--network', ns, '--uts', ns, image, 'sh', '-c', links])
  expect(seen).toBe(own)
  expect(await says(['--pid', ns], 'ps')).toContain('sleep 1234')
  const refused = await tspod.run(['rm', 'shared'])
  expect(refused.status, explain(refused)).toBe(2)
})

test('--ipc container: shares what lies in /dev/shm', async () => {
  await tspod.ok(['run', '-d', '--network', 'none', '--name', 'memory', image, 'sleep', '1000'])
  await tspod.ok(['exec', 'memory', 'sh', '-c', 'echo shared > /dev/shm/file'])
  expect(await says(['--ipc', 'container:memory'], 'cat', '/dev/shm/file')).toBe('shared')
  await tspod.ok(['create', '--ipc', 'private', '--name', 'secretive', image, 'true'])
  const refused = await tspod.run(['create', '--ipc', 'container:secretive', image, 'true'])
  expect([refused.status, refused.stderr]).toEqual([125, expect.stringContaining('non-shareable IPC')])
})
