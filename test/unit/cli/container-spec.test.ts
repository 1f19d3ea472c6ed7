import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { containerSpec, type CreateFlags } from '../../../src/cli/container-spec.js'
import { createFlags } from '../../../src/cli/flags/create.js'
import { parseCommandLine } from '../../../src/cli/parse-command-line.js'
import type { ContainerSpec } from '../../../src/index.js'

const host = { HOME: '/home/u', LANG: 'C' }

/** The spec of `create WORDS`, without the command line that every spec carries. */
async function specOf(words: readonly string[]): Promise<Omit<ContainerSpec, 'createCommand'>> {
  const { flags, argv, given } = await parseCommandLine(words, { flags: createFlags, strict: false, fenced: true }, {})
  const caller = { env: host, commandLine: ['tspod', 'create', ...words], given: (flag: string) => given.has(flag) }
  const { createCommand, ...spec } = containerSpec(flags as unknown as CreateFlags, argv, caller)
  expect(createCommand).toEqual(['tspod', 'create', ...words])
  return spec
}

const plain = { image: 'img' }

test.each<[string, Partial<ContainerSpec>]>([
  ['img', {}],
  ['img ls -la --help', { command: ['ls', '-la', '--help'] }],
  ['--name a --name b img', { name: 'b' }],
  ['-e A=1 -e B=2 -e A=3 -e HOME -e NOSUCH img', { env: { A: '3', B: '2', HOME: '/home/u' } }],
  ['--env-host -e LANG=de img', { env: { HOME: '/home/u', LANG: 'de' } }],
  ['--http-proxy=false img', { httpProxy: false }],
  ['--http-proxy img', { httpProxy: true }],
  ['-l a=1 --label b img', { labels: { a: '1', b: '' } }],
  ['-it --rm --init img', { interactive: true, tty: true, remove: true, init: true }],
  ['-i=false --rm=false img', {}],
  ['--entrypoint= img', { entrypoint: [] }],
  ['--restart on-failure:3 img', { restart: { name: 'on-failure', maximumRetries: 3 } }],
  ['--umask 0077 --timeout 5 --stop-timeout 0 img', { umask: 0o77, timeoutSeconds: 5, stopTimeoutSeconds: 0 }],
  ['--passwd=false img', { passwd: false }],
  ['--health-cmd true --health-retries 2 img', { healthcheck: { command: ['CMD-SHELL', 'true'], retries: 2 } }],
  ['--no-healthcheck img', { healthcheck: 'none' }],
  ['--log-driver json-file --log-opt max-size=1m img', { log: { driver: 'json-file', options: { 'max-size': '1m' } } }],
  [
    '-v data:/data --tmpfs /run -p 8080:80 -P img',
    {
      mounts: [
        { type: 'volume', name: 'data', target: '/data', options: [] },
        { type: 'tmpfs', target: '/run', options: [] },
      ],
      publish: [{ hostPort: 8080, containerPort: 80, range: 1, protocol: 'tcp' }],
      publishAll: true,
    },
  ],
  ['--read-only --read-only-tmpfs=false img', { readOnly: true, readOnlyTmpfs: false }],
  ['--cap-drop all --cap-add chown,net_raw img', { capDrop: ['ALL'], capAdd: ['CAP_CHOWN', 'CAP_NET_RAW'] }],
  ['--pid host --userns keep-id img', { namespaces: { pid: { mode: 'host' }, user: { mode: 'keep-id' } } }],
  ['--userns= img', {}],
  [
    '--net none --dns 1.1.1.1,8.8.8.8 --dns 9.9.9.9 img',
    { network: { mode: 'none' }, dns: ['1.1.1.1', '8.8.8.8', '9.9.9.9'] },
  ],
  ['-m 64m --cpus 1.5 --pids-limit 0 img', { resources: { memory: 67108864, cpus: 1.5, pidsLimit: -1 } }],
  ['--sysctl net.a=1 --ulimit core=0 img', { sysctl: { 'net.a': '1' }, ulimits: [{ name: 'core', soft: 0, hard: 0 }] }],
  [
    '--tls-verify=false --pull always --platform linux/arm64 img',
    { tlsVerify: false, pull: 'always', platform: { os: 'linux', architecture: 'arm64' } },
  ],
  [
    '--add-host a;b:1.2.3.4 img',
    {
      addHost: [
        { name: 'a', address: '1.2.3.4' },
        { name: 'b', address: '1.2.3.4' },
      ],
    },
  ],
])('%s', async (line, expected) => {
  expect(await specOf(line.split(' '))).toEqual({ ...plain, ...expected })
})

test('a folder instead of an image', async () => {
  expect(await specOf(['--rootfs', '/srv/root:O', 'sh'])).toEqual({
    rootfs: { path: '/srv/root', overlay: true },
    command: ['sh'],
  })
})

test('files of variables come before those of the command line', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'tspod-env-')), 'env')
  writeFileSync(file, 'A=file\nB=file\nHOME\n')
  expect((await specOf(['-e', 'A=line', '--env-file', file, 'img'])).env).toEqual({
    A: 'line',
    B: 'file',
    HOME: '/home/u',
  })
})

describe('refused', () => {
  test.each([
    ['', 'requires an image'],
    ['-v /a:/x -v /b:/x/ img', 'two mounts on "/x/"'],
    ['--cpus 1 --cpu-quota 5 img', '--cpus cannot be used together'],
    ['--rm --restart always img', '--rm and --restart=always'],
    ['--memory lots img', 'invalid argument "lots" for "--memory" flag: "lots" is not a size'],
    ['-p 99999 img', 'invalid argument "99999" for "-p" flag'],
    ['--pull sometimes img', 'choose one of always, missing, never, newer'],
    ['--pod p img', '--pod is not supported: pods, which come with a later version'],
    ['--env-file /nonexistent/file img', 'reading /nonexistent/file'],
    ['--platform linux/arm --arch arm img', '--platform cannot be used together'],
    ['--nosuch img', 'unknown flag: --nosuch'],
  ])('%s', async (line, message) => {
    await expect(specOf(line === '' ? [] : line.split(' '))).rejects.toThrow(message)
  })
})
