import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
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
import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Bundle, create, hasRange, makeBundle, missingRequirement, runtime } from '../helpers/bundle.js'

const missing = missingRequirement()

describe.skipIf(missing)(`an image that tries to get out${missing ? ` (needs ${missing})` : ''}`, () => {
  let bundle: Bundle
  let outside: string
  beforeEach(() => {
    bundle = makeBundle()
    outside = mkdtempSync(join(tmpdir(), 'tspod-outside-'))
  })
  afterEach(() => {
    expect(readdirSync(outside).filter((name) => name !== 'kept')).toEqual([])
    rmSync(outside, { recursive: true })
    bundle[Symbol.dispose]()
  })

  test.each(['/proc', '/dev'])('is refused when its %s is a link', (path) => {
    symlinkSync(outside, join(bundle.rootfs, path))
    const ended = bundle.run(['true'])
    expect(ended.status).not.toBe(0)
    expect(ended.stderr).toContain(path)
  })

  test('is refused when /dev is a link and nothing is mounted there', () => {
    symlinkSync(outside, join(bundle.rootfs, 'dev'))
    const ended = bundle.run(['true'], (config) => (config.mounts = config.mounts.slice(0, 1)))
    expect(ended.status).not.toBe(0)
    expect(ended.stderr).toContain('device: must be a folder, not a link: /dev')
  })

  test.each(['/etc', 'relative/../../../../../../../..'])(
    'has mount targets below a link (%s) made inside its root',
    (kind) => {
      symlinkSync(kind.startsWith('/') ? outside : `${kind}${outside}`, join(bundle.rootfs, 'link'))
      const source = join(bundle.path, 'source')
      writeFileSync(source, 'bound')
      const ended = bundle.run(['cat', '/link/new/file'], (config) =>
        config.mounts.push({ destination: '/link/new/file', type: 'bind', source, options: ['bind'] }),
      )
      /* Where the link leads inside the root is made there; with `..` through what does not exist it is refused. */
      if (ended.status === 0) expect(ended.stdout).toBe('bound')
      else expect(ended.stderr).toContain('/link/new/file')
    },
  )

  test('has a working directory behind a link made inside its root', () => {
    symlinkSync(outside, join(bundle.rootfs, 'link'))
    const ended = bundle.run(['readlink', '/proc/self/cwd'], (config) => (config.process.cwd = '/link/work'))
    expect(ended.stdout).toBe(`${outside}/work\n`)
    expect(existsSync(join(bundle.rootfs, outside, 'work'))).toBe(true)
  })

  test('does not get a working directory by a leaked descriptor', () => {
    const fd = openSync(outside, 'r')
    bundle.write(['ls', '-la'], (config) => (config.process.cwd = '/proc/self/fd/3'))
    const { status, stderr } = spawnSync(runtime, ['--root', bundle.state, 'run', '--bundle', bundle.path, 'leak'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe', fd],
    })
    closeSync(fd)
    expect(status).not.toBe(0)
    expect(stderr).toContain('cwd')
  })

  test('does not get one by a descriptor that it is meant to have either', () => {
    const fd = openSync(outside, 'r')
    bundle.write(['ls', '-la'], (config) => (config.process.cwd = '/proc/self/fd/3'))
    const argv = ['--root', bundle.state, 'run', '--preserve-fds', '1', '--bundle', bundle.path, 'leak']
    const { status, stderr } = spawnSync(runtime, argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe', fd] })
    closeSync(fd)
    expect(status).not.toBe(0)
    expect(stderr).toContain('the working directory is outside the container')
  })

  test('sees no descriptor but its own', () => {
    const fd = openSync(outside, 'r')
    bundle.write(['sh', '-c', 'ls /proc/self/fd'])
    const { stdout } = spawnSync(runtime, ['--root', bundle.state, 'run', '--bundle', bundle.path, 'fds'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe', fd, fd, fd],
    })
    closeSync(fd)
    /* 3 is the folder that ls reads. */
    expect(stdout).toBe('0\n1\n2\n3\n')
  })

  test('can’t reach the runtime’s file by #!/proc/self/exe', () => {
    const digest = () => createHash('sha256').update(readFileSync(runtime)).digest('hex')
    const before = digest()
    writeFileSync(join(bundle.rootfs, 'bin/evil'), '#!/proc/self/exe\n', { mode: 0o755 })
    bundle.run(['/bin/evil'])
    expect(digest()).toBe(before)
    /* What it is, seen by itself: a memfd that is sealed. */
    writeFileSync(
      join(bundle.rootfs, 'bin/look'),
      '#!/bin/sh\nreadlink /proc/1/exe\n(: > /proc/1/exe) 2>&1 | grep -c "Text file busy\\|denied\\|permitted"\n',
      { mode: 0o755 },
    )
    bundle.write(['sleep', '1000'])
    const plan = bundle.run(['/bin/look'])
    expect(plan.stdout).not.toContain('tspod-runtime')
  })

  test('exec into it does not show the runtime’s file either', () => {
    bundle.write(['sleep', '1000'])
    expect(create(bundle, 'target', join(bundle.path, 'pid'))).toBe(0)
    expect(bundle.oci('start', 'target').status).toBe(0)
    writeFileSync(join(bundle.rootfs, 'bin/evil'), '#!/proc/self/exe\n', { mode: 0o755 })
    const ended = bundle.oci('exec', 'target', '/bin/evil')
    expect(ended.stdout + ended.stderr).not.toContain('usage: tspod-runtime')
    bundle.oci('delete', '--force', 'target')
  })

  test('can’t write kernel settings through /proc, nor unmask it', () => {
    const script =
      'for f in sys/kernel/hostname sysrq-trigger; do (echo 1 > /proc/$f) 2>/dev/null && echo wrote $f; done; mount -o remount,rw /proc/sys 2>/dev/null && echo remounted; echo done'
    expect(bundle.run(['sh', '-c', script]).stdout).toBe('done\n')
  })

  test('gets its masks from the host’s /dev/null, whatever it ships', () => {
    mkdirSync(join(bundle.rootfs, 'fake'))
    writeFileSync(join(bundle.rootfs, 'fake/null'), 'not null')
    const ended = bundle.run(['sh', '-c', 'stat -c %t:%T /dev/null; cat /proc/keys | head -c 4'], (config) =>
      config.mounts.push({
        destination: '/dev/null',
        type: 'bind',
        source: join(bundle.rootfs, 'fake/null'),
        options: ['bind'],
      }),
    )
    expect(ended.stdout).toBe('1:3\n')
  })

  test('gets its terminal by descriptor, even with a link at /dev/console', () => {
    symlinkSync(join(outside, 'console'), join(bundle.rootfs, 'tmp/console'))
    const ended = bundle.run(['true'], (config) => {
      config.process.terminal = true
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev')
    })
    /* Without a tmpfs the image's own /dev is used, which here is empty but for the devpts. */
    expect(ended.stderr).toBe('')
  })

  test('reads accounts only from a regular file of decent size', () => {
    rmSync(join(bundle.rootfs, 'etc/passwd'))
    execFileSync('mkfifo', [join(bundle.rootfs, 'etc/passwd')])
    const plan = launchPlan('web')
    expect(launch(plan).stderr).toContain('is no file of the container')
    rmSync(join(bundle.rootfs, 'etc/passwd'))
    writeFileSync(join(bundle.rootfs, 'etc/passwd'), 'x'.repeat(2 << 20))
    expect(launch(plan).stderr).toContain('is larger than')
    rmSync(join(bundle.rootfs, 'etc/passwd'))
    writeFileSync(join(outside, 'kept'), 'web:x:0:0::/:/bin/sh\n')
    symlinkSync(join(outside, 'kept'), join(bundle.rootfs, 'etc/passwd'))
    expect(launch(plan).stderr).toContain('is no file of the container')
  })

  test('does not make a name of an id', () => {
    if (!hasRange) return
    writeFileSync(join(bundle.rootfs, 'etc/passwd'), '4294967296:x:0:0::/:/bin/sh\n1000:x:0:0::/:/bin/sh\n')
    expect(launch(launchPlan('4294967296')).stderr).toContain('out of range')
    expect(launch(launchPlan('1000')).stdout).toBe('1000\n')
  })

  test('gets nothing of the caller’s environment', () => {
    process.env.TSPOD_TEST_SECRET = 'leaked'
    const ended = bundle.run(['sh', '-c', 'env; cat /proc/1/environ'])
    delete process.env.TSPOD_TEST_SECRET
    expect(ended.stdout).not.toContain('leaked')
  })

  /** The launch verb has the lookup of users, which the OCI command line has not. */
  function launchPlan(user: string): string {
    bundle.write(['id', '-u'])
    const config = JSON.parse(readFileSync(join(bundle.path, 'config.json'), 'utf8')) as {
      linux: { uidMappings: unknown; gidMappings: unknown }
    }
    const { uidMappings, gidMappings } = config.linux
    mkdirSync(join(bundle.path, 'observed'), { recursive: true })
    writeFileSync(
      join(bundle.path, 'launch.json'),
      JSON.stringify({
        version: 1,
        id: 'plan',
        name: 'plan',
        stateDir: join(bundle.path, 'observed'),
        runDir: bundle.path,
        userns: {
          mode: 'new',
          writer: hasRange ? 'helpers' : 'self',
          newuidmap: '/usr/bin/newuidmap',
          newgidmap: '/usr/bin/newgidmap',
          uidMappings,
          gidMappings,
        },
        rootfs: { driver: 'dir', path: bundle.rootfs, mountpoint: bundle.rootfs },
        user: { spec: user, groupAdd: [], setHome: true },
        network: { mode: 'none', loopback: true },
        cgroup: { manager: 'disabled', files: [] },
        log: { driver: 'none', maxSize: 0, maxFiles: 1 },
        stdinOpen: false,
        init: false,
        sdnotify: 'ignore',
        preserveFds: 0,
        stopSignal: 15,
        stopTimeoutSeconds: 10,
        timeoutSeconds: 0,
        restart: { name: 'no', maximumRetries: 0 },
      }),
    )
    return bundle.path
  }

  function launch(folder: string) {
    return spawnSync(runtime, ['launch', folder, '--attach=stdout,stderr'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }
})
