import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildStore, type BuildStore } from '../helpers/build.js'

/** Devices by names of the Container Device Interface, from specifications of our own that name /dev/null. */
let store: BuildStore
let env: Readonly<Record<string, string>>
let hooked: string
const device = 'example.com/thing=null'

beforeAll(async () => {
  store = await buildStore()
  await store.needs('busybox')
  const { folder } = store.tspod
  hooked = join(folder, 'hooked')
  const specs = join(folder, 'cdi')
  await mkdir(specs)
  await writeFile(join(folder, 'given'), 'given\n')
  await writeFile(
    join(specs, 'thing.json'),
    JSON.stringify({
      cdiVersion: '0.6.0',
      kind: 'example.com/thing',
      containerEdits: { env: ['SHARED=1'] },
      devices: [
        {
          name: 'null',
          containerEdits: {
            deviceNodes: [{ path: '/dev/thing', hostPath: '/dev/null' }],
            mounts: [{ hostPath: join(folder, 'given'), containerPath: '/opt/given', options: ['ro', 'bind'] }],
            env: ['OWN=a=b'],
            hooks: [{ hookName: 'createContainer', path: '/bin/sh', args: ['sh', '-c', `echo ran > ${hooked}`] }],
          },
        },
      ],
    }),
  )
  await writeFile(join(specs, 'broken.json'), '{ "kind": ')
  await writeFile(
    join(specs, 'other.yaml'),
    `cdiVersion: 0.6.0
kind: example.com/other
devices:
  # as vendors' tools write them
  - name: "0"
    containerEdits:
      deviceNodes: [{ path: /dev/other, hostPath: /dev/zero }]
`,
  )
  const conf = join(folder, 'cdi.conf')
  await writeFile(conf, `[engine]\ncdi_spec_dirs = [${JSON.stringify(specs)}]\n`)
  env = { CONTAINERS_CONF_OVERRIDE: conf }
})

afterAll(() => store[Symbol.asyncDispose]())

const look = 'test -c /dev/thing && cat /opt/given && echo $SHARED $OWN'

describe('run --device vendor/class=name', () => {
  const run = (name: string) =>
    store.tspod.run(['run', '--rm', '--network', 'none', '--device', name, 'localhost/busybox', 'sh', '-c', look], {
      env,
    })

  test('has the nodes, mounts, variables and hooks that the specification says', async () => {
    expect(existsSync(hooked)).toBe(false)
    const { stdout, stderr, status } = await run(device)
    expect([stdout, stderr, status]).toEqual(['given\n1 a=b\n', '', 0])
    expect(await readFile(hooked, 'utf8')).toBe('ran\n')
  })

  test('reads YAML, too', async () => {
    const script = 'test -c /dev/other && head -c 2 /dev/other | od -An -tx1'
    const argv = ['run', '--rm', '--network', 'none', '--device', 'example.com/other=0', 'localhost/busybox']
    const { stdout, stderr } = await store.tspod.run([...argv, 'sh', '-c', script], { env })
    expect([stdout.trim(), stderr]).toEqual(['00 00', ''])
  })

  test('names a specification that cannot be read to who misses a device', async () => {
    const { stderr, status } = await run('example.com/thing=gone')
    expect([stderr, status]).toEqual([expect.stringMatching(/thing=gone: .*broken\.json is not valid YAML/), 125])
  })

  test('names what no specification has', async () => {
    const { stderr, status } = await run('example.com/thing=none')
    expect(status).toBe(125)
    expect(stderr).toContain('setting up CDI devices: unresolvable CDI devices example.com/thing=none')
  })
})

describe('build', () => {
  const build = (flag: string, args: readonly string[]) =>
    store.tspod.run(['build', '--progress', 'plain', '--no-cache', ...args, '-t', 'localhost/cdi', '-'], {
      env,
      input: `FROM localhost/busybox\nRUN ${flag} ${look}; test ! -e /opt || ls /opt\n`,
    })

  test('RUN --device has it where the build allows that, and leaves nothing in the image', async () => {
    const { stderr, status } = await build(`--device=${device},required`, ['--allow', 'device'])
    expect(status, stderr).toBe(0)
    expect(stderr).toMatch(/ given\n.* 1 a=b\n/)
    const left = ['run', '--rm', '--network', 'none', 'localhost/cdi', 'ls', '/opt']
    expect((await store.tspod.run(left)).stderr).toContain('No such file')
    const refused = await build(`--device=${device}`, [])
    expect(refused.stderr).toContain(`--device=${device} is not allowed: the build needs --allow device`)
  })

  test('RUN --device of what is not there fails if it is required, and is told if not', async () => {
    const required = await build('--device=example.com/thing=none,required', ['--allow', 'device'])
    expect(required.stderr).toMatch(/Error: .*:2: setting up CDI devices/)
    const { stderr } = await build('--device=example.com/thing=none', ['--allow', 'device'])
    expect(stderr).toContain('--device=example.com/thing=none is left out')
  })

  test('--device is for every step', async () => {
    const { stderr, status } = await build('', ['--device', device])
    expect(status, stderr).toBe(0)
    expect(stderr).toMatch(/ given\n.* 1 a=b\n/)
  })
})
