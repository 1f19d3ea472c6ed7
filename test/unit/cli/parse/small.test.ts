import { describe } from 'vitest'
import { resolve } from 'node:path'
import { parseDevice, parseDeviceBytes, parseDeviceOperations } from '../../../../src/cli/parse/device.js'
import { parseEntrypoint } from '../../../../src/cli/parse/entrypoint.js'
import { parseHealthcheck } from '../../../../src/cli/parse/healthcheck.js'
import { parseAddHost, parseDns, parseHostname, parseSearchDomain } from '../../../../src/cli/parse/hosts.js'
import { parseLog, parseLogDriver } from '../../../../src/cli/parse/log.js'
import { parseIdMap, parseNamespace, parseUserNamespace } from '../../../../src/cli/parse/namespace.js'
import { parseNetworks } from '../../../../src/cli/parse/network.js'
import { parsePlatform } from '../../../../src/cli/parse/platform.js'
import { parseRestart } from '../../../../src/cli/parse/restart.js'
import { parseCapability, parseSecurityOptions } from '../../../../src/cli/parse/security-opt.js'
import { parseUlimit } from '../../../../src/cli/parse/ulimit.js'
import { grammar } from './table.js'

describe('--ulimit', () => {
  grammar(
    parseUlimit,
    [
      ['nofile=1024', { name: 'nofile', soft: 1024, hard: 1024 }],
      ['nofile=1024:2048', { name: 'nofile', soft: 1024, hard: 2048 }],
      ['RLIMIT_NPROC=-1:-1', { name: 'nproc', soft: -1, hard: -1 }],
      ['core=0:-1', { name: 'core', soft: 0, hard: -1 }],
      ['host', { name: 'host', soft: -1, hard: -1 }],
    ],
    [
      ['', 'not NAME=SOFT'],
      ['nofile', 'not NAME=SOFT'],
      ['files=1', 'unknown limit'],
      ['nofile=2:1', 'above the hard one'],
      ['nofile=-1:5', 'above the hard one'],
      ['nofile=-2', 'not NAME=SOFT'],
    ],
  )
})

describe('--device', () => {
  grammar(
    parseDevice,
    [
      ['/dev/fuse', { source: '/dev/fuse', target: '/dev/fuse', access: 'rwm' }],
      ['/dev/fuse:/dev/x', { source: '/dev/fuse', target: '/dev/x', access: 'rwm' }],
      ['/dev/fuse:r', { source: '/dev/fuse', target: '/dev/fuse', access: 'r' }],
      ['/dev/fuse:/dev/x:rw', { source: '/dev/fuse', target: '/dev/x', access: 'rw' }],
    ],
    [
      ['fuse', 'is not /dev/NAME'],
      ['/dev/fuse:/dev/x:rx', 'not some of'],
      ['/dev/fuse:/dev/x:rr', 'not some of'],
      ['/dev/fuse:x', 'neither a path'],
      ['/dev/a:/dev/b:r:w', 'is not /dev/NAME'],
    ],
  )
})

describe('rates of devices', () => {
  grammar(
    parseDeviceBytes,
    [['/dev/sda:1mb', { path: '/dev/sda', rate: 1048576 }]],
    [
      ['sda:1mb', 'DEV'.toLowerCase()],
      ['/dev/sda', 'RATE'],
      ['/dev/sda:x', 'not a size'],
    ],
  )
  grammar(
    parseDeviceOperations,
    [['/dev/sda:100', { path: '/dev/sda', rate: 100 }]],
    [
      ['/dev/sda:-1', 'between'],
      ['/dev/sda:1mb', 'whole number'],
    ],
  )
})

describe('--network', () => {
  grammar(
    (text) => parseNetworks(text === '' ? [] : text.split(' ')),
    [
      ['', undefined],
      ['default', undefined],
      ['none', { mode: 'none' }],
      ['host', { mode: 'host' }],
      ['slirp4netns', { mode: 'slirp4netns', options: {} }],
      ['slirp4netns:mtu=1500,enable_ipv6=true', { mode: 'slirp4netns', options: { mtu: '1500', enable_ipv6: 'true' } }],
      ['pasta:-t,8080', { mode: 'pasta', options: ['-t', '8080'] }],
      ['container:web', { mode: 'container', container: 'web' }],
      ['ns:/run/netns/x', { mode: 'path', path: '/run/netns/x' }],
      ['bridge', { mode: 'bridge', networks: ['bridge'] }],
      ['front back', { mode: 'bridge', networks: ['front', 'back'] }],
    ],
    [
      ['container:', 'needs a name'],
      ['ns:x', 'absolute path'],
      ['none:x', 'takes no options'],
      ['slirp4netns:x=1', 'unknown option "x"'],
      ['host none', 'joined together'],
      ['a/b', 'neither a network mode nor a name'],
    ],
  )
})

describe('--pid', () => {
  grammar(
    (text) => parseNamespace(text, ['private', 'host']),
    [
      ['host', { mode: 'host' }],
      ['private', { mode: 'private' }],
      ['', undefined],
      ['container:x', { mode: 'container', container: 'x' }],
      ['ns:/proc/1/ns/pid', { mode: 'path', path: '/proc/1/ns/pid' }],
    ],
    [
      ['shareable', 'unknown mode'],
      ['container:', 'needs a name'],
      ['ns:x', 'absolute path'],
    ],
  )
})

describe('--userns', () => {
  grammar(
    parseUserNamespace,
    [
      ['', undefined],
      ['host', { mode: 'host' }],
      ['keep-id', { mode: 'keep-id' }],
      ['keep-id:uid=200,gid=210', { mode: 'keep-id', uid: 200, gid: 210 }],
      ['nomap', { mode: 'nomap' }],
      ['auto', { mode: 'auto' }],
      ['auto:size=4096,uidmapping=0:1:1', { mode: 'auto', size: 4096, uidMapping: ['0:1:1'] }],
      ['container:x', { mode: 'container', container: 'x' }],
    ],
    [
      ['keep', 'unknown mode'],
      ['nomap:x=1', 'takes no options'],
      ['keep-id:size', 'unknown option'],
      ['keep-id:uid=-1', 'not between'],
      ['keep-id:uid=4294967295', 'not between'],
      ['auto:size=0', 'not between'],
    ],
  )
  grammar(
    parseIdMap,
    [
      ['0:1:1000', '0:1:1000'],
      ['+u0:@5', '+u0:@5'],
    ],
    [
      ['0', 'is not CONTAINER'],
      ['a:b:c', 'is not CONTAINER'],
    ],
  )
})

describe('--security-opt', () => {
  grammar(
    (text) => parseSecurityOptions(text.split(' ')),
    [
      ['no-new-privileges', { noNewPrivileges: true }],
      ['no-new-privileges=false', { noNewPrivileges: false }],
      ['no-new-privileges:true', { noNewPrivileges: true }],
      ['seccomp=unconfined', { seccomp: 'unconfined' }],
      ['seccomp=p.json', { seccomp: resolve('p.json') }],
      ['mask=/a:/b unmask=ALL', { mask: ['/a', '/b'], unmask: ['ALL'] }],
      ['label=disable', { label: ['disable'] }],
      ['systempaths=unconfined', { unmask: ['ALL'] }],
      ['apparmor=unconfined', { apparmor: 'unconfined' }],
      ['proc-opts=hidepid=2', { procOptions: ['hidepid=2'] }],
    ],
    [
      ['seccomp', 'needs a value'],
      ['mask=a', 'not an absolute path'],
      ['selinux=x', 'unknown security option'],
      ['constructor=x', 'unknown security option'],
      ['label=x', 'unknown label'],
    ],
  )
  grammar(
    parseCapability,
    [
      ['all', 'ALL'],
      ['net_admin', 'CAP_NET_ADMIN'],
      ['CAP_CHOWN', 'CAP_CHOWN'],
    ],
    [
      ['net', 'unknown capability'],
      ['', 'unknown capability'],
    ],
  )
})

describe('hosts and names', () => {
  grammar(
    parseAddHost,
    [
      ['a:1.2.3.4', [{ name: 'a', address: '1.2.3.4' }]],
      [
        'a;b:::1',
        [
          { name: 'a', address: '::1' },
          { name: 'b', address: '::1' },
        ],
      ],
      ['a:host-gateway', [{ name: 'a', address: 'host-gateway' }]],
      ['a=1.2.3.4', [{ name: 'a', address: '1.2.3.4' }]],
    ],
    [
      ['a', 'is not NAME:ADDRESS'],
      ['a:b', 'not an IP address'],
      ['a b:1.2.3.4', 'not a host name'],
      ['a\nb:1.2.3.4', 'not a host name'],
    ],
  )
  grammar(
    parseHostname,
    [['web-1.example', 'web-1.example']],
    [
      ['', 'not a host name'],
      ['a b', 'not a host name'],
      ['a'.repeat(65), '64 characters'],
    ],
  )
  grammar(
    parseDns,
    [
      ['1.1.1.1', '1.1.1.1'],
      ['none', 'none'],
    ],
    [['dns', 'not an IP address']],
  )
  grammar(
    parseSearchDomain,
    [
      ['.', '.'],
      ['example.org', 'example.org'],
    ],
    [['a b', 'not a host name']],
  )
})

describe('--restart', () => {
  grammar(
    parseRestart,
    [
      ['no', { name: 'no' }],
      ['always', { name: 'always' }],
      ['unless-stopped', { name: 'unless-stopped' }],
      ['on-failure', { name: 'on-failure' }],
      ['on-failure:5', { name: 'on-failure', maximumRetries: 5 }],
    ],
    [
      ['sometimes', 'unknown restart policy'],
      ['always:3', 'only on-failure'],
      ['on-failure:x', 'whole number'],
      ['on-failure:-1', 'between'],
    ],
  )
})

describe('--log-driver and --log-opt', () => {
  grammar(
    parseLogDriver,
    [
      ['k8s-file', 'k8s-file'],
      ['passthrough-tty', 'passthrough'],
    ],
    [['syslog', 'unknown log driver']],
  )
  grammar(
    (text) => parseLog(undefined, [text]),
    [
      ['max-size=10m', { options: { 'max-size': '10m' } }],
      ['tag=x', { options: { tag: 'x' } }],
    ],
    [
      ['max-size', 'KEY=VALUE'],
      ['max-size=x', 'not a size'],
      ['colour=red', 'unknown log option'],
    ],
  )
})

describe('--platform', () => {
  grammar(
    (text) => parsePlatform(text, {}),
    [
      ['linux/arm64', { os: 'linux', architecture: 'arm64' }],
      ['linux/aarch64', { os: 'linux', architecture: 'arm64' }],
      ['linux/arm/v7', { os: 'linux', architecture: 'arm', variant: 'v7' }],
      ['linux', { os: 'linux' }],
    ],
    [
      ['', 'is not OS'],
      ['linux/', 'is not OS'],
      ['linux/arm/v7/x', 'is not OS'],
    ],
  )
})

describe('--entrypoint', () => {
  grammar<readonly string[]>(
    parseEntrypoint,
    [
      ['', []],
      ['/bin/sh', ['/bin/sh']],
      ['["a","b c"]', ['a', 'b c']],
      ['[x', ['[x']],
    ],
    [['[1]', 'array of texts']],
  )
})

describe('health checks', () => {
  const none = { 'no-healthcheck': false }
  grammar<unknown>(
    (text) => parseHealthcheck({ ...none, 'health-cmd': text }),
    [
      ['none', 'none'],
      ['curl -f localhost', { command: ['CMD-SHELL', 'curl -f localhost'] }],
      ['["curl","-f"]', { command: ['CMD', 'curl', '-f'] }],
      ['["CMD-SHELL","true"]', { command: ['CMD-SHELL', 'true'] }],
      ['[ -f /x ]', { command: ['CMD-SHELL', '[ -f /x ]'] }],
    ],
    [['[1]', 'a command or a JSON array']],
  )
  grammar<unknown>(
    (text) => parseHealthcheck({ ...none, 'health-timeout': text }),
    [['5s', { timeout: 5e9 }]],
    [['500ms', 'at least 1 second']],
  )
  grammar<unknown>(
    (text) => parseHealthcheck({ 'no-healthcheck': text === 'yes' }),
    [
      ['yes', 'none'],
      ['no', undefined],
    ],
    [],
  )
})
