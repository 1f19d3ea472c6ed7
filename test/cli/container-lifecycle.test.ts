import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import { busyboxLayer } from '../helpers/images.js'
import { explain, finish, type TspodStore } from '../helpers/tspod.js'

let tspod: TspodStore

beforeAll(async () => {
  tspod = await busyboxStore()
})

afterAll(async () => {
  await tspod[Symbol.asyncDispose]()
})

const sleeper = (name: string, ...options: string[]) =>
  tspod.ok(['run', '-d', '--network', 'none', '--name', name, ...options, image, 'sleep', '1000'])

test('create, start, stop, start again, kill, rm', async () => {
  const id = await tspod.ok(['create', '--network', 'none', '--name', 'c1', image, 'sleep', '1000'])
  expect(id).toMatch(/^[0-9a-f]{64}$/)
  const status = () => tspod.ok(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'c1'])
  expect(await status()).toBe('created 0')
  expect(await tspod.ok(['start', 'c1'])).toBe('c1')
  expect(await status()).toBe('running 0')
  expect(await tspod.ok(['stop', '-t', '0', 'c1'])).toBe('c1')
  expect(await status()).toBe('exited 137')
  expect(await tspod.ok(['start', id.slice(0, 8)])).toBe(id.slice(0, 8))
  expect(await tspod.ok(['kill', 'c1'])).toBe('c1')
  expect(await tspod.ok(['wait', 'c1'])).toBe('137')
  expect(await tspod.ok(['rm', 'c1'])).toBe('c1')
  expect((await tspod.run(['container', 'exists', 'c1'])).status).toBe(1)
})

test('what a container wrote is there at its next start', async () => {
  await tspod.ok(['create', '--network', 'none', '--name', 'writer', image, 'sh', '-c', 'echo x >> /file; cat /file'])
  expect(await tspod.ok(['start', '-a', 'writer'])).toBe('x')
  expect(await tspod.ok(['start', '-a', 'writer'])).toBe('x\nx')
})

test('start -a ends with the exit status, start --attach -i passes input on', async () => {
  await tspod.ok(['create', '--network', 'none', '--name', 'three', image, 'sh', '-c', 'exit 3'])
  expect((await tspod.run(['start', '-a', 'three'])).status).toBe(3)
  await tspod.ok(['create', '-i', '--network', 'none', '--name', 'cat', image, 'cat'])
  expect((await tspod.run(['start', '-ai', 'cat'], { input: 'hello' })).stdout).toBe('hello')
})

test('a start that fails is 125, whatever it would be to run', async () => {
  await tspod.ok(['create', '--name', 'no-folder', '-w', '/no/such', image, 'true'])
  await tspod.ok(['create', '--name', 'no-command', image, 'no-such'])
  for (const name of ['no-folder', 'no-command']) {
    for (const command of [['start'], ['start', '-a'], ['restart'], ['init']]) {
      const result = await tspod.run([...command, name])
      expect(result.status, explain(result)).toBe(125)
    }
    expect(await tspod.ok(['inspect', '-f', '{{.State.Status}}', name])).toBe('created')
  }
  await tspod.ok(['rm', 'no-folder', 'no-command'])
})

test("an image's working directory that is not there is made for the user, one that was asked for is not", async () => {
  const archive = join(tspod.folder, 'workdir.tar')
  writeFileSync(archive, await busyboxLayer())
  await tspod.ok(['import', '--change', 'WORKDIR /made/up', archive, 'localhost/workdir'])
  const run = (...options: string[]) => ['run', '--rm', '--network', 'none', ...options, 'localhost/workdir']
  expect(await tspod.ok([...run('-u', '1000:77'), 'stat', '-c', '%n %u:%g %a', '/made', '/made/up'])).toBe(
    '/made 0:0 755\n/made/up 1000:77 755',
  )
  expect(await tspod.ok([...run('--read-only'), 'pwd'])).toBe('/made/up')
  expect((await tspod.run([...run('-w', '/made/up'), 'pwd'])).status).toBe(126)
  await tspod.ok(['create', '--network', 'none', '--name', 'mover', '-w', '/tmp', image, 'rmdir', '/tmp'])
  await tspod.ok(['start', '-a', 'mover'])
  const again = await tspod.run(['start', '-a', 'mover'])
  expect([again.status, again.stderr]).toEqual([125, expect.stringContaining('workdir "/tmp" does not exist')])
})

describe('names', () => {
  test('are one container’s, until --replace', async () => {
    const first = await sleeper('dup')
    const refused = await tspod.run(['create', '--name', 'dup', image, 'true'])
    expect(refused.status, explain(refused)).toBe(125)
    expect(refused.stderr).toContain(`"dup" is already in use by ${first}`)
    const second = await tspod.ok(['create', '--replace', '--name', 'dup', image, 'true'])
    expect(await tspod.ok(['inspect', '-f', '{{.Id}}', 'dup'])).toBe(second)
    expect((await tspod.run(['container', 'exists', first])).status).toBe(1)
  })

  test('are made up of two words', async () => {
    const id = await tspod.ok(['create', image, 'true'])
    expect(await tspod.ok(['inspect', '-f', '{{.Name}}', id])).toMatch(/^[a-z]+_[a-z]+$/)
  })

  test('that do not exist are told one by one, and the rest goes on', async () => {
    await sleeper('there')
    const result = await tspod.run(['rm', '-t', '0', '-f', 'there', 'nowhere'])
    expect([result.status, result.stdout], explain(result)).toEqual([0, 'there\n'])
    const strict = await tspod.run(['rm', 'nowhere'])
    expect([strict.status, strict.stderr]).toEqual([
      1,
      'Error: no container with name or ID "nowhere" found: no such container\n',
    ])
  })
})

test('rm of a running container is refused with 2', async () => {
  await sleeper('busy')
  const result = await tspod.run(['rm', 'busy'])
  expect(result.status, explain(result)).toBe(2)
  expect(await tspod.ok(['rm', '-f', 'busy'])).toBe('busy')
})

test('what others share namespaces with goes after them, or not at all', async () => {
  const pair = async () => {
    await sleeper('giver')
    await sleeper('taker', '--ipc', 'container:giver')
  }
  await pair()
  for (const command of [
    ['rm', '-f', 'giver'],
    ['run', '--rm', '--replace', '--name', 'giver', image, 'true'],
  ]) {
    const refused = await tspod.run(command)
    expect([refused.status, refused.stderr], explain(refused)).toEqual([125, expect.stringContaining('dependent')])
  }
  expect(await tspod.ok(['ps', '--format', '{{.Names}}', '--filter', 'name=er$'])).toBe('giver\ntaker')
  expect(await tspod.ok(['rm', '-f', 'giver', 'taker'])).toBe('giver\ntaker')
  await pair()
  expect((await tspod.run(['rm', '--depend', 'giver'])).status).toBe(2)
  expect(await tspod.ok(['rm', '-f', '--depend', 'giver'])).toBe('giver')
  expect((await tspod.run(['container', 'exists', 'taker'])).status).toBe(1)
  await pair()
  await tspod.ok(['kill', 'taker', 'giver'])
  await tspod.ok(['wait', 'taker', 'giver'])
  expect((await tspod.ok(['container', 'prune', '-f', '--filter', 'label!=x'])).split('\n').length).toBeGreaterThan(1)
  expect((await tspod.run(['container', 'exists', 'giver'])).status).toBe(1)
})

test('exec runs beside process 1, with its own user, environment, folder and status', async () => {
  await sleeper('host', '-e', 'A=1')
  expect(await tspod.ok(['exec', 'host', 'sh', '-c', 'echo $A; cat /proc/1/cmdline'])).toContain('sleep')
  expect(
    await tspod.ok(['exec', '-u', 'nobody', '-w', '/tmp', '-e', 'A=2', 'host', 'sh', '-c', 'id -un; pwd; echo $A']),
  ).toBe('nobody\n/tmp\n2')
  expect((await tspod.run(['exec', 'host', 'sh', '-c', 'exit 5'])).status).toBe(5)
  expect((await tspod.run(['exec', 'host', 'no-such'])).status).toBe(127)
  expect((await tspod.run(['exec', 'host', '/etc'])).status).toBe(126)
  expect((await tspod.run(['exec', '-w', '/no/such', 'host', 'true'])).status).toBe(127)
  expect(await tspod.ok(['exec', '-w', 'tmp', 'host', 'pwd'])).toBe('/tmp')
  expect(await tspod.ok(['exec', '-w', '', 'host', 'pwd'])).toBe('/')
  expect((await tspod.run(['exec', '-i', 'host', 'cat'], { input: 'in' })).stdout).toBe('in')
  await tspod.ok(['kill', 'host'])
  expect((await tspod.run(['exec', 'host', 'true'])).status).toBe(255)
})

test('ps shows what runs, all, and what matches', async () => {
  await sleeper('seen', '--label', 'app=web')
  await tspod.ok(['create', '--name', 'unseen', '--label', 'app=web', image, 'true'])
  const names = (...options: string[]) =>
    tspod.ok(['ps', '--format', '{{.Names}}', '--filter', 'label=app=web', ...options])
  expect(await names()).toBe('seen')
  expect((await names('-a')).split('\n').sort()).toEqual(['seen', 'unseen'])
  expect(await names('--filter', 'status=created')).toBe('unseen')
  expect(await names('-a', '--filter', 'name=^uns')).toBe('unseen')
  const [row] = JSON.parse(await tspod.ok(['ps', '--format', 'json', '--filter', 'name=^seen$'])) as object[]
  expect(row).toMatchObject({ Names: ['seen'], State: 'running', Labels: { app: 'web' }, Command: ['sleep', '1000'] })
  expect(await tspod.ok(['ps', '--filter', 'name=^seen$'])).toMatch(
    /^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES\n[0-9a-f]{12} +localhost\/busybox:latest +sleep 1000 +.* ago +Up .* +seen$/,
  )
  const bad = await tspod.run(['ps', '--filter', 'nonsense=1'])
  expect(bad.status).toBe(125)
  expect(bad.stderr).toContain('invalid filter "nonsense": choose one of ancestor, ')
  expect(await names('-n', '1')).toBe('unseen')
  expect(await tspod.ok(['ps', '--ns', '--filter', 'name=^seen$'])).toMatch(
    /^CONTAINER ID +NAMES +PID +CGROUPNS +IPC +MNT +NET +PIDNS +USERNS +UTS\n[0-9a-f]{12} +seen +\d+( +\d+){7}$/,
  )
  expect(await tspod.ok(['ps', '-ap', '--noheading', '--filter', 'name=^unseen$'])).toMatch(/ unseen *$/)
  for (const flags of [
    ['-q', '-s'],
    ['--ns', '-s'],
    ['-l', '-n', '1'],
    ['-l', '-w', '1'],
  ])
    expect((await tspod.run(['ps', ...flags])).status, flags.join(' ')).toBe(125)
})

test('ps templates look into labels, and print them', async () => {
  await tspod.ok(['create', '--name', 'labelled', '-l', 'b=2', '-l', 'a=1', image, 'true'])
  const shown = (format: string) => tspod.ok(['ps', '-a', '-f', 'name=labelled', '--format', format])
  expect(await shown('{{.Labels}} {{.Labels.a}} {{index .Labels "b"}} {{.Label "a"}}')).toBe('b=2,a=1 1 2 1')
  expect(await shown('{{range $key, $value := .Labels}}{{$key}}{{$value}} {{end}}{{json .Labels}}')).toBe(
    'a1 b2 {"a":"1","b":"2"}',
  )
  await tspod.ok(['rm', 'labelled'])
})

test('ps -n with no number to speak of is as if it were not there', async () => {
  await tspod.ok(['create', '--name', 'never', image, 'true'])
  for (const count of ['0', '-1']) expect(await tspod.ok(['ps', '-q', '-n', count])).toBe(await tspod.ok(['ps', '-q']))
  await tspod.ok(['rm', 'never'])
})

test('logs gives both streams, the last lines, and ends with a container that has ended', async () => {
  const script = 'for i in 1 2 3; do echo out $i; echo err $i >&2; done'
  await tspod.ok(['run', '--network', 'none', '--name', 'talker', image, 'sh', '-c', script])
  await tspod.ok(['run', '--network', 'none', '--name', 'done', image, 'sh', '-c', 'echo one; echo two; printf three'])
  expect(await tspod.ok(['logs', 'done'])).toBe('one\ntwo\nthree')
  expect(await tspod.ok(['logs', '--tail', '1', 'done'])).toBe('three')
  expect(await tspod.ok(['logs', '--tail', '0', 'done'])).toBe('')
  expect(await tspod.ok(['logs', '-t', 'done'])).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+\S+ one$/m)
  expect(await tspod.ok(['logs', '--until', '1h', 'done'])).toBe('one\ntwo\nthree')
  expect(await tspod.ok(['logs', '--until=-1h', 'done'])).toBe('')
  const followed = await tspod.run(['logs', '-f', 'talker'])
  expect([followed.stdout, followed.stderr], explain(followed)).toEqual([
    'out 1\nout 2\nout 3\n',
    'err 1\nerr 2\nerr 3\n',
  ])
})

test('logs --since and --until mean the nanosecond, with what is of it', async () => {
  await tspod.ok(['run', '--network', 'none', '--name', 'dated', image, 'true'])
  const path = await tspod.ok(['inspect', '--format', '{{.HostConfig.LogConfig.Path}}', 'dated'])
  const record = (nanosecond: number): string =>
    `2026-11-21T05:46:00.00000000${String(nanosecond)}+00:00 stdout F ${String(nanosecond)}\n`
  writeFileSync(path, [1, 2, 3, 3, 4].map(record).join(''))
  const logs = (...bounds: string[]): Promise<string> => tspod.ok(['logs', ...bounds, 'dated'])
  expect(await logs('--since', '2026-11-21T05:46:00.000000003Z')).toBe('3\n3\n4')
  expect(await logs('--until', '2026-11-21T06:46:00.000000003+01:00')).toBe('1\n2\n3\n3')
  const second = String(Date.UTC(2026, 10, 21, 5, 46) / 1000)
  expect(await logs('--since', `${second}.000000002`, '--until', `${second}.000000003`)).toBe('2\n3\n3')
})

test('logs of several containers are told apart, and none is shown if one is missing', async () => {
  const id = await tspod.ok(['create', '--network', 'none', '--name', 'first', image, 'echo', 'a'])
  await tspod.ok(['create', '--network', 'none', '--name', 'second', image, 'sh', '-c', 'echo b; echo c'])
  for (const name of ['first', 'second']) await tspod.ok(['start', '-a', name])
  expect(await tspod.ok(['logs', '-n', 'first', 'second'])).toBe('first a\nsecond b\nsecond c')
  expect(await tspod.ok(['logs', 'first', 'second'])).toMatch(new RegExp(`^${id.slice(0, 12)} a\n`))
  expect(await tspod.ok(['logs', '-n', 'first'])).toBe('a')
  expect(await tspod.ok(['logs', '--color', 'second'])).toBe('\u001b[37mb\u001b[0m\n\u001b[37mc\u001b[0m')
  const missing = await tspod.run(['logs', 'first', 'nobody'])
  expect([missing.status, missing.stdout]).toEqual([125, ''])
  const bad = await tspod.run(['logs', '--since', 'soon', 'first'])
  expect(bad.stderr).toMatch(/"soon" for "--since".*neither a time .* nor a duration/)
})

test('logs -f sees what is written later, across rotations, and ends with the container', async () => {
  const script = 'read go; i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done'
  await tspod.ok([
    'create',
    '-i',
    '--network',
    'none',
    '--name',
    'late',
    '--log-opt',
    'max-size=8k',
    '--log-opt',
    'max-file=9',
    image,
    'sh',
    '-c',
    script,
  ])
  const started = tspod.start(['start', '-ai', 'late'], ['pipe', 'ignore', 'inherit'])
  await tspod.ok(['wait', '--condition', 'running', 'late'])
  const follower = tspod.start(['logs', '-f', 'late'], ['ignore', 'pipe', 'pipe'])
  const result = finish('logs -f late', follower)
  started.stdin?.end('go\n')
  expect((await result).stdout.trim().split('\n')).toEqual(Array.from({ length: 300 }, (_, index) => `line ${index}`))
})

test('inspect has Docker’s and Podman’s names', async () => {
  await tspod.ok([
    'create',
    '--name',
    'looked-at',
    '-e',
    'A=b',
    '-v',
    'vol:/v',
    '-p',
    '12345:80',
    '--cap-add',
    'net_raw',
    image,
    'x',
    'y',
  ])
  const [found] = JSON.parse(await tspod.ok(['inspect', 'looked-at'])) as object[]
  expect(found).toMatchObject({
    Name: 'looked-at',
    Path: 'x',
    Args: ['y'],
    State: { Status: 'created', Running: false, Pid: 0 },
    Config: { Cmd: ['x', 'y'], Image: image, Env: expect.arrayContaining(['A=b']) as unknown },
    HostConfig: {
      CapAdd: ['CAP_NET_RAW'],
      PortBindings: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '12345' }] },
      RestartPolicy: { Name: 'no' },
    },
    Mounts: [{ Type: 'volume', Name: 'vol', Destination: '/v', RW: true }],
  })
  const missing = await tspod.run(['inspect', 'nobody'])
  expect([missing.status, missing.stdout.trim()]).toEqual([125, '[]'])
})

test('rm -v takes anonymous volumes along, and leaves named ones', async () => {
  const volumes = () => readdirSync(join(tspod.root, 'volumes')).sort()
  const before = volumes()
  await tspod.ok(['create', '--name', 'holder', '-v', '/anonymous', '-v', 'named:/named', image, 'true'])
  expect(volumes()).toHaveLength(before.length + 2)
  await tspod.ok(['rm', '-v', 'holder'])
  expect(volumes()).toEqual([...before, 'named'].sort())
})

test('one record that cannot be read does not hide the others', async () => {
  const id = await tspod.ok(['create', '--name', 'broken', image, 'true'])
  await tspod.ok(['create', '--name', 'whole', image, 'true'])
  writeFileSync(join(tspod.root, 'containers', id, 'config.json'), '{')
  const listed = await tspod.run(['ps', '-a', '--format', '{{.Names}}'])
  expect(listed.status, explain(listed)).toBe(0)
  expect(listed.stdout).toContain('whole')
  expect(listed.stderr).toContain(id.slice(0, 12))
  const removed = await tspod.run(['rm', '-f', id])
  expect(removed.status, explain(removed)).toBe(0)
  expect(await tspod.ok(['ps', '-aq', '--no-trunc'])).not.toContain(id)
})
