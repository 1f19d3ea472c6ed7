import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { nativeFile } from '../../src/base/native-dir.js'
import { ended, killIfThere, runFolder, skipReason, whenInFolder } from '../helpers/run-folder.js'

const withBusybox = describe.skipIf(skipReason !== undefined)

withBusybox('launch in the foreground', () => {
  const cases: [string[], number][] = [
    [['true'], 0],
    [['sh', '-c', 'exit 32'], 32],
    [['/etc/plain'], 126],
    [['no-such-command'], 127],
  ]
  test.each(cases)('of %j exits with %i', async (args, status) => {
    await using folder = await runFolder(args)
    expect((await ended(folder.launch())).status).toBe(status)
  })

  test('keeps output and errors apart, and logs both', async () => {
    await using folder = await runFolder(['sh', '-c', 'echo out; echo err >&2; echo -n half'])
    const result = await ended(folder.launch())
    expect(result).toEqual({ status: 0, stdout: 'out\nhalf', stderr: 'err\n' })
    const lines = (await folder.log()).split('\n').map((line) => line.slice(36))
    expect(lines.filter((line) => line.startsWith('stdout'))).toEqual(['stdout F out', 'stdout P half'])
    expect(lines.filter((line) => line.startsWith('stderr'))).toEqual(['stderr F err'])
  })

  test('records the exit before it ends', async () => {
    await using folder = await runFolder(['sh', '-c', 'exit 5'])
    await ended(folder.launch())
    expect(await folder.state()).toMatchObject({ status: 'exited', exitCode: 5, pid: 0, oomKilled: false, restartCount: 0 })
  })

  test('hands megabytes of input through', async () => {
    await using folder = await runFolder(['cat'], { plan: { stdinOpen: true, log: { driver: 'none', maxSize: 0, maxFiles: 1 } } })
    const child = folder.launch([], { stdio: ['pipe', 'pipe', 'pipe'] })
    const input = '0123456789abcdef'.repeat(300_000)
    child.stdin?.end(input)
    const { status, stdout } = await ended(child)
    expect(status).toBe(0)
    expect(stdout === input).toBe(true)
  })

  test('leaves its input alone when the container reads none', async () => {
    await using folder = await runFolder(['true'])
    const script = '"$0" launch "$1"; read line; echo "$line"'
    const child = spawn('sh', ['-c', script, nativeFile('tspod-runtime'), folder.runDir], { stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdin.end('still here\n')
    expect((await ended(child)).stdout).toBe('still here\n')
  })

  test('delivers signals to a container that does not read its input', async () => {
    const command = 'trap "exit 43" TERM; echo ready; while :; do sleep 0.05; done'
    await using folder = await runFolder(['sh', '-c', command], { plan: { stdinOpen: true } })
    const child = folder.launch([], { stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdin?.on('error', () => undefined)
    child.stdin?.write('x'.repeat(4_000_000))
    child.stdout?.once('data', () => child.kill('SIGTERM'))
    expect((await ended(child)).status).toBe(43)
  })

  test('closing its output ends the container as in a pipeline', async () => {
    await using folder = await runFolder(['yes'])
    const script = '"$0" launch "$1" | head -n 2; echo "${PIPESTATUS[0]}"'
    const child = spawn('bash', ['-c', script, nativeFile('tspod-runtime'), folder.runDir], { stdio: ['ignore', 'pipe', 'pipe'] })
    const lines = (await ended(child)).stdout.trim().split('\n')
    expect(lines.slice(0, 2)).toEqual(['y', 'y'])
    expect(Number(lines[2])).toBeGreaterThan(0)
  })

  test('does not wait for others that hold the output', async () => {
    await using folder = await runFolder(['sh', '-c', 'sleep 1000 & echo $!'], { sharePids: true })
    const { status, stdout } = await ended(folder.launch())
    killIfThere(Number(stdout))
    expect(status).toBe(0)
  })

  test('says that the monitor was killed', async () => {
    await using folder = await runFolder(['sleep', '1000'])
    const child = folder.launch()
    const { monitorPid, pid } = await folder.state((state) => state.status === 'running')
    process.kill(monitorPid, 'SIGKILL')
    expect(await ended(child)).toMatchObject({ status: 125, stderr: 'tspod-runtime: the monitor of container web has gone away\n' })
    killIfThere(pid)
  })

  test('reports a container that was killed', async () => {
    await using folder = await runFolder(['sleep', '1000'])
    const child = folder.launch()
    const { pid } = await folder.state((state) => state.status === 'running')
    process.kill(pid, 'SIGKILL')
    expect((await ended(child)).status).toBe(137)
    expect(await folder.state()).toMatchObject({ status: 'exited', exitCode: 137, signal: 9 })
  })

  test('a killed client leaves the container running, and ends its input', async () => {
    await using folder = await runFolder(['sh', '-c', 'cat; exit 9'], { plan: { stdinOpen: true } })
    const child = folder.launch([], { stdio: ['pipe', 'pipe', 'pipe'] })
    await folder.state((state) => state.status === 'running')
    child.kill('SIGKILL')
    expect(await folder.state((state) => state.status === 'exited')).toMatchObject({ exitCode: 9 })
  })

  test('hands descriptors on', async () => {
    await using folder = await runFolder(['sh', '-c', 'echo through >&3'], { plan: { preserveFds: 1 } })
    const child = folder.launch([], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
    const got: Buffer[] = []
    child.stdio[3]?.on('data', (bytes: Buffer) => got.push(bytes))
    expect((await ended(child)).status).toBe(0)
    expect(Buffer.concat(got).toString()).toBe('through\n')
  })

  test('passes its own descriptors with passthrough', async () => {
    const log = { driver: 'passthrough', maxSize: 0, maxFiles: 1 } as const
    await using folder = await runFolder(['sh', '-c', 'cat; echo err >&2'], { plan: { log, stdinOpen: true } })
    const child = folder.launch(['--no-stdin'], { stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdin?.end('in\n')
    expect(await ended(child)).toEqual({ status: 0, stdout: 'in\n', stderr: 'err\n' })
  })
})

withBusybox('a warning', () => {
  test.each([[[]], [['--detach']]])('from just before the command runs reaches the client: %j', async (flags) => {
    await using folder = await runFolder(['true'], { plan: { user: { spec: '', groupAdd: ['5'], setHome: false } } })
    const { status, stderr } = await ended(folder.launch(flags))
    expect(status).toBe(0)
    expect(stderr).toContain('warning: user: additional groups are not possible with this id map')
  })
})

withBusybox('a launch that fails', () => {
  test('says where and why', async () => {
    await using folder = await runFolder(['no-such-command'])
    const { stderr } = await ended(folder.launch())
    expect(stderr).toMatch(/^tspod-runtime: exec: .*no-such-command.*\n$/)
    expect(await folder.state()).toMatchObject({ status: 'created', exitCode: 127, pid: 0 })
  })

  test('becomes the program of onError, with the error', async () => {
    const onError = ['/bin/sh', '-c', 'echo "$TSPOD_LAUNCH_ERROR"; exit 77']
    await using folder = await runFolder(['no-such-command'], { plan: { onError } })
    const { status, stdout } = await ended(folder.launch())
    expect(status).toBe(77)
    expect(JSON.parse(stdout)).toMatchObject({ type: 'error', stage: 'exec', errno: 2 })
  })

  test('becomes it, too, when the plan itself is refused', async () => {
    const onError = ['/bin/sh', '-c', 'echo "$TSPOD_LAUNCH_ERROR"; exit 77']
    await using folder = await runFolder(['true'], { plan: { onError, stopSignal: 1000 } })
    const { status, stdout } = await ended(folder.launch())
    expect(status).toBe(77)
    expect(JSON.parse(stdout)).toMatchObject({ type: 'error', stage: 'plan' })
  })

  test('lets go of the lock before, so that who clears up can take it', async () => {
    await using folder = await runFolder(['true'], { plan: { stopSignal: 1000, lockFd: 9 } })
    const lock = join(folder.path, 'lock')
    const onError = ['/bin/sh', '-c', `flock --nonblock ${lock} echo free`]
    const path = join(folder.runDir, 'launch.json')
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), onError }))
    const line = `exec 9>${lock}; flock 9; exec ${nativeFile('tspod-runtime')} launch ${folder.runDir}`
    const { stdout, stderr } = await ended(spawn('/bin/sh', ['-c', line]))
    expect([stdout, stderr]).toEqual(['free\n', ''])
  })

  test('without a plan exits with 125', async () => {
    await using folder = await runFolder(['true'])
    const { status, stderr } = await ended(spawn(nativeFile('tspod-runtime'), ['launch', join(folder.path, 'nowhere')]))
    expect(status).toBe(125)
    expect(stderr).toContain('plan: ')
  })
})

withBusybox('--rm', () => {
  test('leaves nothing, whatever the container did to its files', async () => {
    const command = 'mkdir -p /tmp/a/b/c; touch /tmp/a/b/f; chmod 000 /tmp/a/b /tmp/a; exit 3'
    await using folder = await runFolder(['sh', '-c', command], { remove: true })
    expect((await ended(folder.launch())).status).toBe(3)
    expect(existsSync(folder.stateDir)).toBe(false)
    expect(existsSync(folder.runDir)).toBe(false)
    expect(await readdir(join(folder.path, 'data', 'tmp'))).toEqual([])
  })

  test('removes also when the client is gone', async () => {
    await using folder = await runFolder(['sh', '-c', 'cat'], { remove: true, plan: { stdinOpen: true } })
    const child = folder.launch([], { stdio: ['pipe', 'ignore', 'ignore'] })
    await folder.state((state) => state.status === 'running')
    child.kill('SIGKILL')
    const tmp = join(folder.path, 'data', 'tmp')
    await whenInFolder(tmp, async () => {
      const left = existsSync(folder.stateDir) || existsSync(folder.runDir) || (await readdir(tmp)).length > 0
      return left ? undefined : true
    })
    expect(existsSync(folder.stateDir)).toBe(false)
  })
})

withBusybox('many at once', () => {
  test('all run, and all are removed', async () => {
    const folders = await Promise.all(Array.from({ length: 20 }, (_, i) => runFolder(['sh', '-c', `echo ${i}`], { remove: true })))
    const results = await Promise.all(folders.map((folder) => ended(folder.launch())))
    expect(results.map(({ stdout }) => stdout)).toEqual(folders.map((_, i) => `${i}\n`))
    for (const folder of folders) expect(existsSync(folder.runDir)).toBe(false)
    for (const folder of folders) await folder[Symbol.asyncDispose]()
  })
})

withBusybox('an idle monitor', () => {
  test('sleeps in one system call and holds no pipe of its launcher', async () => {
    await using folder = await runFolder(['sleep', '1000'])
    const child = folder.launch(['--detach', '--announce', 'the id'])
    // `close` comes only when nobody holds the pipes any more.
    expect(await ended(child)).toEqual({ status: 0, stdout: 'the id\n', stderr: '' })
    const { monitorPid } = await folder.state((state) => state.status === 'running')
    expect(await readFile(`/proc/${monitorPid}/cmdline`, 'utf8')).toContain('launch')
  })
})
