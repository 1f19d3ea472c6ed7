import { appendFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
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

describe('rename', () => {
  test('moves a running container to another name, which frees the old one', async () => {
    const id = await sleeper('before')
    await tspod.ok(['rename', 'before', 'after'])
    expect(await tspod.ok(['inspect', '-f', '{{.Id}} {{.Name}}', 'after'])).toBe(`${id} after`)
    expect((await tspod.run(['container', 'exists', 'before'])).status).toBe(1)
    await tspod.ok(['create', '--name', 'before', image, 'true'])
    await tspod.ok(['rm', '-f', '-t', '0', 'after', 'before'])
    expect((await tspod.run(['container', 'exists', 'after'])).status).toBe(1)
  })

  test('refuses a name that is taken, and what is no name', async () => {
    await tspod.ok(['create', '--name', 'taken', image, 'true'])
    await tspod.ok(['create', '--name', 'wants', image, 'true'])
    const taken = await tspod.run(['rename', 'wants', 'taken'])
    expect(taken.status, explain(taken)).toBe(125)
    expect(taken.stderr).toContain('name taken is in use')
    expect((await tspod.run(['rename', 'wants', '../up'])).status).toBe(125)
    expect((await tspod.run(['rename', 'nobody', 'x'])).stderr).toContain('no such container')
    expect(await tspod.ok(['inspect', '-f', '{{.Name}}', 'wants'])).toBe('wants')
  })
})

describe('top', () => {
  test('shows the processes as the container knows them', async () => {
    await tspod.ok(['run', '-d', '--name', 'top', '--network', 'none', image, 'sh', '-c', 'sleep 1000 & sleep 999; :'])
    const lines = (await tspod.ok(['top', 'top', 'pid', 'ppid,args'])).split('\n').map((line) => line.split(/\s{2,}/))
    expect(lines[0]).toEqual(['PID', 'PPID', 'COMMAND'])
    expect(lines[1]).toEqual(['1', '0', 'sh -c sleep 1000 & sleep 999; :'])
    expect(lines.slice(2).map(([, parent]) => parent)).toEqual(['1', '1'])
    expect(await tspod.ok(['top', 'top'])).toMatch(/^USER +PID +PPID +%CPU +ELAPSED +TTY +TIME +COMMAND\n/)
  })

  test.each([
    ['-o pid,args', 'PID COMMAND'],
    ['-eo pid,cmd', 'PID COMMAND'],
    ['-opid -o comm', 'PID COMMAND'],
    ['-e --format=pid,user=', 'PID USER'],
    ['-ef', 'USER PID PPID %CPU STIME TTY TIME COMMAND'],
    ['aux', 'USER PID %CPU VSZ RSS TTY STATE STIME TIME COMMAND'],
    ['-A', 'PID TTY TIME COMMAND'],
  ])('understands what people ask ps(1): %s', async (words, headings) => {
    const [first = ''] = (await tspod.ok(['top', 'top', ...words.split(' ')])).split('\n')
    expect(first.split(/\s+/).join(' ')).toBe(headings)
  })

  test('knows no other ps(1) options, and no stopped container', async () => {
    expect((await tspod.run(['top', 'top', '-Z'])).stderr).toContain('unknown option "-Z"')
    expect((await tspod.run(['top', 'top', '-o', 'wchan'])).stderr).toContain('unknown descriptor "wchan"')
    expect((await tspod.run(['top', 'top', 'nonsense'])).stderr).toContain('unknown descriptor "nonsense"')
    await tspod.ok(['create', '--name', 'idle', image, 'true'])
    expect((await tspod.run(['top', 'idle'])).stderr).toContain('top can only be used on running containers')
  })
})

describe('port', () => {
  test('shows each published port, and the one that was asked for', async () => {
    await tspod.ok([
      'create',
      '--name',
      'ports',
      '-p',
      '127.0.0.1:18090-18091:90-91',
      '-p',
      '18053:53/udp',
      image,
      'true',
    ])
    expect(await tspod.ok(['port', 'ports'])).toBe(
      '90/tcp -> 127.0.0.1:18090\n91/tcp -> 127.0.0.1:18091\n53/udp -> 0.0.0.0:18053',
    )
    expect(await tspod.ok(['port', 'ports', '91'])).toBe('127.0.0.1:18091')
    const missing = await tspod.run(['port', 'ports', '53'])
    expect(missing.status).toBe(125)
    expect(missing.stderr).toContain('failed to find published port "53"')
  })
})

describe('stats', () => {
  test('tells what a running container uses', async () => {
    await sleeper('used')
    const [row] = JSON.parse(await tspod.ok(['stats', '--no-stream', '--format', 'json', 'used'])) as [
      Record<string, string>,
    ]
    expect(row).toMatchObject({ name: 'used', pids: '1' })
    expect(row['mem_usage']).toMatch(/^[\d.]+[kM]?B \/ [\d.]+[GT]B$/)
    expect(await tspod.ok(['stats', '--no-stream', '--format', '{{.Name}}'])).toContain('used')
  })

  test('shows with --all what does not run, too', async () => {
    await tspod.ok(['create', '--name', 'unused', image, 'true'])
    expect(await tspod.ok(['stats', '--no-stream', '--all', '--format', '{{.Name}} {{.CPUPerc}}'])).toContain(
      'unused --',
    )
  })
})

describe('events', () => {
  test('tell a container’s life, with filters and formats', async () => {
    await tspod
      .ok(['run', '--name', 'lived', '--label', 'a=b', '--network', 'none', image, 'sh', '-c', 'exit 3'])
      .catch(() => '')
    await tspod.ok(['rm', 'lived'])
    const past = ['events', '--since', '1h', '--stream=false', '--filter', 'container=lived']
    expect(await tspod.ok([...past, '--format', '{{.Status}}'])).toBe(
      'create\ninit\nstart\nattach\ndied\ncleanup\nremove',
    )
    const [died] = (await tspod.ok([...past, '--filter', 'event=die', '--format', 'json'])).split('\n')
    expect(JSON.parse(died ?? '')).toMatchObject({
      Name: 'lived',
      Status: 'died',
      Type: 'container',
      ContainerExitCode: 3,
      Attributes: { a: 'b' },
    })
    expect(await tspod.ok([...past, '--filter', 'label=a=c'])).toBe('')
    expect((await tspod.run(['events', '--filter', 'nonsense=1', '--stream=false'])).status).toBe(125)
  })

  test('are heard as they happen', async () => {
    const child = tspod.start(
      ['events', '--filter', 'event=create', '--format', '{{.Name}}'],
      ['ignore', 'pipe', 'pipe'],
    )
    const heard = new Promise<string>((resolve) =>
      child.stdout?.once('data', (data: Buffer) => resolve(data.toString())),
    )
    const ended = finish('tspod events', child)
    let done = false
    // It says nothing before it listens: so there is always one more to hear.
    const made = (async () => {
      for (let index = 0; !done; index++) await tspod.ok(['create', '--name', `heard${String(index)}`, image, 'true'])
    })()
    expect(await heard).toMatch(/^heard\d+\n/)
    done = true
    child.kill()
    await Promise.all([made, ended])
  })

  test('half a line, or another’s, is passed over', async () => {
    appendFileSync(join(tspod.root, 'events.jsonl'), 'nonsense\n{"Type":"container"}\n')
    const result = await tspod.run(['events', '--since', '1h', '--stream=false'])
    expect(result.status, explain(result)).toBe(0)
    expect(result.stdout).not.toContain('nonsense')
  })
})

test('health checks run, and show in ps, inspect and by hand', async () => {
  await sleeper('well', '--health-cmd', 'test ! -e /ill', '--health-interval', 'disable', '--health-retries', '1')
  expect((await tspod.run(['healthcheck', 'run', 'well'])).status).toBe(0)
  expect(await tspod.ok(['ps', '--filter', 'name=well', '--format', '{{.Status}}'])).toMatch(/\(healthy\)$/)
  await tspod.ok(['exec', 'well', 'touch', '/ill'])
  const ill = await tspod.run(['healthcheck', 'run', 'well'])
  expect(ill.status, explain(ill)).toBe(1)
  expect(ill.stdout).toBe('unhealthy\n')
  expect(await tspod.ok(['inspect', '-f', '{{.State.Health.Status}} {{.State.Health.FailingStreak}}', 'well'])).toBe(
    'unhealthy 1',
  )
  expect(await tspod.ok(['ps', '-q', '--filter', 'health=unhealthy'])).not.toBe('')
  expect(await tspod.ok(['wait', '--condition', 'unhealthy', 'well'])).toBe('-1')
})

test('a check that fails is unhealthy, whatever the container still is', async () => {
  await sleeper('lenient', '--health-cmd', 'false', '--health-interval', 'disable', '--health-retries', '3')
  expect(await tspod.run(['healthcheck', 'run', 'lenient'])).toMatchObject({ status: 1, stdout: 'unhealthy\n' })
  expect(await tspod.ok(['inspect', '-f', '{{.State.Health.Status}}', 'lenient'])).toBe('starting')
})

test('wait refuses to wait for the health of what has no check, and takes several conditions in one', async () => {
  await tspod.ok(['create', '--name', 'unchecked', image, 'true'])
  const result = await tspod.run(['wait', '--condition', 'healthy', 'unchecked'])
  expect(result.status, explain(result)).toBe(125)
  expect(result.stderr).toContain('it has no health check')
  expect(await tspod.ok(['wait', '--condition', 'running,created', 'unchecked'])).toBe('-1')
})

test('-f filters where nothing is forced, -l is the last one', async () => {
  await tspod.ok(['create', '--name', 'last', '-l', 'chosen=1', image, 'sleep', '1000'])
  const id = await tspod.ok(['inspect', '-f', '{{.Id}}', 'last'])
  for (const verb of ['start', 'restart', 'stop'])
    expect(await tspod.ok([verb, '-f', 'label=chosen', ...(verb === 'start' ? [] : ['-t', '0'])])).toBe(id)
  expect(await tspod.ok(['diff', '-l'])).toBe(await tspod.ok(['diff', 'last']))
  expect((await tspod.run(['attach', '-l'])).stderr).toContain('you can only attach to running containers')
})

test('start says once that it attaches to one only, and what --sig-proxy is for', async () => {
  for (const name of ['this', 'that']) await tspod.ok(['create', '--name', name, image, 'true'])
  const both = await tspod.run(['start', '-a', 'this', 'that'])
  expect(both.stderr).toMatch(/^Error: you cannot start and attach multiple containers at once[^\n]*\n$/)
  expect((await tspod.run(['start', '--sig-proxy', 'this'])).stderr).toContain('without --attach')
  expect(await tspod.ok(['ps', '-aq', '-f', 'status=created', '-f', 'name=^th'])).toMatch(/^\w{12}\n\w{12}$/)
})

describe('update', () => {
  test('changes what the next start and the monitor go by', async () => {
    const fails = 'while ! test -e /go; do sleep 0.05; done; test -e /again && exec sleep 1000; touch /again; exit 1'
    const id = await tspod.ok([
      ...['run', '-d', '--network', 'none', '--name', 'changed', '--env', 'OLD=1', image],
      ...['sh', '-c', fails],
    ])
    expect(await tspod.ok(['update', '--restart', 'on-failure:2', '-e', 'NEW=2', '--unsetenv', 'OLD', 'changed'])).toBe(
      id,
    )
    expect(await tspod.ok(['inspect', '-f', '{{.HostConfig.RestartPolicy.Name}} {{.Config.Env}}', 'changed'])).toMatch(
      /^on-failure .*NEW=2/,
    )
    await tspod.ok(['exec', 'changed', 'touch', '/go'])
    // The monitor goes by the new policy: it comes again.
    const seen = () => tspod.ok(['inspect', '-f', '{{.RestartCount}} {{.State.Status}}', 'changed'])
    while ((await seen()) !== '1 running') continue
    await tspod.ok(['kill', 'changed'])
    expect(await tspod.ok(['inspect', '-f', '{{.State.Status}} {{.State.Restarting}}', 'changed'])).toBe('exited false')
    await tspod.ok(['restart', '-t', '0', 'changed'])
    expect(await tspod.ok(['exec', 'changed', 'sh', '-c', 'echo ${OLD-none} $NEW'])).toBe('none 2')
  })

  test('keeps limits for the next start of one that does not run', async () => {
    await tspod.ok(['create', '--name', 'limited', '--cpus', '2', image, 'true'])
    await tspod.ok(['update', '--memory', '64m', '--cpu-quota', '50000', 'limited'])
    const limits = '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}}'
    expect(await tspod.ok(['inspect', '-f', limits, 'limited'])).toBe('67108864 0 50000')
  })

  test('gives a health check, and takes it away', async () => {
    await sleeper('checked')
    expect((await tspod.run(['update', '--health-retries', '2', 'checked'])).stderr).toContain(
      'no health check to change',
    )
    await tspod.ok(['update', '--health-cmd', 'true', '--health-interval', 'disable', 'checked'])
    await tspod.ok(['healthcheck', 'run', 'checked'])
    expect(await tspod.ok(['inspect', '-f', '{{.State.Health.Status}}', 'checked'])).toBe('healthy')
    await tspod.ok(['update', '--no-healthcheck', 'checked'])
    expect((await tspod.run(['healthcheck', 'run', 'checked'])).stderr).toContain('has no defined healthcheck')
  })
})

test('update refuses to let a container start again whose root can be mounted once only', async () => {
  await sleeper('fleeting', '--rm')
  const result = await tspod.run(['update', '--health-cmd', 'true', '--health-on-failure', 'restart', 'fleeting'])
  expect([result.status, result.stderr]).toEqual([125, expect.stringContaining('was started with --rm')])
  expect((await tspod.run(['update', '--restart', 'always', 'fleeting'])).stderr).toContain('--rm')
  await tspod.ok(['rm', '-f', '-t', '0', 'fleeting'])
})

test('container clone makes another one as it was asked for', async () => {
  await tspod.ok(['create', '--name', 'first', '--env', 'A=1', '--network', 'none', image, 'sh', '-c', 'echo $A'])
  await tspod.ok(['container', 'clone', '--memory', '64m', 'first'])
  expect(await tspod.ok(['inspect', '-f', '{{.HostConfig.Memory}}', 'first-clone'])).toBe('67108864')
  expect(await tspod.ok(['start', '-a', 'first-clone'])).toBe('1')
  await tspod.ok(['container', 'clone', '--destroy', 'first', 'second'])
  expect((await tspod.run(['container', 'exists', 'first'])).status).toBe(1)
  expect(await tspod.ok(['start', '-a', 'second'])).toBe('1')
})

describe('init', () => {
  const status = (name: string) => tspod.ok(['inspect', '-f', '{{.State.Status}}', name])
  const initialized = async (name: string, ...command: string[]) => {
    await tspod.ok(['create', '--name', name, '--network', 'none', image, ...command])
    expect(await tspod.ok(['init', name])).toBe(name)
    expect(await status(name)).toBe('initialized')
  }

  test('makes all but the command, which start lets run', async () => {
    await initialized('begun', 'sh', '-c', 'echo ran; exit 3')
    expect(await tspod.ok(['ps', '-a', '--filter', 'status=initialized', '--format', '{{.Names}} {{.Status}}'])).toBe(
      'begun Initialized',
    )
    const again = await tspod.run(['init', 'begun'])
    expect([again.status, again.stderr]).toEqual([125, expect.stringContaining('already been created in runtime')])
    expect(await tspod.ok(['logs', 'begun'])).toBe('')
    const started = await tspod.run(['start', '-a', 'begun'])
    expect([started.status, started.stdout], explain(started)).toEqual([3, 'ran\n'])
    await tspod.ok(['init', 'begun'])
    await tspod.ok(['start', 'begun'])
    expect(await tspod.ok(['wait', 'begun'])).toBe('3')
    expect(await tspod.ok(['logs', 'begun'])).toBe('ran\nran')
  })

  test('is ended by stop and by rm', async () => {
    await initialized('stopped', 'sleep', '1000')
    await tspod.ok(['stop', '-t', '0', 'stopped'])
    expect(await status('stopped')).toBe('exited')
    await initialized('removed', 'sleep', '1000')
    const pid = Number(await tspod.ok(['inspect', '-f', '{{.State.Pid}}', 'removed']))
    await tspod.ok(['rm', 'removed'])
    expect(existsSync(`/proc/${String(pid)}`)).toBe(false)
  })

  test('tells what hinders a start', async () => {
    await tspod.ok(['create', '--name', 'hindered', '--network', 'none', '-v', '/no/such/folder:/x', image, 'true'])
    const result = await tspod.run(['init', 'hindered'])
    expect([result.status, result.stderr]).toEqual([125, expect.stringContaining('/no/such/folder')])
    expect(await status('hindered')).toBe('created')
  })
})

test('inspect has the exec sessions that go on, and the containers whose namespaces are used', async () => {
  const id = await sleeper('donor')
  await tspod.ok(['create', '--name', 'user', '--network', 'container:donor', image, 'true'])
  expect(await tspod.ok(['inspect', '-l', '-f', '{{json .Dependencies}}'])).toBe(JSON.stringify([id]))
  const session = await tspod.ok(['exec', '-d', 'donor', 'sh', '-c', 'read x < /proc/self/fd/9; :'])
  const going = await tspod.ok(['exec', '-d', 'donor', 'sleep', '1000'])
  const sessions = async () => JSON.parse(await tspod.ok(['inspect', '-f', '{{json .ExecIDs}}', 'donor'])) as string[]
  await expect.poll(sessions, { timeout: 20_000 }).toEqual([going])
  expect(session).not.toBe(going)
  await tspod.ok(['rm', '-f', '-t', '0', 'user', 'donor'])
})

test('run tells whose -it has no terminal, and takes -d with -a', async () => {
  const told = await tspod.run(['run', '--rm', '-it', '--network', 'none', image, 'true'])
  expect(told.stderr).toContain('not a TTY')
  expect(await tspod.ok(['run', '-d', '-a', 'stdout', '--rm', '--network', 'none', image, 'true'])).toMatch(
    /^[0-9a-f]{64}$/,
  )
})

test('cleanup clears, mount shows where the root is', async () => {
  const id = await tspod.ok(['create', '--name', 'tidied', '--network', 'none', image, 'sleep', '1000'])
  expect((await tspod.run(['mount', 'tidied'])).stderr).toContain('you must execute "tspod unshare" first')
  await tspod.ok(['start', 'tidied'])
  expect(await tspod.ok(['mount', 'tidied'])).toMatch(/^\/proc\/\d+\/root$/)
  expect(await tspod.ok(['container', 'cleanup', 'tidied'])).toBe('tidied')
  expect((await tspod.run(['container', 'cleanup', '--rm', 'tidied'])).status).toBe(125)
  await tspod.ok(['stop', '-t', '0', 'tidied'])
  await tspod.ok(['container', 'cleanup', '--rm', 'tidied'])
  expect((await tspod.run(['container', 'exists', id])).status).toBe(1)
})

test('mount shows a stopped container, read-only, in unshare; unmount ends that', async () => {
  const script = 'echo new > /etc/new; rm /etc/passwd'
  await tspod.ok(['run', '--name', 'still', '--network', 'none', image, 'sh', '-c', script])
  const bin = join(process.cwd(), 'bin/tspod')
  const global = `--root ${tspod.root} --runroot ${tspod.runroot}`
  const look = [
    `dir=$(${bin} ${global} mount still)`,
    'cat "$dir/etc/new"',
    'test ! -e "$dir/etc/passwd"',
    '! touch "$dir/file" 2>/dev/null',
    `${bin} ${global} mount | grep -c "$dir"`,
    `${bin} ${global} unmount still`,
    'test ! -e "$dir"',
  ]
  expect(await tspod.ok(['unshare', 'sh', '-ec', look.join('\n')])).toBe('new\n1\nstill')
  await tspod.ok(['start', 'still'])
  expect(await tspod.ok(['wait', 'still'])).toBe('1')
})

test.each(['checkpoint', 'restore'])('container %s says why it cannot', async (verb) => {
  await tspod.ok(['create', '--replace', '--name', 'fixed', image, 'true'])
  const result = await tspod.run(['container', verb, 'fixed'])
  expect(result.status).toBe(125)
  expect(result.stderr).toContain('CRIU needs')
})
