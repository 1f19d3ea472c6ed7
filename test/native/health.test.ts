import { readFileSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { connectMonitor } from '../../src/runtime/monitor.js'
import type { HealthcheckPlan, MonitorMessage, ObservedHealth } from '../../src/runtime/protocol.js'
import { datagramSocket, sendDatagram } from '../helpers/datagram-socket.js'
import { ended, runFolder, type RunFolder, type RunFolderOptions, runtime, skipReason, whenInFolder } from '../helpers/run-folder.js'

const withBusybox = describe.skipIf(skipReason !== undefined)
const millisecond = 1_000_000
const hour = 3600 * 1000 * millisecond

const check: HealthcheckPlan = {
  argv: ['true'],
  intervalNs: 10 * millisecond,
  timeoutNs: 10_000 * millisecond,
  startPeriodNs: 0,
  startIntervalNs: 0,
  retries: 3,
  onFailure: 'none',
  maxLogCount: 5,
  maxLogSize: 500,
}

async function checked(
  more: Partial<HealthcheckPlan>,
  command: readonly string[] = ['sleep', '1000'],
  options: RunFolderOptions = {},
): Promise<RunFolder> {
  const folder = await runFolder(command, {
    ...options,
    plan: { stopSignal: 9, ...options.plan, healthcheck: { ...check, ...more } },
  })
  expect(await ended(folder.launch(['--detach']))).toEqual({ status: 0, stdout: '', stderr: '' })
  return folder
}

function health(folder: RunFolder, wanted: (seen: ObservedHealth) => boolean): Promise<ObservedHealth> {
  return whenInFolder(folder.stateDir, async () => {
    const text = await readFile(join(folder.stateDir, 'health.json'), 'utf8').catch(() => undefined)
    const seen = text === undefined ? undefined : (JSON.parse(text) as ObservedHealth)
    return seen !== undefined && wanted(seen) ? seen : undefined
  })
}

/** Asks over attach.sock and resolves with the first answer of one of these types. */
async function ask(folder: RunFolder, type: 'check' | 'update', ...answers: MonitorMessage['type'][]): Promise<MonitorMessage> {
  const connection = await connectMonitor(join(folder.runDir, 'attach.sock'))
  try {
    return await new Promise<MonitorMessage>((resolve) => {
      connection.listen({
        message: (message) => {
          if (answers.includes(message.type)) resolve(message)
        },
      })
      connection.send({ type: 'wait' })
      connection.send({ type })
    })
  } finally {
    connection.close()
  }
}

withBusybox('a health check', () => {
  test('that succeeds makes the container healthy at once', async () => {
    await using folder = await checked({ argv: ['sh', '-c', 'echo fine; echo "of $0" >&2', 'sorts'], intervalNs: hour })
    const { status, failingStreak, log } = await health(folder, (seen) => seen.status !== 'starting')
    expect({ status, failingStreak, checks: log.length }).toEqual({ status: 'healthy', failingStreak: 0, checks: 1 })
    expect(log[0]).toMatchObject({ exitCode: 0, output: 'fine\nof sorts\n' })
    expect(Date.parse(log[0]?.end ?? '')).toBeGreaterThanOrEqual(Date.parse(log[0]?.start ?? ''))
  })

  test('that fails does so three times, and stays in the log five times', async () => {
    await using folder = await checked({ argv: ['sh', '-c', 'exit 7'] })
    const first = await health(folder, (seen) => seen.failingStreak === 2)
    expect(first.status).toBe('starting')
    expect(await health(folder, (seen) => seen.failingStreak === 3)).toMatchObject({ status: 'unhealthy' })
    const { log } = await health(folder, (seen) => seen.failingStreak >= 8)
    expect(log.map(({ exitCode }) => exitCode)).toEqual([7, 7, 7, 7, 7])
    expect((await folder.state()).status).toBe('running')
  })

  test('becomes healthy again', async () => {
    await using folder = await checked({ argv: ['sh', '-c', '[ -e /tmp/good ]'], retries: 1 })
    await health(folder, (seen) => seen.status === 'unhealthy')
    await ended(runtime(['exec', await folder.execPlan(['touch', '/tmp/good'])]))
    expect(await health(folder, (seen) => seen.status === 'healthy')).toMatchObject({ failingStreak: 0 })
  })

  test('may fail in the start period', async () => {
    await using folder = await checked({ argv: ['false'], startPeriodNs: hour, intervalNs: hour, startIntervalNs: 5 * millisecond })
    const { status, failingStreak } = await health(folder, (seen) => seen.log.length === 5)
    expect({ status, failingStreak }).toEqual({ status: 'starting', failingStreak: 0 })
  })

  test('that hangs is killed, with what it started', async () => {
    const argv = ['sh', '-c', 'trap "" TERM INT; echo hanging; sleep 1001 & wait; sleep 1001']
    await using folder = await checked({ argv, timeoutNs: 100 * millisecond, intervalNs: hour })
    const { log } = await health(folder, (seen) => seen.log.length === 1)
    expect(log[0]).toMatchObject({ exitCode: -1, output: 'hanging\n' })
    const { stdout } = await ended(runtime(['exec', await folder.execPlan(['sh', '-c', 'cat /proc/[0-9]*/cmdline'])]))
    expect(stdout).toContain('sleep\u00001000')
    expect(stdout).not.toContain('1001')
  })

  test('that prints for ever is bounded, and what is no text is made one', async () => {
    await using folder = await checked({
      argv: ['sh', '-c', 'echo -ne "\\377x"; yes'],
      timeoutNs: 100 * millisecond,
      intervalNs: hour,
      maxLogSize: 12,
    })
    const { log } = await health(folder, (seen) => seen.log.length === 1)
    expect(log[0]).toMatchObject({ exitCode: -1, output: '\ufffdxy\ny\ny\ny\ny\n' })
  })

  test.each([
    [['no-such-command'], 127],
    [['/etc/plain'], 126],
  ])('of %j has failed with %i', async (argv, exitCode) => {
    await using folder = await checked({ argv, intervalNs: hour })
    const { log } = await health(folder, (seen) => seen.log.length === 1)
    expect(log[0]?.exitCode).toBe(exitCode)
    expect(log[0]?.output).toContain(argv[0])
  })

  test('runs when it is asked for, and answers', async () => {
    await using folder = await checked({ argv: ['sh', '-c', 'echo asked; exit 3'], intervalNs: 0, retries: 1 })
    const answer = await ask(folder, 'check', 'health', 'error')
    expect(answer).toEqual({ type: 'health', status: 'unhealthy', exitCode: 3, output: 'asked\n' })
    expect(await health(folder, () => true)).toMatchObject({ status: 'unhealthy' })
  })

  test('cannot be asked for where there is none', async () => {
    await using folder = await runFolder(['sleep', '1000'])
    await ended(folder.launch(['--detach']))
    expect(await ask(folder, 'check', 'health', 'error')).toMatchObject({ type: 'error', stage: 'monitor' })
  })

  test('can be changed while the container runs', async () => {
    await using folder = await checked({ argv: ['false'], retries: 1 })
    await health(folder, (seen) => seen.status === 'unhealthy')
    const plan = { ...folder.plan, healthcheck: { ...check, argv: ['true'] } }
    await writeFile(join(folder.runDir, 'launch.json'), JSON.stringify(plan))
    expect(await ask(folder, 'update', 'updated', 'error')).toEqual({ type: 'updated' })
    expect(await health(folder, (seen) => seen.status === 'healthy')).toBeDefined()
  })

  test('keeps a second log where it is told to', async () => {
    const path = join(tmpdir(), `tspod-health-${process.pid}`)
    await using _ = await checked({ argv: ['echo', 'seen'], intervalNs: hour, logPath: path })
    const seen = await whenInFolder(tmpdir(), async () => {
      const text = await readFile(path, 'utf8').catch(() => '{}')
      return text.includes('seen') ? (JSON.parse(text) as unknown) : undefined
    })
    expect(seen).toMatchObject({ Status: 'healthy', FailingStreak: 0, Log: [{ ExitCode: 0, Output: 'seen\n' }] })
    await rm(path)
  })
})

withBusybox('an unhealthy container', () => {
  const bad = { argv: ['false'], retries: 2 }

  test('is killed', async () => {
    await using folder = await checked({ ...bad, onFailure: 'kill' })
    expect(await folder.state((state) => state.status === 'exited')).toMatchObject({ exitCode: 137 })
  })

  test('is stopped as a person would stop it', async () => {
    const command = ['sh', '-c', 'trap "exit 5" TERM; touch /tmp/ready; while :; do sleep 0.05; done']
    const options: RunFolderOptions = { plan: { stopSignal: 15, restart: { name: 'always', maximumRetries: 0 } } }
    await using folder = await checked({ argv: ['sh', '-c', '[ ! -e /tmp/ready ]'], retries: 1, onFailure: 'stop' }, command, options)
    expect(await folder.state((state) => state.status === 'exited')).toMatchObject({ exitCode: 5, restartCount: 0 })
  })

  test('is started again, whatever its policy, and begins anew', async () => {
    await using folder = await checked({ argv: ['sh', '-c', '[ -e /tmp/again ] || { touch /tmp/again; exit 1; }'], retries: 1, onFailure: 'restart' })
    expect(await folder.state((state) => state.status === 'running' && state.restartCount === 1)).toBeDefined()
    const { log } = await health(folder, (seen) => seen.status === 'healthy')
    expect(log.every(({ exitCode }) => exitCode === 0)).toBe(true)
  })
})

withBusybox('a startup check', () => {
  test('comes before the other, as often as it must succeed', async () => {
    const startup = { argv: ['sh', '-c', 'echo startup'], intervalNs: 5 * millisecond, timeoutNs: 0, successes: 2, retries: 0 }
    await using folder = await checked({ argv: ['echo', 'regular'], startup, intervalNs: hour / 3600 / 100 })
    const { log } = await health(folder, (seen) => seen.status === 'healthy')
    expect(log.map(({ output }) => output)).toEqual(['startup\n', 'startup\n', 'regular\n'])
  })

  test('that goes on failing starts the container again', async () => {
    const startup = { argv: ['false'], intervalNs: 5 * millisecond, timeoutNs: 0, successes: 1, retries: 2 }
    await using folder = await checked({ startup })
    expect(await folder.state((state) => state.restartCount >= 1)).toBeDefined()
  })
})

withBusybox('events', () => {
  test('of a life with --rm are lines of one file', async () => {
    await using folder = await runFolder(['sh', '-c', 'exit 4'], { remove: true })
    const file = join(folder.path, 'events.jsonl')
    const fields = { Image: 'busybox', Attributes: { a: 'b' } }
    const plan = { ...folder.plan, events: { file, lock: join(folder.path, 'lock'), fields } }
    await writeFile(join(folder.runDir, 'launch.json'), JSON.stringify(plan))
    await ended(folder.launch())
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
    const common = { Type: 'container', ID: 'c1', Name: 'web', ...fields }
    const time: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { Time: time, Status: 'init', ...common },
      { Time: time, Status: 'start', ...common },
      { Time: time, Status: 'attach', ...common },
      { Time: time, Status: 'died', ContainerExitCode: 4, ...common },
      { Time: time, Status: 'remove', ContainerExitCode: 4, ...common },
    ])
  })

  test('say when the health changes, and only then', async () => {
    await using folder = await runFolder(['sleep', '1000'])
    const file = join(folder.path, 'events.jsonl')
    const events = { file, lock: join(folder.path, 'lock'), fields: {} }
    const plan = { ...folder.plan, events, healthcheck: { ...check, argv: ['false'], retries: 1 } }
    await writeFile(join(folder.runDir, 'launch.json'), JSON.stringify(plan))
    await ended(folder.launch(['--detach']))
    await health(folder, (seen) => seen.failingStreak >= 3)
    const statuses = readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => (JSON.parse(line) as { Status: string }).Status)
    expect(statuses).toEqual(['init', 'start', 'health_status'])
  })

  test('fill one file, and one before it', async () => {
    await using folder = await runFolder(['true'])
    const file = join(folder.path, 'events.jsonl')
    await writeFile(file, `${'x'.repeat(1 << 20)}\n`)
    const plan = { ...folder.plan, events: { file, lock: join(folder.path, 'lock'), fields: {} } }
    await writeFile(join(folder.runDir, 'launch.json'), JSON.stringify(plan))
    await ended(folder.launch())
    expect(await readFile(`${file}.1`, 'utf8')).toContain('"init"')
    expect(await readFile(file, 'utf8')).toMatch(/^\{[^\n]*"start"[^\n]*\}\n(\{[^\n]*\}\n)*\{[^\n]*"died"[^\n]*\}\n/)
  })
})

withBusybox('systemd hears', () => {
  test('that a service is ready at the first success', async () => {
    await using socket = await datagramSocket(join(tmpdir(), `tspod-notify-${process.pid}`))
    await using folder = await runFolder(['sleep', '1000'], {
      plan: { sdnotify: 'healthy', healthcheck: { ...check, argv: ['sh', '-c', '[ -e /tmp/go ]'], retries: 1000 } },
    })
    await ended(folder.launch(['--detach'], { env: { ...process.env, NOTIFY_SOCKET: socket.path } }))
    const { monitorPid } = await folder.state((state) => state.status === 'running')
    await health(folder, (seen) => seen.failingStreak > 2)
    expect(socket.datagrams.map(String)).toEqual([`MAINPID=${monitorPid}`])
    await ended(runtime(['exec', await folder.execPlan(['touch', '/tmp/go'])]))
    expect(String(await socket.until((text) => text.includes('READY')))).toBe(`MAINPID=${monitorPid}\nREADY=1`)
  })

  test('what a container says by its own socket, and not whom it says it is', async () => {
    await using socket = await datagramSocket(join(tmpdir(), `tspod-notify-own-${process.pid}`))
    await using folder = await runFolder(['sleep', '1000'], { plan: { sdnotify: 'container' } })
    await ended(folder.launch(['--detach'], { env: { ...process.env, NOTIFY_SOCKET: socket.path } }))
    const { monitorPid } = await folder.state((state) => state.status === 'running')
    expect(String(await socket.until(() => true))).toBe(`MAINPID=${monitorPid}`)
    await sendDatagram(join(folder.runDir, 'notify', 'notify.sock'), 'MAINPID=1\nREADY=1\nSTATUS=up\nFDSTORE=1')
    expect(String(await socket.until((text) => text.includes('READY')))).toBe('READY=1\nSTATUS=up')
  })
})
