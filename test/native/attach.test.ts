import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { nativeFile } from '../../src/base/native-dir.js'
import { connectMonitor, type MonitorConnection } from '../../src/runtime/monitor.js'
import type { MonitorMessage } from '../../src/runtime/protocol.js'
import { ended, runFolder, type RunFolder, runtime, skipReason } from '../helpers/run-folder.js'

const withBusybox = describe.skipIf(skipReason !== undefined)

/** What a client hears. */
interface Client {
  readonly connection: MonitorConnection
  readonly messages: MonitorMessage[]
  readonly end: Promise<void>
  text(): string
  until<T extends MonitorMessage['type']>(type: T): Promise<Extract<MonitorMessage, { type: T }>>
  untilText(wanted: string): Promise<void>
}

async function client(folder: RunFolder): Promise<Client> {
  const connection = await connectMonitor(join(folder.runDir, 'attach.sock'))
  const messages: MonitorMessage[] = []
  const looks = new Set<() => void>()
  let text = ''
  const look = (): void => {
    for (const one of looks) one()
  }
  const end = new Promise<void>((resolve) => {
    connection.listen({
      message: (message) => {
        messages.push(message)
        look()
      },
      output: (_, data) => {
        text += data.toString()
        look()
      },
      end: resolve,
    })
  })
  const when = <T>(found: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const once = (): void => {
        const value = found()
        if (value === undefined) return
        looks.delete(once)
        resolve(value)
      }
      looks.add(once)
      once()
    })
  return {
    connection,
    messages,
    end,
    text: () => text,
    until: (type) =>
      when(() => messages.find((one): one is Extract<MonitorMessage, { type: typeof type }> => one.type === type)),
    untilText: (wanted) => when(() => (text.includes(wanted) ? true : undefined)).then(() => undefined),
  }
}

async function detached(args: readonly string[], options: Parameters<typeof runFolder>[1] = {}, flags: string[] = []) {
  const folder = await runFolder(args, options)
  expect(await ended(folder.launch(['--detach', ...flags]))).toEqual({ status: 0, stdout: '', stderr: '' })
  return folder
}

withBusybox('attach.sock', () => {
  test('shows all clients all output, and their input to the container', async () => {
    await using folder = await detached(['cat'], { plan: { stdinOpen: true } })
    const clients = await Promise.all([client(folder), client(folder), client(folder)])
    for (const { connection, until } of clients) {
      connection.send({ type: 'attach', stdin: true, output: true })
      await until('started')
    }
    await clients[0]?.connection.writeInput(Buffer.from('hello\n'))
    for (const one of clients) await one.untilText('hello\n')
    clients[1]?.connection.endInput()
    for (const one of clients) expect(await one.until('exited')).toMatchObject({ status: 0 })
  })

  test('a client that goes leaves the input open', async () => {
    await using folder = await detached(['cat'], { plan: { stdinOpen: true } })
    const [first, second] = [await client(folder), await client(folder)]
    for (const one of [first, second]) one.connection.send({ type: 'attach', stdin: true, output: true })
    await first.until('started')
    first.connection.close()
    await second.connection.writeInput(Buffer.from('still\n'))
    await second.untilText('still\n')
    second.connection.send({ type: 'stop', signal: 9 })
    expect(await second.until('exited')).toMatchObject({ status: 137, signal: 9 })
  })

  test('one that does not read at all is let go, so that it holds nobody up for long', async () => {
    const command = 'read line; head -c 8000000 /bin/busybox; head -c 8000000 /bin/busybox; head -c 8000000 /bin/busybox; echo end; cat'
    await using folder = await detached(['sh', '-c', command], { plan: { stdinOpen: true } })
    const [slow, quick] = [await client(folder), await client(folder)]
    for (const one of [slow, quick]) one.connection.send({ type: 'attach', stdin: true, output: true })
    await slow.until('started')
    slow.connection.pause()
    await quick.connection.writeInput(Buffer.from('go\n'))
    await quick.untilText('end\n')
    slow.connection.resume()
    expect(await slow.until('error')).toMatchObject({ stage: 'monitor' })
    await slow.end
    quick.connection.endInput()
    expect(await quick.until('exited')).toMatchObject({ status: 0 })
  })

  test('refuses what it does not understand', async () => {
    await using folder = await detached(['sleep', '1000'])
    const stranger = await client(folder)
    stranger.connection.endInput()
    await stranger.end
    expect(stranger.messages).toMatchObject([{ type: 'error', stage: 'monitor' }])
  })

  test('counts input for those who ask', async () => {
    await using folder = await detached(['sleep', '1000'], { plan: { stdinOpen: true } })
    const one = await client(folder)
    one.connection.send({ type: 'attach', stdin: true, output: true, flow: true })
    await one.connection.writeInput(Buffer.alloc(1000))
    expect(await one.until('consumed')).toEqual({ type: 'consumed', bytes: 1000 })
  })

  test('is gone with the container', async () => {
    await using folder = await detached(['sleep', '1000'])
    const one = await client(folder)
    one.connection.send({ type: 'wait' })
    one.connection.send({ type: 'stop', signal: 9 })
    await one.until('exited')
    await expect(client(folder)).rejects.toMatchObject({ code: 'container-not-running' })
  })
})

withBusybox('create-only', () => {
  test('waits for start', async () => {
    await using folder = await detached(['sh', '-c', 'exit 6'], {}, ['--create-only'])
    expect(await folder.state()).toMatchObject({ status: 'created' })
    const one = await client(folder)
    one.connection.send({ type: 'wait' })
    one.connection.send({ type: 'start' })
    expect(await one.until('exited')).toMatchObject({ status: 6 })
    expect(one.messages.map(({ type }) => type).filter((type) => type !== 'created')).toEqual(['hello', 'started', 'exited'])
  })

  test('can be given up', async () => {
    await using folder = await detached(['sleep', '1000'], {}, ['--create-only'])
    const one = await client(folder)
    one.connection.send({ type: 'wait' })
    one.connection.send({ type: 'stop' })
    expect(await one.until('exited')).toMatchObject({ status: 143 })
  })

  test('fails at once for a command that is not there', async () => {
    await using folder = await runFolder(['no-such-command'])
    expect((await ended(folder.launch(['--detach', '--create-only']))).status).toBe(127)
  })
})

withBusybox('a restart policy', () => {
  test('starts again after failures, as often as it says', async () => {
    const plan = { restart: { name: 'on-failure', maximumRetries: 2 } } as const
    await using folder = await runFolder(['sh', '-c', 'echo run; exit 4'], { plan })
    expect(await ended(folder.launch())).toEqual({ status: 4, stdout: 'run\nrun\nrun\n', stderr: '' })
    const state = await folder.state()
    expect(state).toMatchObject({ status: 'exited', exitCode: 4, restartCount: 2 })
    expect(state.restarting).toBeUndefined()
  })

  test('does not start again what was stopped', async () => {
    const plan = { restart: { name: 'always', maximumRetries: 0 } } as const
    await using folder = await detached(['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.02; done'], { plan })
    const one = await client(folder)
    one.connection.send({ type: 'wait' })
    await one.until('started')
    process.kill((await folder.state((state) => state.status === 'running')).pid, 'SIGKILL')
    await folder.state((state) => state.restartCount === 1 && state.status === 'running')
    one.connection.send({ type: 'stop' })
    expect(await one.until('exited')).toMatchObject({ status: expect.any(Number) as number })
    expect(await folder.state()).toMatchObject({ status: 'exited', restartCount: 1 })
  })

  test('is given up between two runs', async () => {
    const plan = { restart: { name: 'always', maximumRetries: 0 } } as const
    await using folder = await detached(['false'], { plan })
    const one = await client(folder)
    one.connection.send({ type: 'wait' })
    await folder.state((state) => state.restartCount > 2 && state.restarting === true)
    one.connection.send({ type: 'stop' })
    expect(await one.until('exited')).toMatchObject({ status: 1 })
  })
})

withBusybox('the end of a container', () => {
  test('comes with its timeout', async () => {
    await using folder = await runFolder(['sleep', '1000'], { plan: { timeoutSeconds: 1 } })
    expect((await ended(folder.launch())).status).toBe(255)
  })

  test('comes with its owner’s', async () => {
    const owner = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] })
    const stat = await readFile(`/proc/${owner.pid}/stat`, 'utf8')
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
    await using folder = await detached(['sleep', '1000'], { plan: { owner: { pid: owner.pid ?? 0, startTime } } })
    owner.kill('SIGKILL')
    expect(await folder.state((state) => state.status === 'exited')).toMatchObject({ exitCode: 137 })
  })

  test('comes at once when the owner’s number is another’s by now', async () => {
    await using folder = await runFolder(['sleep', '1000'], { plan: { owner: { pid: process.pid, startTime: '1' } } })
    expect((await ended(folder.launch())).status).toBe(137)
  })

  test('is SIGKILL after a stop that it ignores', async () => {
    await using folder = await detached(['sh', '-c', 'trap "" TERM; while :; do sleep 0.02; done'])
    const one = await client(folder)
    one.connection.send({ type: 'wait' })
    one.connection.send({ type: 'stop', timeoutSeconds: 0 })
    expect(await one.until('exited')).toMatchObject({ status: 137 })
  })
})

/** Runs a shell on a terminal of its own, with `launch` and more in it. */
function onTerminal(folder: RunFolder, script: string) {
  const child = spawn('script', ['-qfec', script, '/dev/null'], {
    env: { ...process.env, SHELL: '/bin/sh', RUNTIME: nativeFile('tspod-runtime'), RUNDIR: folder.runDir },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let seen = ''
  const looks = new Set<() => void>()
  child.stdout.on('data', (bytes: Buffer) => {
    seen += bytes.toString()
    for (const look of looks) look()
  })
  return {
    end: ended(child),
    type: (keys: string) => child.stdin.write(keys),
    until: (wanted: string) =>
      new Promise<void>((resolve) => {
        const look = (): void => {
          if (!seen.includes(wanted)) return
          looks.delete(look)
          resolve()
        }
        looks.add(look)
        look()
      }),
  }
}

withBusybox('a terminal', () => {
  const plan = { stdinOpen: true }

  test('has the size of ours, follows it, and ends with the command’s status', async () => {
    const command = 'stty size; trap "stty size; exit 8" WINCH; touch /tmp/ready; while :; do sleep 0.05; done'
    await using folder = await runFolder(['sh', '-c', command], { plan, terminal: true })
    const script = `stty rows 33 cols 99; (until [ -e ${folder.stateDir}/upper/tmp/ready ]; do sleep 0.01; done; stty rows 20 cols 70 </dev/tty) & "$RUNTIME" launch "$RUNDIR"; echo "status $?"`
    const terminal = onTerminal(folder, script)
    const { stdout } = await terminal.end
    expect(stdout).toContain('20 70')
    expect(stdout).toContain('status 8')
  })

  test('is put back as it was after the detach keys', async () => {
    await using folder = await runFolder(['sh', '-c', 'echo ready; cat'], { plan, terminal: true })
    const terminal = onTerminal(folder, '"$RUNTIME" launch "$RUNDIR"; echo "status $?"; stty -a')
    await terminal.until('ready')
    terminal.type('abc\r')
    await terminal.until('abc\r\nabc')
    terminal.type('\x10\x11')
    const { stdout } = await terminal.end
    expect(stdout).toContain('status 0')
    expect(stdout).toMatch(/(^|\s)icanon/m)
    expect(stdout).toMatch(/(^|\s)isig/m)
    expect(await folder.state()).toMatchObject({ status: 'running' })
  })

  test('is put back as it was when the client is told to end', async () => {
    await using folder = await runFolder(['sh', '-c', 'echo ready; cat'], { plan, terminal: true })
    const script = '"$RUNTIME" launch "$RUNDIR" --sig-proxy=false & echo $! >"$RUNDIR/client"; fg >/dev/null; stty -a'
    const terminal = onTerminal(folder, `set -m; ${script}`)
    await terminal.until('ready')
    process.kill(Number(await readFile(join(folder.runDir, 'client'), 'utf8')), 'SIGTERM')
    const { stdout } = await terminal.end
    expect(stdout).toMatch(/(^|\s)icanon/m)
  })

  test('takes other detach keys, and Ctrl-C for itself', async () => {
    await using folder = await runFolder(['sh', '-c', 'trap "echo interrupted" INT; echo ready; while :; do sleep 0.05; done'], { plan, terminal: true })
    const terminal = onTerminal(folder, '"$RUNTIME" launch "$RUNDIR" --detach-keys ctrl-x,y; echo "status $?"')
    await terminal.until('ready')
    terminal.type('\x03')
    await terminal.until('interrupted')
    terminal.type('\x18y')
    expect((await terminal.end).stdout).toContain('status 0')
  })
})

withBusybox('exec', () => {
  const cases: [string[], number][] = [
    [['sh', '-c', 'exit 12'], 12],
    [['/etc/plain'], 126],
    [['no-such-command'], 127],
    [['sh', '-c', 'kill -9 $$'], 137],
  ]
  test.each(cases)('of %j exits with %i', async (args, status) => {
    await using folder = await detached(['sleep', '1000'])
    expect((await ended(runtime(['exec', await folder.execPlan(args)]))).status).toBe(status)
  })

  test('pumps input, and keeps the streams apart', async () => {
    await using folder = await detached(['sleep', '1000'])
    const plan = await folder.execPlan(['sh', '-c', 'cat; echo err >&2'], { stdinOpen: true })
    const child = runtime(['exec', plan], { stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdin?.end('in\n')
    expect(await ended(child)).toEqual({ status: 0, stdout: 'in\n', stderr: 'err\n' })
  })

  test('has a terminal where the plan says so', async () => {
    await using folder = await detached(['sleep', '1000'])
    const plan = await folder.execPlan(['sh', '-c', 'test -t 0 && test -t 1 && echo yes'], {}, true)
    expect((await ended(runtime(['exec', plan]))).stdout).toContain('yes')
  })

  test('ends with its container, and takes its plan along', async () => {
    await using folder = await detached(['sleep', '1000'])
    const plan = await folder.execPlan(['sh', '-c', 'echo ready; sleep 1000'])
    const child = runtime(['exec', plan])
    child.stdout?.once('data', () => {
      void folder.state().then(({ pid }) => process.kill(pid, 'SIGKILL'))
    })
    expect((await ended(child)).status).toBe(137)
    /* The client hears of the end first; the session's monitor then clears up. */
    await expect.poll(() => existsSync(plan)).toBe(false)
  })

  test('outlives its client', async () => {
    await using folder = await detached(['sh', '-c', 'while ! test -e /tmp/done; do sleep 0.02; done; exit 3'])
    const plan = await folder.execPlan(['sh', '-c', 'echo ready; cat; touch /tmp/done'], { stdinOpen: true })
    const child = runtime(['exec', plan], { stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdout?.once('data', () => child.kill('SIGKILL'))
    expect(await folder.state((state) => state.status === 'exited')).toMatchObject({ exitCode: 3 })
  })

  test('--detach returns once the process runs', async () => {
    await using folder = await detached(['sh', '-c', 'while ! test -e /tmp/done; do sleep 0.02; done; exit 4'])
    const plan = await folder.execPlan(['touch', '/tmp/done'])
    expect(await ended(runtime(['exec', plan, '--detach', '--announce', 'session']))).toMatchObject({ status: 0, stdout: 'session\n' })
    expect(await folder.state((state) => state.status === 'exited')).toMatchObject({ exitCode: 4 })
  })
})

withBusybox('attach', () => {
  test('joins late and ends with the container', async () => {
    await using folder = await detached(['sh', '-c', 'read line; echo "got $line"; exit 5'], { plan: { stdinOpen: true } })
    const child = runtime(['attach', join(folder.runDir, 'attach.sock')], { stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdin?.write('this\n')
    expect(await ended(child)).toEqual({ status: 5, stdout: 'got this\n', stderr: '' })
  })

  test('without a monitor says so', async () => {
    await using folder = await runFolder(['true'])
    writeFileSync(join(folder.runDir, 'attach.sock'), '')
    const { status, stderr } = await ended(runtime(['attach', join(folder.runDir, 'attach.sock')]))
    expect(status).toBe(125)
    expect(stderr).toContain('attach.sock')
  })
})
