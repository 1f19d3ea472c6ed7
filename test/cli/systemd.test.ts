import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { busyboxStore, image } from '../helpers/busybox-store.js'
import { finish, program, type TspodStore } from '../helpers/tspod.js'

let store: TspodStore
beforeAll(async () => {
  store = await busyboxStore()
})
afterAll(() => store[Symbol.asyncDispose]())

const generator = `${program}-user-generator`

function generate(
  folder: string,
  ...argv: readonly string[]
): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, QUADLET_UNIT_DIRS: folder }
  return spawnSync(generator, argv, { env, encoding: 'utf8' })
}

describe('tspod-user-generator', () => {
  test('writes a service for each quadlet, enables it, and tells of the wrong ones', async () => {
    const [from, to] = [join(store.folder, 'quadlets'), join(store.folder, 'generated')]
    await mkdir(join(from, 'web.container.d'), { recursive: true })
    await writeFile(join(from, 'web.container'), `[Container]\nImage=${image}\n[Install]\nWantedBy=default.target\n`)
    await writeFile(join(from, 'web.container.d', '10.conf'), '[Container]\nExec=sleep 60\n')
    await writeFile(join(from, 'bad.container'), '[Container]\nBogus=1\n')
    const { status, stderr } = generate(from, to, to, to)
    expect(stderr).toBe(`Error: ${join(from, 'bad.container')}: unsupported key "Bogus" in [Container]\n`)
    expect(status).not.toBe(0)
    expect(await readdir(to)).toEqual(['default.target.wants', 'web.service'])
    expect(await readlink(join(to, 'default.target.wants', 'web.service'))).toBe('../web.service')
    expect(await readFile(join(to, 'web.service'), 'utf8')).toContain(` -d --log-driver journald ${image} sleep 60\n`)
  })

  test('does nothing where there are no quadlets', () => {
    expect(generate(join(store.folder, 'none'), join(store.folder, 'nothing'))).toMatchObject({ status: 0, stderr: '' })
  })
})

describe('generate systemd', () => {
  test('prints what starts the container that there is, or makes it anew', async () => {
    await store.ok(['create', '--name', 'web', '--network', 'none', image, 'sleep', '100%'])
    const kept = await store.ok(['generate', 'systemd', '--name', '--no-header', 'web'])
    expect(kept).toMatch(/^# container-web\.service\n/)
    expect(kept).toMatch(/^ExecStart=.*\/tspod .*start [0-9a-f]{64}$/m)
    const made = await store.ok(['generate', 'systemd', '--new', '--name', '-t', '3', 'web'])
    expect(made).toMatch(/^ExecStart=.* run --cidfile=%t\/%n\.ctr-id .* -d --name web --network none \S+ sleep 100%%$/m)
    expect(made).toMatch(/^ExecStop=.* stop --ignore -t 3 --cidfile=/m)
    const json = await store.ok([
      'generate',
      'systemd',
      '--name',
      '--container-prefix',
      'c',
      '--separator',
      '_',
      '--format',
      'json',
      'web',
    ])
    expect(Object.keys(JSON.parse(json) as object)).toEqual(['c_web'])
  })

  test('names a container that is not there', async () => {
    const { status, stderr } = await store.run(['generate', 'systemd', 'nobody'])
    expect(stderr).toContain('"nobody"')
    expect(status).toBe(125)
  })
})

test.each([['auto'], ['nomap']])('a new volume is filled with --userns %s', async (mode) => {
  const { status, stdout, stderr } = await store.run([
    ...['run', '--rm', '--network', 'none', '--userns', mode, '-v', `etc-${mode}:/etc`],
    ...[image, 'stat', '-c', '%u %n', '/etc', '/etc/passwd'],
  ])
  expect(`${stderr}${stdout}`).toBe('0 /etc\n0 /etc/passwd\n')
  expect(status).toBe(0)
})

describe('a service', () => {
  /** Runs a command and says how what it left behind ended: prctl(PR_SET_CHILD_SUBREAPER) makes that its child. */
  const reaper = `
    syscall(${process.arch === 'arm64' ? '167' : '157'}, 36, 1, 0, 0, 0) == 0 or die;
    system(@ARGV) == 0 or die;
    print $? >> 8, "\n" while wait() > 0`

  test.each([
    ['ended by itself', false, 3],
    ['was stopped, whatever it makes of that', true, 0],
  ])('ends with the status of a container that %s', async (_, stops, status) => {
    const script = stops ? 'trap "exit 3" TERM; sleep 1000 & wait' : 'exit 3'
    const run = [
      program,
      '--root',
      store.root,
      '--runroot',
      store.runroot,
      'run',
      '-d',
      '--name',
      'ends',
      '--network',
      'none',
    ]
    const child = spawn('perl', ['-e', reaper, ...run, image, 'sh', '-c', script], {
      env: { ...store.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = finish('a monitor', child)
    if (stops) {
      await once(child.stdout, 'data')
      await store.ok(['stop', '-t', '60', 'ends'])
    }
    expect((await ended).stdout.trim().split('\n').at(-1)).toBe(String(status))
    await store.ok(['rm', 'ends'])
  })

  test('may find the container gone that it stops, and the file with its ID', async () => {
    const file = ['--cidfile', join(store.folder, 'gone')]
    expect(await store.ok(['stop', '--ignore', ...file])).toBe('')
    expect(await store.ok(['rm', '--force', ...file])).toBe('')
    expect((await store.run(['stop', ...file])).status).toBe(125)
  })

  test('brings back what --restart says', async () => {
    await store.ok(['create', '--name', 'again', '--restart', 'always', '--network', 'none', image, 'true'])
    await store.ok(['create', '--name', 'once', '--network', 'none', image, 'true'])
    expect(await store.ok(['ps', '-a', '--filter', 'restart-policy=always', '--format', '{{.Names}}'])).toBe('again')
    const { stderr } = await store.run(['start', '--all', '--filter', 'restart-policy=never'])
    expect(stderr).toContain('never is not a valid restart policy: no, on-failure, always, unless-stopped')
  })
})
