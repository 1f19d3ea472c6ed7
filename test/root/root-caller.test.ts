import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import { explain, finish, program, type Result, type TspodStore } from '../helpers/tspod.js'

let tspod: TspodStore

beforeAll(async () => {
  tspod = await busyboxStore()
})

afterAll(async () => {
  await tspod[Symbol.asyncDispose]()
})

const says = (...command: string[]) => tspod.ok(['run', '--rm', '--network', 'none', image, ...command])

describe('called by root', () => {
  test('a container has a root of its own, who is nobody on the host', async () => {
    const [id, map] = (await says('sh', '-c', 'id -u; cat /proc/self/uid_map')).split('\n')
    const [inside, outside, size] = (map ?? '').trim().split(/\s+/).map(Number)
    expect([id, inside, size]).toEqual(['0', 0, 65536])
    expect(outside).toBeGreaterThan(65535)
  })

  test("its capabilities are nobody's on the host: it reads no file that only root may read", async () => {
    const secret = join(tspod.folder, 'secret')
    writeFileSync(secret, 'x', { mode: 0o600 })
    const result = await tspod.run(['run', '--rm', '--privileged', '-v', `${secret}:/secret`, image, 'cat', '/secret'])
    expect(result.status, explain(result)).toBe(1)
    expect(result.stderr).toContain('Permission denied')
  })

  test('what it writes belongs to its own ids', async () => {
    await tspod.ok([
      'run',
      '--name',
      'writer',
      '-v',
      'data:/data',
      image,
      'sh',
      '-c',
      'touch /data/f && chown 7:8 /data/f',
    ])
    const stat = statSync(join(tspod.root, 'volumes/data/_data/f'))
    const base = statSync(tspod.root).gid
    expect([stat.uid - base, stat.gid - base]).toEqual([7, 8])
    expect(await tspod.ok(['rm', 'writer'])).toBe('writer')
  })

  test('detached, exec, published port, rm', async () => {
    const port = await freePort()
    const script = 'echo served > /tmp/f; exec httpd -f -p 80 -h /tmp'
    await tspod.ok(['run', '-d', '--name', 'web', '-p', `127.0.0.1:${port}:80`, image, 'sh', '-c', script])
    expect(await tspod.ok(['exec', 'web', 'id', '-u'])).toBe('0')
    expect(await tspod.ok(['exec', '-u', '7', 'web', 'id', '-u'])).toBe('7')
    await tspod.ok(['exec', 'web', 'sh', '-c', 'until wget -qO- 127.0.0.1:80/f; do :; done'])
    expect(await get(port, '/f')).toContain('served')
    await tspod.ok(['rm', '-f', '-t', '0', 'web'])
    expect(readdirSync(join(tspod.root, 'containers'))).toEqual([])
    expect(readdirSync(join(tspod.runroot, 'containers'))).toEqual([])
  })

  test('a folder that is closed to all others is refused before anything is made in it', async () => {
    const closed = mkdtempSync(join(tspod.folder, 'closed-'))
    const result = await outside(['--root', join(closed, 'root'), '--runroot', join(closed, 'run'), 'ps'])
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toContain(`chmod o+x ${closed}`)
  })
})

describe('with an entry for root in /etc/subuid', () => {
  test('containers get these ids, and a store of other ids is refused', async () => {
    const folder = join(tspod.folder, 'ranged')
    const stores = (name: string) => ['--root', join(folder, name), '--runroot', join(folder, `${name}-run`)]
    const ranges = join(tspod.folder, 'subuid')
    writeFileSync(ranges, 'root:3000000:65536\n')
    const archive = join(tspod.folder, 'busybox.tar')
    const imported = await outside([...stores('a'), 'import', archive, image], ranges)
    expect(imported.status, explain(imported)).toBe(0)
    const ran = await outside([...stores('a'), 'run', '--rm', image, 'cat', '/proc/self/uid_map'], ranges)
    expect(ran.stdout.trim().split(/\s+/), explain(ran)).toEqual(['0', '3000000', '65536'])
    const other = await outside(['--root', tspod.root, '--runroot', tspod.runroot, 'ps'], ranges)
    expect(other.status, explain(other)).toBe(125)
    expect(other.stderr).toContain("root's ids now begin with 3000000")
    rmSync(folder, { recursive: true })
  })
})

/** A command beside the store, with another /etc/subuid and /etc/subgid if one is given, in a mount namespace of its own. */
async function outside(args: readonly string[], ranges?: string): Promise<Result> {
  const bound = 'mount --bind "$1" /etc/subuid && mount --bind "$1" /etc/subgid && shift && exec "$@"'
  const argv =
    ranges === undefined ? [program, ...args] : ['unshare', '-m', 'sh', '-c', bound, 'sh', ranges, program, ...args]
  const child = spawn(argv[0] ?? '', argv.slice(1), { env: tspod.env, stdio: ['ignore', 'pipe', 'pipe'] })
  return finish(`tspod ${args.join(' ')}`, child)
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
  })
}

function get(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1')
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString()))
    socket.on('end', () => {
      resolve(text)
    })
    socket.on('error', reject)
    socket.write(`GET ${path} HTTP/1.0\r\n\r\n`)
  })
}
