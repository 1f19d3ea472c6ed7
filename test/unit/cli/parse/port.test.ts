import { describe, expect, test } from 'vitest'
import { isAddress, parseExpose, parsePort } from '../../../../src/cli/parse/port.js'
import { grammar } from './table.js'

const one = { range: 1, protocol: 'tcp' } as const

describe('--publish', () => {
  grammar(
    parsePort,
    [
      ['80', { containerPort: 80, ...one }],
      ['8080:80', { hostPort: 8080, containerPort: 80, ...one }],
      ['8080:80/udp', { hostPort: 8080, containerPort: 80, range: 1, protocol: 'udp' }],
      ['8080:80/TCP', { hostPort: 8080, containerPort: 80, ...one }],
      ['127.0.0.1:8080:80', { hostIp: '127.0.0.1', hostPort: 8080, containerPort: 80, ...one }],
      ['127.0.0.1::80', { hostIp: '127.0.0.1', containerPort: 80, ...one }],
      [':80', { containerPort: 80, ...one }],
      ['[::1]:8080:80', { hostIp: '::1', hostPort: 8080, containerPort: 80, ...one }],
      ['8000-8002:9000-9002', { hostPort: 8000, containerPort: 9000, range: 3, protocol: 'tcp' }],
      ['9000-9002', { containerPort: 9000, range: 3, protocol: 'tcp' }],
    ],
    [
      ['', 'not [[IP:]HOSTPORT:]PORT'],
      ['0:80', 'not a port'],
      ['8080:0', 'not a port'],
      ['8080:65536', 'not a port'],
      ['8080:', 'not [[IP:]HOSTPORT:]PORT'],
      ['http:80', 'not a port'],
      ['8080:80/icmp', 'unknown protocol'],
      ['8000-8002:9000', 'different lengths'],
      ['8002-8000:9000-9002', 'ends before it starts'],
      ['1.2.3.400:1:2', 'not an IP address'],
      ['1.2.3:1:2', 'not an IP address'],
      ['[::g]:1:2', 'not [[IP:]HOSTPORT:]PORT'],
      ['1:2:3:4', 'not [[IP:]HOSTPORT:]PORT'],
      ['-80', 'not a port'],
    ],
  )
})

describe('--expose', () => {
  grammar(
    parseExpose,
    [
      ['80', { port: 80, ...one }],
      ['80-82/udp', { port: 80, range: 3, protocol: 'udp' }],
    ],
    [
      ['', 'not a port'],
      ['8080:80', 'not a port'],
    ],
  )
})

describe('addresses', () => {
  test.each([
    '1.2.3.4',
    '0.0.0.0',
    '255.255.255.255',
    '::',
    '::1',
    '2001:db8::8:800:200c:417a',
    'fe80::1%eth0',
    '::ffff:10.0.0.1',
    '1:2:3:4:5:6:7:8',
  ])('%s is one', (text) => {
    expect(isAddress(text)).toBe(true)
  })
  test.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1:2:3:4:5:6:7',
    '1::2::3',
    '12345::',
    ':::',
    'a',
    'fe80::1%',
  ])('%s is none', (text) => {
    expect(isAddress(text)).toBe(false)
  })
})
