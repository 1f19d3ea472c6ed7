import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildSync } from 'esbuild'
import {
  clearCloexec, getrlimit, mkfifo, openProcess, processIsAlive, processStartTime, receiveFds, renameWith, setCloexec, signalProcess,
  sha256, spawnAnswering, syncFileSystem, tryFlock, tryOfdLock, waitChild, waitFlock, waitPidfd, waitReadable,
} from '../../src/base/syscalls.js'

const directory = mkdtempSync(join(tmpdir(), 'tspod-addon-'))
const bundled = join(directory, 'syscalls.mjs')
const native = fileURLToPath(new URL('../../native/build', import.meta.url))

beforeAll(() => {
  const source = fileURLToPath(new URL('../../src/base/syscalls.ts', import.meta.url))
  buildSync({ entryPoints: [source], outfile: bundled, bundle: true, platform: 'node', format: 'esm', target: 'node20', logLevel: 'error' })
})
afterAll(() => {
  rmSync(directory, { recursive: true })
})

/** Runs a script in a Node of its own, started by a shell with `prelude`. */
function script(prelude: string, source: string): { status: number | null; stdout: string; stderr: string } {
  const file = join(directory, 'script.mjs')
  writeFileSync(file, `import * as sys from ${JSON.stringify(bundled)}\n${source}`)
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', `${prelude}\n${process.execPath} ${file}; exit $?`], {
    encoding: 'utf8',
    env: { ...process.env, TSPOD_NATIVE_DIR: native },
  })
  return { status, stdout, stderr }
}

function isCloexec(fd: number): boolean {
  const flags = /^flags:\t(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${String(fd)}`, 'latin1'))?.[1] ?? ''
  return (parseInt(flags, 8) & 0o2000000) !== 0
}

describe('locks', () => {
  test('a flock is had once, shared by many, and free after close', async () => {
    const path = join(directory, 'lock')
    const [a, b, c] = [openSync(path, 'a'), openSync(path, 'a'), openSync(path, 'a')]
    expect(tryFlock(a, 'exclusive')).toBe(true)
    expect(tryFlock(b, 'exclusive')).toBe(false)
    expect(tryFlock(b, 'shared')).toBe(false)
    const waiting = waitFlock(b, 'exclusive', 30_000)
    closeSync(a)
    await waiting
    expect(tryFlock(c, 'shared')).toBe(false)
    expect(tryFlock(b, 'unlock')).toBe(true)
    expect(tryFlock(c, 'shared')).toBe(true)
    closeSync(b)
    closeSync(c)
  })

  test('a wait for a flock ends by its time limit, and takes nothing later', async () => {
    const path = join(directory, 'lock2')
    const [a, b] = [openSync(path, 'a'), openSync(path, 'a')]
    expect(tryFlock(a, 'exclusive')).toBe(true)
    await expect(waitFlock(b, 'exclusive', 5)).rejects.toMatchObject({ code: 'lock-timeout' })
    closeSync(b)
    closeSync(a)
    const c = openSync(path, 'a')
    await waitFlock(c, 'exclusive', 30_000)
    closeSync(c)
  })

  test('open file description locks cover ranges', () => {
    const path = join(directory, 'lock3')
    const [a, b] = [openSync(path, 'w+'), openSync(path, 'r+')]
    expect(tryOfdLock(a, 'exclusive', 0, 10)).toBe(true)
    expect(tryOfdLock(b, 'exclusive', 5, 10)).toBe(false)
    expect(tryOfdLock(b, 'exclusive', 10, 10)).toBe(true)
    expect(tryOfdLock(a, 'unlock', 0, 10)).toBe(true)
    expect(tryOfdLock(b, 'shared', 0, 10)).toBe(true)
    closeSync(a)
    closeSync(b)
  })

  test('a closed descriptor is a system error', () => {
    expect(() => tryFlock(100_000, 'exclusive')).toThrow(expect.objectContaining({ code: 'EBADF', syscall: 'flock' }))
  })
})

describe('processes', () => {
  test('a process is known by number and start time, signalled, and waited for', async () => {
    const child = spawn('sleep', ['1000'])
    const pid = child.pid ?? 0
    const startTime = processStartTime(pid) ?? ''
    expect(startTime).toMatch(/^\d+$/)
    expect(processIsAlive(pid, startTime)).toBe(true)
    expect(processIsAlive(pid, '1')).toBe(false)
    expect(signalProcess(pid, '1', 9)).toBe(false)
    const pidfd = openProcess(pid, startTime)
    if (pidfd === undefined) throw new Error('no pidfd')
    expect(await waitPidfd(pidfd, 1)).toBe(false)
    const ended = once(child, 'exit')
    expect(signalProcess(pid, startTime, 15)).toBe(true)
    expect(await waitPidfd(pidfd)).toBe(true)
    closeSync(pidfd)
    expect(await ended).toEqual([null, 'SIGTERM'])
    expect(signalProcess(pid, startTime, 15)).toBe(false)
  })

  test('a process without a number does not exist', () => {
    expect(openProcess(0, '1')).toBeUndefined()
    expect(openProcess(-1, '1')).toBeUndefined()
  })
})

describe('files', () => {
  test('rename refuses to replace, and exchanges', () => {
    const [a, b] = [join(directory, 'a'), join(directory, 'b')]
    writeFileSync(a, 'A')
    writeFileSync(b, 'B')
    expect(() => renameWith('noreplace', a, b)).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    renameWith('exchange', a, b)
    expect(readFileSync(a, 'utf8')).toBe('B')
    renameWith('noreplace', a, join(directory, 'c'))
    expect(existsSync(a)).toBe(false)
  })

  test('a NUL byte in a path is refused', () => {
    expect(() => mkfifo(join(directory, 'x\0y'), 0o600)).toThrow(TypeError)
  })

  test('a fifo becomes readable when written to', async () => {
    const path = join(directory, 'fifo')
    mkfifo(path, 0o600)
    const fd = openSync(path, 'r+')
    expect(await waitReadable(fd, 1)).toBe(false)
    const readable = waitReadable(fd)
    writeSync(fd, 'x')
    expect(await readable).toBe(true)
    closeSync(fd)
  })

  test('a file system is written out, limits are read', () => {
    syncFileSystem(directory)
    const { soft, hard } = getrlimit('nofile')
    expect(soft).toBeGreaterThan(0)
    expect(hard === -1 || hard >= soft).toBe(true)
  })

  test('descriptors are inherited as asked for', () => {
    const fd = openSync('/dev/null', 'r')
    clearCloexec(fd)
    expect(isCloexec(fd)).toBe(false)
    setCloexec(fd)
    expect(isCloexec(fd)).toBe(true)
    closeSync(fd)
  })

  test('descriptors cross a unix socket', () => {
    const result = script('', `
      import { createServer, connect } from 'node:net'
      import { once } from 'node:events'
      import { openSync, readFileSync, writeSync } from 'node:fs'
      const path = ${JSON.stringify(join(directory, 'socket'))}
      const server = createServer({ pauseOnConnect: true }).listen(path)
      await once(server, 'listening')
      const accepted = once(server, 'connection')
      const client = connect(path)
      await once(client, 'connect')
      const [peer] = await accepted
      const file = openSync(${JSON.stringify(join(directory, 'passed'))}, 'w+')
      const sent = sys.sendFds(client._handle.fd, Buffer.from('hi'), [file, 1])
      const got = sys.receiveFds(peer._handle.fd, 100, 4)
      writeSync(got.fds[0], 'through')
      const none = sys.receiveFds(peer._handle.fd, 100, 4)
      sys.sendFds(client._handle.fd, Buffer.from('x'), [file, file])
      let refused
      try { sys.receiveFds(peer._handle.fd, 100, 1) } catch (error) { refused = error.code }
      console.log(JSON.stringify([sent, got.data.toString(), got.fds.length, none, refused, readFileSync(${JSON.stringify(join(directory, 'passed'))}, 'utf8')]))
      process.exit(0)`)
    expect(result.stderr).toBe('')
    expect(JSON.parse(result.stdout)).toEqual([2, 'hi', 2, null, 'EMSGSIZE', 'through'])
  })

  test('a receive with wild sizes is refused', () => {
    expect(() => receiveFds(0, -1, 4)).toThrow(expect.objectContaining({ code: 'EINVAL' }))
    expect(() => receiveFds(0, 10, 100_000)).toThrow(expect.objectContaining({ code: 'EINVAL' }))
  })
})

describe('execve', () => {
  test('gives back the limits, signals and descriptors that the shell had', () => {
    const result = script('ulimit -Sn 777', `
      import { openSync } from 'node:fs'
      const kept = openSync('/dev/null', 'r'), dropped = openSync('/dev/null', 'r')
      process.stdout.write('')
      sys.execve('/bin/sh', ['sh', '-c', 'ulimit -Sn; grep -E "^Sig(Blk|Ign)" /proc/self/status; echo $A; test -e /proc/self/fd/'
        + kept + ' && echo kept; test -e /proc/self/fd/' + dropped + ' || echo dropped'], { env: { A: 'b', U: undefined }, keepFds: [kept] })`)
    expect(result.stderr).toBe('')
    expect(result.stdout.split('\n')).toEqual(['777', 'SigBlk:\t0000000000000000', 'SigIgn:\t0000000000000000', 'b', 'kept', 'dropped', ''])
  })

  test('a failure throws and changes nothing', () => {
    const result = script('ulimit -Sn 777', `
      const before = sys.getrlimit('nofile').soft
      try { sys.execve('/no/such', ['x']) } catch (error) { console.log(error.code, error.message) }
      console.log(sys.getrlimit('nofile').soft === before)`)
    expect(result.stdout).toBe('ENOENT execve /no/such: no such file or directory\ntrue\n')
  })

  test('without an environment it passes its own on', () => {
    expect(script('export B=c', `process.env.C = 'd'; sys.execve('/bin/sh', ['sh', '-c', 'echo $B $C'])`).stdout).toBe('c d\n')
  })
})

describe('sha256', () => {
  test('is what node:crypto says, whatever the length', () => {
    const lengths = [...Array.from({ length: 200 }, (_, length) => length), 65536, 1_000_003]
    for (const length of lengths) {
      const bytes = Buffer.from(Array.from({ length }, (_, at) => (at * 31 + length) & 255))
      expect(sha256(bytes).toString('hex'), String(length)).toBe(createHash('sha256').update(bytes).digest('hex'))
    }
  })
})

describe('spawnAnswering', () => {
  const answerOf = (fd: number): string => {
    const text = readFileSync(fd, 'utf8')
    closeSync(fd)
    return text
  }

  test('a child writes to its descriptors 3 and 2; the others lead nowhere', () => {
    const script = 'n=$(readlink /proc/$$/fd/[01]); echo "$n" >&3; echo why >&2; exit 7'
    const { pid, answer, said } = spawnAnswering('/bin/sh', ['sh', '-c', script])
    expect(answerOf(answer)).toBe('/dev/null\n/dev/null\n')
    expect(waitChild(pid)).toBe(7)
    expect(answerOf(said)).toBe('why\n')
  })

  test('more than a pipe holds on its standard error does not stop it', () => {
    const { pid, answer, said } = spawnAnswering('/bin/sh', ['sh', '-c', 'head -c 1000000 /dev/zero >&2; echo done >&3'])
    expect(answerOf(answer)).toBe('done\n')
    waitChild(pid)
    expect(answerOf(said).length).toBeLessThanOrEqual(64 * 1024)
  })

  test('one that is killed has no status, and what is not there is told', () => {
    const { pid, answer, said } = spawnAnswering('/bin/sh', ['sh', '-c', 'kill -9 $$'])
    expect(answerOf(answer)).toBe('')
    expect(waitChild(pid)).toBe(-1)
    expect(answerOf(said)).toBe('')
    expect(() => spawnAnswering('/no/such', ['x'])).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })
})
