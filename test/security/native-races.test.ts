import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Bundle, create, makeBundle, missingRequirement, runtime } from '../helpers/bundle.js'

/** renameat2(2), which neither Node nor Perl has a name for. */
const renameat2 = { x64: 316, arm64: 276 }[process.arch as string]
const missing =
  missingRequirement() ?? (renameat2 === undefined ? 'the number of renameat2 on this architecture' : undefined)
const tries = 50

/** Another process exchanges two names all the time. */
async function swapper(a: string, b: string): Promise<ChildProcess> {
  const program = '$| = 1; print "1"; syscall($ARGV[0], -100, $ARGV[1], -100, $ARGV[2], 2) while 1'
  const child = spawn('perl', ['-e', program, String(renameat2), a, b], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'close')
}

describe.skipIf(missing)(`while another process swaps files${missing ? ` (needs ${missing})` : ''}`, () => {
  let bundle: Bundle
  let outside: string
  beforeEach(() => {
    bundle = makeBundle()
    outside = mkdtempSync(join(tmpdir(), 'tspod-outside-'))
  })
  afterEach(() => {
    expect(readdirSync(outside)).toEqual([])
    rmSync(outside, { recursive: true })
    bundle[Symbol.dispose]()
  })

  test('a mount’s target is never made outside the root', { timeout: 120_000 }, async () => {
    const [folder, link, source] = ['vol/target', 'vol/link', 'source'].map((name) =>
      join(name === 'source' ? bundle.path : bundle.rootfs, name),
    ) as [string, string, string]
    mkdirSync(folder, { recursive: true })
    mkdirSync(source)
    writeFileSync(join(source, 'mine'), 'mine')
    symlinkSync(outside, link)
    const other = await swapper(folder, link)
    let ran = 0
    for (let i = 0; i < tries; i++) {
      const ended = bundle.run(['cat', `/vol/target/new${String(i)}/mine`], (config) =>
        config.mounts.push({ destination: `/vol/target/new${String(i)}`, type: 'bind', source, options: ['bind'] }),
      )
      if (ended.status === 0) ran++
      expect(readdirSync(outside)).toEqual([])
    }
    await stop(other)
    /* Some of them get through, or nothing was tried. */
    expect(ran).toBeGreaterThan(0)
  })

  test('a mask is the host’s /dev/null, or the container does not run', { timeout: 120_000 }, async () => {
    const [real, fake] = [join(bundle.rootfs, 'dev/null'), join(bundle.rootfs, 'dev/other')]
    mkdirSync(join(bundle.rootfs, 'dev'))
    writeFileSync(real, '')
    symlinkSync('/proc/sys/kernel/core_pattern', fake)
    const other = await swapper(real, fake)
    let ran = 0
    for (let i = 0; i < tries; i++) {
      const ended = bundle.run(
        [
          'sh',
          '-c',
          'stat -c %t:%T /proc/keys; echo x >/proc/keys; (echo x >/proc/sys/kernel/core_pattern) 2>/dev/null || echo safe',
        ],
        (config) => {
          config.mounts = config.mounts.filter(({ destination }) => destination === '/proc')
        },
      )
      if (ended.status !== 0) continue
      ran++
      expect(ended.stdout).toBe('1:3\nsafe\n')
    }
    await stop(other)
    expect(ran).toBeGreaterThan(0)
  })

  test('a terminal at /dev/console is bound to nothing outside', { timeout: 120_000 }, async () => {
    const [real, fake] = [join(bundle.rootfs, 'dev/console'), join(bundle.rootfs, 'dev/other')]
    mkdirSync(join(bundle.rootfs, 'dev'))
    writeFileSync(real, '')
    symlinkSync(join(outside, 'console'), fake)
    const other = await swapper(real, fake)
    for (let i = 0; i < tries; i++) {
      bundle.run(['true'], (config) => {
        config.process.terminal = true
        config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev')
      })
      expect(readdirSync(outside)).toEqual([])
    }
    await stop(other)
  })
})

describe.skipIf(missing)(`the runtime’s own file${missing ? ` (needs ${missing})` : ''}`, () => {
  const digest = (): string => createHash('sha256').update(readFileSync(runtime)).digest('hex')

  test('cannot be opened for writing by a container that sees exec’s processes come', { timeout: 120_000 }, () => {
    using bundle = makeBundle()
    const before = digest()
    /* A shell's `>` opens for writing and truncates; `>>` only opens. Both are tried on whatever runs there. */
    const script =
      'echo ready >/tmp/ready; while [ ! -e /tmp/stop ]; do for p in /proc/[0-9]*; do [ "$p" = /proc/1 ] || { (echo x >>$p/exe) 2>/dev/null && echo "$(readlink $p/exe)" >>/tmp/written; }; done; done'
    bundle.write(['sh', '-c', script])
    expect(create(bundle, 'target', join(bundle.path, 'pid'))).toBe(0)
    expect(bundle.oci('start', 'target').status).toBe(0)
    for (let i = 0; i < tries; i++) expect(bundle.oci('exec', 'target', 'true').status).toBe(0)
    writeFileSync(join(bundle.rootfs, 'bin/evil'), '#!/proc/self/exe\n', { mode: 0o755 })
    for (let i = 0; i < 5; i++) expect(bundle.oci('exec', 'target', '/bin/evil').status).not.toBe(0)
    expect(bundle.oci('exec', 'target', 'cat', '/tmp/ready').stdout).toBe('ready\n')
    expect(bundle.oci('exec', 'target', 'sh', '-c', 'cat /tmp/written 2>/dev/null').stdout).toBe('')
    bundle.oci('exec', 'target', 'touch', '/tmp/stop')
    bundle.oci('delete', '--force', 'target')
    expect(digest()).toBe(before)
  })
})

describe.skipIf(missing)(`descriptors${missing ? ` (needs ${missing})` : ''}`, () => {
  let bundle: Bundle
  let fd: number
  beforeEach(() => {
    bundle = makeBundle()
    fd = openSync('/', 'r')
  })
  afterEach(() => {
    closeSync(fd)
    bundle.oci('delete', '--force', 'target')
    bundle[Symbol.dispose]()
  })

  /* The one after the last is the folder that ls reads. */
  const cases: [string[], string][] = [
    [[], '0\n1\n2\n3\n'],
    [['--preserve-fds', '1'], '0\n1\n2\n3\n4\n'],
    [['--preserve-fds', '2'], '0\n1\n2\n3\n4\n5\n'],
  ]
  const stdio = (): ('ignore' | 'pipe' | number)[] => ['ignore', 'pipe', 'pipe', fd, fd, fd, fd]

  test.each(cases)('of the caller stay with it: run %j', (options, expected) => {
    bundle.write(['ls', '/proc/self/fd'])
    const argv = ['--root', bundle.state, 'run', ...options, '--bundle', bundle.path, 'target']
    expect(spawnSync(runtime, argv, { encoding: 'utf8', stdio: stdio() }).stdout).toBe(expected)
  })

  test.each(cases)('of the caller stay with it: exec %j', (options, expected) => {
    bundle.write(['sleep', '1000'])
    expect(create(bundle, 'target', join(bundle.path, 'pid'))).toBe(0)
    expect(bundle.oci('start', 'target').status).toBe(0)
    const argv = ['--root', bundle.state, 'exec', ...options, 'target', 'ls', '/proc/self/fd']
    const ended = spawnSync(runtime, argv, { encoding: 'utf8', stdio: stdio() })
    expect({ stdout: ended.stdout, stderr: ended.stderr }).toEqual({ stdout: expected, stderr: '' })
  })

  test('of the host are not to be seen from inside, in any process', () => {
    bundle.write([
      'sh',
      '-c',
      'for p in /proc/[0-9]*; do for f in $p/fd/*; do [ ${f##*/} -lt 3 ] || readlink $f; done; done; true',
    ])
    const argv = ['--root', bundle.state, 'run', '--bundle', bundle.path, 'target']
    const { stdout } = spawnSync(runtime, argv, { encoding: 'utf8', stdio: stdio() })
    for (const target of stdout.trimEnd().split('\n'))
      expect(target).toMatch(/^(pipe:\[\d+\]|\/dev\/null|\/proc\/.*|)$/)
  })

  test('are no way to a working directory in exec', () => {
    bundle.write(['sleep', '1000'])
    expect(create(bundle, 'target', join(bundle.path, 'pid'))).toBe(0)
    expect(bundle.oci('start', 'target').status).toBe(0)
    for (let number = 3; number < 12; number++) {
      const cwd = `/proc/self/fd/${String(number)}`
      const argv = ['--root', bundle.state, 'exec', '--cwd', cwd, 'target', 'cat', '../../../../../../etc/hostname']
      const ended = spawnSync(runtime, argv, { encoding: 'utf8', stdio: stdio() })
      expect(ended.status).not.toBe(0)
      expect(ended.stdout).toBe('')
    }
  })
})
