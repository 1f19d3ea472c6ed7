import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { busyboxLayer } from '../helpers/images.js'
import { explain, tspodStore, type TspodStore } from '../helpers/tspod.js'

const image = 'localhost/busybox:latest'
let store: TspodStore

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tspod-network-'))
  const archive = join(folder, 'busybox.tar')
  await writeFile(archive, await busyboxLayer())
  store = await tspodStore()
  await store.ok(['import', archive, image])
  await rm(folder, { recursive: true })
})
afterAll(() => store[Symbol.asyncDispose]())

/** What a service answers; empty if nobody does. */
async function answer(port: number): Promise<string> {
  try {
    return await (await fetch(`http://127.0.0.1:${port}/`)).text()
  } catch {
    return ''
  }
}

const serve = (text: string): string[] => ['sh', '-c', `echo ${text} >/tmp/index.html; exec httpd -f -p 80 -h /tmp`]

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}

describe('slirp4netns', () => {
  test('gives an address, names and a name server', async () => {
    const text = await store.ok([
      'run',
      '--rm',
      '--name',
      'net1',
      '--hostname',
      'inside',
      image,
      'sh',
      '-c',
      'ip addr show tap0; cat /etc/resolv.conf /etc/hosts /etc/hostname',
    ])
    expect(text).toContain('inet 10.0.2.100/24')
    expect(text).toMatch(/^nameserver 10\.0\.2\.3$/m)
    expect(text).toMatch(/^10\.0\.2\.100\tinside net1$/m)
    expect(text).toMatch(/\ninside$/)
  })

  test('publishes a port, and no longer than the container runs', async () => {
    const port = await freePort()
    await store.ok(['run', '-d', '--name', 'web', '-p', `127.0.0.1:${port}:80`, image, ...serve('hello')])
    await expect.poll(() => answer(port), { timeout: 20_000 }).toBe('hello\n')
    await store.ok(['rm', '-f', '-t', '0', 'web'])
    await expect.poll(() => answer(port), { timeout: 20_000 }).toBe('')
  })

  test('gives a container its own network also where it shares processes with another', async () => {
    await store.ok(['run', '-d', '--network', 'none', '--name', 'donor', image, 'sleep', '1000'])
    const port = await freePort()
    const options = ['--pid', 'container:donor', '-p', `127.0.0.1:${port}:80`]
    await store.ok(['run', '-d', '--name', 'joined', ...options, image, ...serve('beside')])
    await expect.poll(() => answer(port), { timeout: 20_000 }).toBe('beside\n')
    expect(await store.ok(['exec', 'donor', 'ps'])).not.toContain('tspod')
    await store.ok(['rm', '-f', '-t', '0', 'joined', 'donor'])
  })

  test('refuses a port that is taken, and leaves nothing', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const result = await store.run(['run', '--rm', '-p', `127.0.0.1:${port}:80`, image, 'true'])
    server.close()
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toContain(String(port))
    expect(await store.ok(['ps', '-aq'])).toBe('')
  })

  test('keeps the host’s loopback out of reach unless it is allowed', async () => {
    const server = createServer((socket) => socket.end('host\n')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const ask = ['nc', '-w', '5', '10.0.2.2', String(port)]
    expect((await store.run(['run', '--rm', image, ...ask])).stdout).toBe('')
    expect(await store.ok(['run', '--rm', '--network', 'slirp4netns:allow_host_loopback=true', image, ...ask])).toBe(
      'host',
    )
    server.close()
  })
})

describe('other networks', () => {
  test('none has only the loopback', async () => {
    const links = await store.ok([
      'run',
      '--rm',
      '--network',
      'none',
      image,
      'sh',
      '-c',
      'ls /sys/class/net; ip link show lo | grep -o LOWER_UP',
    ])
    expect(links).toBe('lo\nLOWER_UP')
  })

  test('container shares one, with its ports and names', async () => {
    await store.ok(['run', '-d', '--name', 'first', '--add-host', 'db:10.1.2.3', image, ...serve('shared')])
    const ask = ['run', '--rm', '--network', 'container:first', image, 'wget', '-qO-', 'http://127.0.0.1/']
    await expect.poll(async () => (await store.run(ask)).stdout, { timeout: 20_000 }).toBe('shared\n')
    expect(await store.ok(['run', '--rm', '--network', 'container:first', image, 'cat', '/etc/hosts'])).toMatch(
      /^10\.1\.2\.3\tdb$/m,
    )
    const result = await store.run(['run', '--rm', '--network', 'container:first', '-p', '8080:80', image, 'true'])
    expect(result.status, explain(result)).toBe(0)
    expect(result.stderr).toContain('port mappings have been discarded')
    await store.ok(['rm', '-f', '-t', '0', 'first'])
  })

  test.each([['bridge'], ['net1'], ['pasta']])('%s says that it comes later', async (name) => {
    const result = await store.run(['run', '--rm', '--network', name, image, 'true'])
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toMatch(/not supported yet/)
    // Before an image is asked for.
    const other = await store.run(['create', '--network', name, 'localhost:1/none'])
    expect(other.status, explain(other)).toBe(125)
    expect(other.stderr).toMatch(/not supported yet/)
  })
})

test.each([
  [
    ['--dns', '1.1.1.1', '--dns-search', 'a.b', '--dns-option', 'ndots:2'],
    'search a.b\nnameserver 1.1.1.1\noptions ndots:2',
  ],
  [['--dns', '9.9.9.9', '--dns-search', '.', '--dns-option', 'edns0'], 'nameserver 9.9.9.9\noptions edns0'],
])('%j make resolv.conf', async (flags, text) => {
  expect(await store.ok(['run', '--rm', ...flags, image, 'cat', '/etc/resolv.conf'])).toBe(text)
})
