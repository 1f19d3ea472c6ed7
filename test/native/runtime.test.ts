import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bundle, type Change, create, hasCrun, hasRange, makeBundle, missingRequirement, runtime, runWithCrun } from '../helpers/bundle.js'

const missing = missingRequirement()

describe.skipIf(missing)(`tspod-runtime run${missing ? ` (needs ${missing})` : ''}`, () => {
  let bundle: Bundle
  beforeAll(() => {
    bundle = makeBundle()
  })
  afterAll(() => {
    bundle[Symbol.dispose]()
  })

  /** What a command prints in the bundle's container; a failure explains itself. */
  function output(command: readonly string[], change?: Change): string {
    const ended = bundle.run(command, change)
    expect(ended, ended.stderr).toMatchObject({ status: 0 })
    return ended.stdout
  }

  const shell = (script: string, change?: Change) => output(['sh', '-c', script], change)

  test.each([
    [['true'], 0],
    [['sh', '-c', 'exit 32'], 32],
    [['no-such-command'], 127],
    [['/no/such/command'], 127],
  ])('run %j exits with %i', (command, status) => {
    expect(bundle.run(command).status).toBe(status)
  })

  test('names a folder that is to be executed', () => {
    const ended = bundle.run(['/etc'])
    expect(ended.status).not.toBe(0)
    expect(ended.stderr).toContain('/etc: Is a directory')
  })

  test('keeps arguments, environment and working directory as they are', () => {
    expect(
      shell('echo "$A|$PWD|$1"; exit 0', (config) => {
        config.process.env = ['PATH=/bin', 'A=b c']
        config.process.cwd = '/tmp'
        config.process.args = ['sh', '-c', 'echo "$A|$PWD|$1"', 'sh', ' x  y ']
      }),
    ).toBe('b c|/tmp| x  y \n')
  })

  test('makes a working directory that is missing', () => {
    expect(shell('pwd', (config) => (config.process.cwd = '/made/for/it'))).toBe('/made/for/it\n')
  })

  test('gives the container its own host name and process 1', () => {
    expect(shell('hostname; echo $$')).toBe('box\n1\n')
  })

  test('sets exactly the capabilities that are listed', () => {
    const status = shell('grep Cap /proc/self/status', (config) => {
      config.process.capabilities = {
        bounding: ['CAP_CHOWN', 'CAP_KILL'],
        effective: ['CAP_KILL'],
        permitted: ['CAP_KILL'],
        inheritable: [],
        ambient: [],
      }
    })
    expect(status).toContain('CapInh:\t0000000000000000')
    expect(status).toContain('CapAmb:\t0000000000000000')
    expect(status).toContain('CapBnd:\t0000000000000021')
  })

  test('leaves out what can not be ambient, and takes a user namespace without maps for one of a single id', () => {
    const text = shell('grep CapAmb /proc/self/status; cat /proc/self/uid_map', (config) => {
      const sets = { bounding: ['CAP_CHOWN'], effective: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'], inheritable: [] }
      config.process.capabilities = { ...sets, ambient: ['CAP_KILL', 'CAP_CHOWN'] }
      config.linux.uidMappings = []
      config.linux.gidMappings = []
    })
    expect(text.trim().split(/\s+/)).toEqual(['CapAmb:', '0000000000000000', '0', String(process.getuid?.()), '1'])
  })

  test('makes, as root of a user namespace, one in which that root is nobody, of a bundle closed to all others', () => {
    if (!hasRange) return
    bundle.write(['sh', '-c', 'id -u; cat /proc/self/uid_map'], (config) => {
      config.linux.uidMappings = config.linux.gidMappings = [{ containerID: 0, hostID: 1, size: 100 }]
    })
    const words = ['--user', '--map-root-user', '--map-auto', runtime, '--root', join(bundle.path, 'state'), 'run']
    const ended = spawnSync('unshare', [...words, '--bundle', bundle.path, 'inner'], { encoding: 'utf8' })
    expect(ended, ended.stderr).toMatchObject({ status: 0 })
    expect(ended.stdout.trim().split(/\s+/)).toEqual(['0', '0', '1', '100'])
  })

  test('raises ambient capabilities only when asked', () => {
    if (!hasRange) return
    const status = shell('grep -E "CapEff|CapAmb" /proc/self/status', (config) => {
      const net = ['CAP_NET_RAW']
      config.process.capabilities = { bounding: net, effective: net, permitted: net, inheritable: net, ambient: net }
      config.process.user = { uid: 33, gid: 33 }
    })
    expect(status).toBe('CapEff:\t0000000000002000\nCapAmb:\t0000000000002000\n')
  })

  test('sets no_new_privs, limits and umask', () => {
    const text = shell('grep NoNewPrivs /proc/self/status; ulimit -n; umask', (config) => {
      config.process.noNewPrivileges = true
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 55, hard: 66 }]
      config.process.user = { uid: 0, gid: 0, umask: 0o027 }
    })
    expect(text).toBe('NoNewPrivs:\t1\n55\n0027\n')
  })

  test('becomes the user and its groups', () => {
    if (!hasRange) return
    expect(
      shell('id -u; id -g; id -G', (config) => (config.process.user = { uid: 33, gid: 34, additionalGids: [7, 9] })),
    ).toBe('33\n34\n34 7 9\n')
  })

  test('masks files and folders and protects what is read-only', () => {
    const script = 'cat /proc/keys | head -c1; ls /proc/acpi 2>/dev/null; (echo 1 > /proc/sys/kernel/hostname) 2>/dev/null || echo protected'
    expect(shell(script)).toBe('protected\n')
  })

  test('binds files and folders, read-only where asked, making their targets', () => {
    const source = join(bundle.path, 'source')
    mkdirSync(source, { recursive: true })
    writeFileSync(join(source, 'file'), 'content')
    const text = shell('cat /a/b/file; cat /c/d; touch /a/b/x 2>&1 | grep -c Read-only; touch /e/new', (config) =>
      config.mounts.push(
        { destination: '/a/b', type: 'bind', source, options: ['rbind', 'ro'] },
        { destination: '/c/d', type: 'bind', source: join(source, 'file'), options: ['bind'] },
        { destination: '/e', type: 'bind', source, options: ['rbind', 'rw'] },
      ),
    )
    expect(text).toBe('contentcontent1\n')
    expect(statSync(join(source, 'new')).uid).toBe(process.getuid?.())
  })

  test('copies what the image has into a tmpfs that asks for it', () => {
    mkdirSync(join(bundle.rootfs, 'template/sub'), { recursive: true })
    writeFileSync(join(bundle.rootfs, 'template/sub/file'), 'from the image', { mode: 0o640 })
    const text = shell('cat /template/sub/file; touch /template/x 2>&1 | grep -c Read-only', (config) =>
      config.mounts.push({ destination: '/template', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', 'ro'] }),
    )
    expect(text).toBe('from the image1\n')
  })

  test('gives a volume to the container’s user where `U` asks for it', () => {
    if (!hasRange) return
    const source = join(bundle.path, 'owned')
    mkdirSync(source, { recursive: true })
    writeFileSync(join(source, 'file'), '')
    const text = shell('stat -c %u /owned /owned/file', (config) => {
      config.process.user = { uid: 33, gid: 33 }
      config.mounts.push({ destination: '/owned', type: 'bind', source, options: ['rbind', 'U'] })
    })
    expect(text).toBe('33\n33\n')
  })

  test('refuses a mount option that it does not understand, by name', () => {
    const ended = bundle.run(['true'], (config) =>
      config.mounts.push({ destination: '/x', type: 'bind', source: '/tmp', options: ['rbind', 'wobbly'] }),
    )
    expect(ended.stderr).toContain('mounts[3]: unknown option "wobbly" for a bind mount')
  })

  test('says what the kernel dislikes about a file system’s option', () => {
    const ended = bundle.run(['true'], (config) =>
      config.mounts.push({ destination: '/x', type: 'tmpfs', source: 'tmpfs', options: ['wobbly=1'] }),
    )
    expect(ended.stderr).toMatch(/option "wobbly=1".*Unknown parameter 'wobbly'/)
  })

  test('makes the root read-only last, when its folders exist', () => {
    const text = shell('touch /x 2>&1 | grep -c Read-only; touch /newly/made/x && echo ok', (config) => {
      config.root.readonly = true
      config.mounts.push({ destination: '/newly/made', type: 'tmpfs', source: 'tmpfs', options: [] })
    })
    expect(text).toBe('1\nok\n')
  })

  test('sets sysctls of the container’s namespaces and refuses others', () => {
    const set: Change = (config) => (config.linux.sysctl = { 'net.ipv4.ping_group_range': '0 0', 'kernel.shm_rmid_forced': '1' })
    expect(shell('cat /proc/sys/net/ipv4/ping_group_range /proc/sys/kernel/shm_rmid_forced', set)).toBe('0\t0\n1\n')
    const ended = bundle.run(['true'], (config) => (config.linux.sysctl = { 'kernel.core_pattern': '|/x' }))
    expect(ended.stderr).toContain('kernel.core_pattern')
    expect(ended.status).not.toBe(0)
  })

  test('filters system calls by an OCI profile, without no_new_privs too', () => {
    for (const noNewPrivileges of [true, false]) {
      const text = shell('hostname other 2>&1 | grep -c "not implemented"; grep Seccomp: /proc/self/status', (config) => {
        config.process.noNewPrivileges = noNewPrivileges
        config.linux.seccomp = {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [{ names: ['sethostname', 'no_such_call'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }],
        }
      })
      expect(text).toBe('1\nSeccomp:\t2\n')
    }
  })

  test('runs hooks with the container’s state and nothing of the environment', () => {
    const log = join(bundle.path, 'hooks')
    const hook = join(bundle.path, 'hook.sh')
    writeFileSync(hook, `#!/bin/sh\n{ echo "$1 $SECRET"; cat; echo; } >> ${log}\n`, { mode: 0o755 })
    const call = (name: string) => [{ path: hook, args: ['hook', name] }]
    process.env.SECRET = 'leaked'
    output(['true'], (config) => {
      config.hooks = { createRuntime: call('createRuntime'), createContainer: call('createContainer'), poststart: call('poststart'), poststop: call('poststop') }
    })
    delete process.env.SECRET
    const text = readFileSync(log, 'utf8')
    expect(text.match(/^\w+ /gm)?.map((name) => name.trim())).toEqual(['createRuntime', 'createContainer', 'poststart', 'poststop'])
    expect(text).not.toContain('leaked')
    expect(text).toContain('"status":"creating"')
  })

  test('reports a hook that fails and starts nothing', () => {
    const ended = bundle.run(['touch', '/started'], (config) => (config.hooks = { createRuntime: [{ path: '/bin/false' }] }))
    expect(ended.stderr).toContain('/bin/false')
    expect(ended.status).not.toBe(0)
    expect(() => statSync(join(bundle.rootfs, 'started'))).toThrow()
  })

  test('goes through create, start, exec, kill and delete', async () => {
    bundle.write(['sleep', '1000'])
    expect(create(bundle, 'life', join(bundle.path, 'pid'))).toBe(0)
    const state = () => (JSON.parse(bundle.oci('state', 'life').stdout) as { status: string }).status
    expect(state()).toBe('created')
    expect(bundle.oci('exec', 'life', 'true').stderr).toContain('not running')
    expect(bundle.oci('start', 'life').status).toBe(0)
    expect(state()).toBe('running')
    expect(bundle.oci('exec', 'life', 'sh', '-c', 'readlink /proc/1/ns/pid; exit 5').status).toBe(5)
    expect(bundle.oci('exec', '--user', '12x', 'life', 'true').stderr).toContain('is not UID[:GID]')
    expect(bundle.oci('exec', 'life', 'no-such').status).toBe(127)
    expect(bundle.oci('ps', 'life').stdout.trim()).toBe(readFileSync(join(bundle.path, 'pid'), 'utf8'))
    expect(bundle.oci('delete', 'life').stderr).toContain('container is running')
    expect(bundle.oci('kill', 'life', 'KILL').status).toBe(0)
    await expect.poll(state).toBe('stopped')
    expect(bundle.oci('kill', 'life', 'KILL').stderr).toContain('not running')
    expect(bundle.oci('delete', '--force', 'life').status).toBe(0)
    expect(bundle.oci('state', 'life').stderr).toContain('container does not exist')
  })

  test('compiles a seccomp profile to a filter', () => {
    const ended = bundle.oci('features')
    expect(JSON.parse(ended.stdout)).toMatchObject({ linux: { seccomp: { enabled: true } } })
  })

  test('follows links of the image to a target that does not exist, within the root', () => {
    symlinkSync('../run/target/file', join(bundle.rootfs, 'etc/linked'))
    const source = join(bundle.path, 'linked')
    writeFileSync(source, 'here')
    expect(
      shell('cat /etc/linked /run/target/file', (config) =>
        config.mounts.push({ destination: '/etc/linked', type: 'bind', source, options: ['bind'] }),
      ),
    ).toBe('herehere')
  })

  describe.skipIf(!hasCrun)('as crun does', () => {
    const scripts: readonly (readonly [string, string])[] = [
      ['capabilities', 'grep Cap /proc/self/status'],
      ['identity', 'id; umask; pwd; hostname'],
      ['device nodes', 'stat -c "%n %t:%T" /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty'],
      ['links in /dev', 'readlink /dev/fd /dev/stdin /dev/stdout /dev/stderr /dev/ptmx || readlink /dev/fd'],
      ['masked paths', 'cat /proc/keys; ls /proc/acpi; echo end'],
      ['open descriptors', 'ls /proc/self/fd | grep -cE "^[3-9]"'],
    ]
    test.each(scripts)('shows the same %s', (_, script) => {
      const ours = bundle.run(['sh', '-c', script])
      const theirs = runWithCrun(bundle, ['sh', '-c', script])
      expect(theirs.stdout, theirs.stderr).not.toBe('')
      expect(ours.stdout).toBe(theirs.stdout)
    })
  })
})
