import { once } from 'node:events'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { processStartTime, signalProcess } from '../../base/syscalls.js'
import type { ContextTools } from './tools.js'
import { makeWorkFolder, type WorkFolder } from './work-folder.js'

export interface SshSource {
  readonly id: string
  /** Sockets of agents or files of keys; empty: SSH_AUTH_SOCK. */
  readonly paths: readonly string[]
}

/** Agents for `RUN --mount=type=ssh`, by id: sockets of the host's that are mounted as they are. */
export interface OpenAgents {
  readonly sockets: ReadonlyMap<string, string>
  close(): Promise<void>
}

type Tools = Pick<ContextTools, 'tmp' | 'remove' | 'env'>
type Closer = () => Promise<void>

const terminate = 15

/**
 * Finds agents' sockets. For keys given as files an agent of the host's ssh-agent(1) is started; it ends with this
 * process, whatever way that ends.
 */
export async function openAgents(sources: readonly SshSource[], tools: Tools): Promise<OpenAgents> {
  const sockets = new Map<string, string>()
  const closers: Closer[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    for (const source of sources) {
      if (sockets.has(source.id)) throw new TspodError('invalid-argument', `ssh "${source.id}" is given twice`)
      sockets.set(source.id, await openAgent(source, tools, closers))
    }
    return { sockets, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openAgent({ id, paths }: SshSource, tools: Tools, closers: Closer[]): Promise<string> {
  const given = paths.length > 0 ? paths : [tools.env['SSH_AUTH_SOCK'] ?? '']
  const [first = ''] = given
  if (first === '') {
    throw new TspodError(
      'invalid-argument',
      `ssh "${id}": no agent: SSH_AUTH_SOCK is not set, and no socket or key is given`,
    )
  }
  const kinds = given.map((path) => kindOf(id, path))
  if (!kinds.includes('socket')) return startAgent(id, given, tools, closers)
  if (given.length > 1) throw new TspodError('invalid-argument', `ssh "${id}": give one socket, or keys`)
  return first
}

function kindOf(id: string, path: string): 'socket' | 'key' {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat?.isSocket() === true) return 'socket'
  if (stat?.isFile() === true) return 'key'
  const why = stat === undefined ? 'no such file' : 'neither a socket nor a key'
  throw new TspodError('invalid-argument', `ssh "${id}": ${path}: ${why}`)
}

/**
 * The agent ends soon after the command it runs (it looks every ten seconds), and that, `cat`, with its input: when we are
 * gone, whatever way.
 */
async function startAgent(id: string, keys: readonly string[], tools: Tools, closers: Closer[]): Promise<string> {
  const { spawn } = await import('node:child_process')
  const folder: WorkFolder = makeWorkFolder(tools)
  closers.push(() => folder.close())
  const socket = join(folder.path, 'agent')
  if (Buffer.byteLength(socket) > 107) {
    throw new TspodError('limit-exceeded', `ssh "${id}": ${socket} is too long for the name of a socket`)
  }
  const agent = spawn('ssh-agent', ['-a', socket, 'sh', '-c', 'echo $SSH_AGENT_PID; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...tools.env },
  })
  const failed = new Promise<never>((_, reject) => {
    const why = (cause?: Error): TspodError =>
      new TspodError('host-requirement', `ssh "${id}": ssh-agent could not be started: install openssh-client`, {
        cause,
      })
    agent.once('error', (cause) => reject(why(cause)))
    agent.once('exit', () => reject(why()))
  })
  failed.catch(() => undefined)
  agent.stdin.on('error', () => undefined)
  closers.push(async () => {
    agent.stdin.end()
    if (agent.pid !== undefined && agent.exitCode === null && agent.signalCode === null) await once(agent, 'exit')
  })
  /* The command runs once the socket is there. */
  const [pid] = (await Promise.race([once(agent.stdout, 'data'), failed])) as [Buffer]
  const identity = { pid: Number(pid.toString()), startTime: processStartTime(Number(pid.toString())) }
  closers.push(() => {
    if (identity.startTime !== undefined) signalProcess(identity.pid, identity.startTime, terminate)
    return Promise.resolve()
  })
  for (const key of keys) await addKey(id, key, socket, tools)
  return socket
}

async function addKey(id: string, key: string, socket: string, tools: Tools): Promise<void> {
  const { spawn } = await import('node:child_process')
  /* In a session of its own: there is no terminal that it could ask for a passphrase on. */
  const add = spawn('ssh-add', ['-q', '--', key], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    env: { ...tools.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: 'never', DISPLAY: undefined },
  })
  let said = ''
  add.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 4096) said += text
  })
  const [status] = (await once(add, 'close')) as [number | null]
  if (status === 0) return
  const why = said.trim().split('\n')[0] ?? ''
  throw new TspodError(
    'invalid-argument',
    `ssh "${id}": the key ${key} could not be used (a passphrase needs an agent): ${why}`,
  )
}
