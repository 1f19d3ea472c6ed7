import { expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import { explain, tspodStore } from '../helpers/tspod.js'

const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version

test('version names the program and what it runs on, to people and to templates', async () => {
  await using tspod = await tspodStore()
  expect(await tspod.ok(['version'])).toMatch(new RegExp(`^Client: +tspod\nVersion: +${version}\nNode Version: +v\\d+`))
  expect(await tspod.ok(['version', '--format', '{{.Client.Version}} {{.Server.Version}}'])).toBe(
    `${version} ${version}`,
  )
  expect(JSON.parse(await tspod.ok(['version', '-f', 'json']))).toMatchObject({
    Client: { Version: version, Os: 'linux' },
  })
  expect((await tspod.run(['version', '--format', '{{.Nothing}}'])).status).toBe(125)
})

test('info shows the host and the store as YAML, JSON and by template', async () => {
  await using tspod = await tspodStore()
  const yaml = await tspod.ok(['info'])
  expect(yaml).toMatch(/^host:\n {2}arch: \w+$/m)
  expect(yaml).toMatch(/^ {4}rung: (ranges|root|single)$/m)
  const info = JSON.parse(await tspod.ok(['system', 'info', '--format', 'json'])) as {
    store: object
    host: { idMappings: { reason: string } }
  }
  expect(info.store).toMatchObject({
    graphRoot: tspod.root,
    runRoot: tspod.runroot,
    containerStore: { number: 0 },
    imageStore: { number: 0 },
  })
  expect(info.host.idMappings.reason).not.toBe('')
  expect(await tspod.ok(['info', '-f', '{{.Store.GraphRoot}} {{.ServerVersion}} {{.OSType}}'])).toBe(
    `${tspod.root} ${version} linux`,
  )
})

test('doctor says of each requirement what was found, and fails if one is missing', async () => {
  await using tspod = await tspodStore()
  const result = await tspod.run(['doctor'])
  expect(result.stdout, explain(result)).toMatch(/^ok +kernel +\d/m)
  expect(result.status, explain(result)).toBe(/^MISSING/m.test(result.stdout) ? 1 : 0)
  const checks = JSON.parse((await tspod.run(['doctor', '--format', 'json'])).stdout) as {
    name: string
    state: string
  }[]
  expect(checks.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['user namespaces', 'overlay', 'slirp4netns', 'limits (cgroups)']),
  )
})

test('doctor misses helpers that are not there, and says what to type', async () => {
  await using tspod = await tspodStore()
  const env = { XDG_RUNTIME_DIR: '' }
  const result = await tspod.run(['doctor', '--quiet'], { env })
  expect(result.stdout, explain(result)).toMatch(/^limited +XDG_RUNTIME_DIR +not set.*\n +log in by ssh/m)
})

test('unshare runs a command as root of the own ids, with its exit status and streams', async () => {
  await using tspod = await tspodStore()
  expect(await tspod.ok(['unshare', 'id', '-u'])).toBe('0')
  expect(await tspod.ok(['unshare', 'cat', '/proc/self/uid_map'])).toMatch(
    new RegExp(`^ *0 +${String(process.getuid?.())} +1$`, 'm'),
  )
  expect(await tspod.ok(['unshare', 'cat'], { input: 'through' })).toBe('through')
  expect((await tspod.run(['unshare', 'sh', '-c', 'exit 7'])).status).toBe(7)
  expect((await tspod.run(['unshare', 'sh', '-c', 'kill -TERM $$'])).status).toBe(143)
})

test('unshare without a command runs the shell', async () => {
  await using tspod = await tspodStore()
  const result = await tspod.run(['unshare'], { input: 'echo $0 $(id -u)\n', env: { SHELL: '/bin/sh' } })
  expect(result.stdout, explain(result)).toBe('/bin/sh 0\n')
})

test.each([
  [['no-such-command'], 127, 'no-such-command: command not found'],
  [['/etc/passwd'], 126, '/etc/passwd: '],
])('unshare %j exits with %i', async (command, status, words) => {
  await using tspod = await tspodStore()
  const result = await tspod.run(['unshare', ...command])
  expect(result.status, explain(result)).toBe(status)
  expect(result.stderr).toContain(words)
})
