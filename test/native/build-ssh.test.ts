import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openAgents } from '../../src/build/context/ssh.js'

const hasSsh = spawnSync('ssh-add', ['-?']).error === undefined && spawnSync('ssh-agent', ['-?']).error === undefined

let folder: string
let tools: Parameters<typeof openAgents>[1]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tspod-ssh-'))
  tools = {
    tmp: join(folder, 'tmp'),
    env: { PATH: process.env['PATH'], HOME: folder },
    remove: (path) => Promise.resolve(rmSync(path, { recursive: true, force: true })),
  }
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function key(name: string, passphrase = ''): string {
  const path = join(folder, name)
  const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', name, '-f', path])
  expect(made.status).toBe(0)
  return path
}

const listed = (socket: string): string =>
  spawnSync('ssh-add', ['-l'], { env: { PATH: process.env['PATH'], SSH_AUTH_SOCK: socket }, encoding: 'utf8' }).stdout

/** Processes of agents that listen there. */
const agentsAt = (socket: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(`ssh-agent\0-a\0${socket}`)
    } catch {
      /* No process, or gone. */
      return false
    }
  })

describe('a socket', () => {
  let server: Server
  let socket: string
  beforeEach(async () => {
    socket = join(folder, 'sock')
    server = createServer().listen(socket)
    await once(server, 'listening')
  })
  afterEach(() => {
    server.close()
  })

  test('is used as it is, named or by the environment', async () => {
    const env = { SSH_AUTH_SOCK: socket }
    const agents = await openAgents([{ id: 'default', paths: [] }, { id: 'other', paths: [socket] }], { ...tools, env })
    expect([...agents.sockets]).toEqual([['default', socket], ['other', socket]])
    await agents.close()
    expect(existsSync(socket)).toBe(true)
  })

  test.each([
    ['beside a key', (path: string) => [path, path], /give one socket/],
    ['that is missing', () => ['/nonexistent'], /no such file/],
    ['that is a folder', () => ['/'], /neither a socket nor a key/],
  ])('%s is refused', async (_, paths, message) => {
    await expect(openAgents([{ id: 'default', paths: paths(socket) }], tools)).rejects.toThrow(message)
  })
})

test('without a socket or a key nothing can be forwarded', async () => {
  await expect(openAgents([{ id: 'default', paths: [] }], tools)).rejects.toThrow(/SSH_AUTH_SOCK is not set/)
})

describe.skipIf(!hasSsh)('keys (needs the package openssh-client)', () => {
  test('are in an agent of their own, as long as it is open', async () => {
    const agents = await openAgents([{ id: 'default', paths: [key('one'), key('two')] }], tools)
    const socket = agents.sockets.get('default') ?? ''
    expect(listed(socket)).toMatch(/one[\s\S]*two/)
    expect(agentsAt(socket)).toHaveLength(1)
    await agents.close()
    await expect.poll(() => agentsAt(socket)).toEqual([])
    expect(existsSync(socket)).toBe(false)
    expect(readdirSync(tools.tmp)).toEqual([])
  })

  test('with a passphrase are an error, not a question', async () => {
    await expect(openAgents([{ id: 'x', paths: [key('locked', 'secret')] }], tools)).rejects.toThrow(/passphrase/)
    expect(readdirSync(tools.tmp)).toEqual([])
  })

  test('that are none are an error, and leave nothing', async () => {
    writeFileSync(join(folder, 'text'), 'no key', { mode: 0o600 })
    const paths = [join(folder, 'text')]
    await expect(openAgents([{ id: 'x', paths }], tools)).rejects.toMatchObject({ code: 'invalid-argument' })
    expect(readdirSync(tools.tmp)).toEqual([])
  })
})
