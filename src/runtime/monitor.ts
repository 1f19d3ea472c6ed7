import { spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { closeSync, openSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Duplex } from 'node:stream'
import { nativeFile } from '../base/native-dir.js'
import { TspodError } from '../base/errors.js'
import { hasErrno } from '../state/file.js'
import { decodeMessage, encodeFrame, encodeInput, encodeMessage, FrameDecoder, headerLength } from './frames.js'
import { type ClientMessage, type MonitorMessage, stdinWindow } from './protocol.js'

/** What a conversation with a monitor tells; each is called in the order in which things came. */
export interface MonitorListener {
  message?(message: MonitorMessage): void
  output?(stream: 'stdout' | 'stderr', data: Buffer): void
  /** The connection is over. Nothing comes after it. */
  end?(): void
}

/** One conversation with a monitor, over the launch connection or attach.sock. */
export class MonitorConnection {
  readonly #socket: Duplex
  readonly #decoder = new FrameDecoder()
  readonly #listeners = new Set<MonitorListener>()
  #ended = false
  #failure: Error | undefined
  readonly #flow: boolean
  #unconsumed = 0
  #room: (() => void) | undefined

  /** With `flow` the monitor says how much of stdin the container has taken. */
  constructor(socket: Duplex, options: { readonly flow?: boolean } = {}) {
    this.#socket = socket
    this.#flow = options.flow === true
    socket.on('data', (bytes: Buffer) => this.#receive(bytes))
    socket.on('error', (error) => {
      this.#failure = error
      this.#finish()
    })
    socket.on('close', () => this.#finish())
    socket.on('end', () => this.#finish())
  }

  /** Hears what comes from now on. Returns how to stop hearing. */
  listen(listener: MonitorListener): () => void {
    if (this.#ended) queueMicrotask(() => listener.end?.())
    else this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Why the connection broke, where it did not just end: the native program could not be started. */
  get failure(): Error | undefined {
    return this.#failure
  }

  get ended(): boolean {
    return this.#ended
  }

  send(message: ClientMessage): void {
    if (!this.#ended) this.#socket.write(encodeMessage(message))
  }

  /** Bytes for the container's stdin; resolves when there is room for more. */
  async writeInput(data: Uint8Array): Promise<void> {
    for (const frame of encodeInput(data)) {
      if (this.#ended) return
      this.#unconsumed += this.#flow ? frame.length - headerLength : 0
      this.#socket.write(frame)
      if (this.#unconsumed >= stdinWindow) await new Promise<void>((resolve) => (this.#room = resolve))
    }
  }

  /** Nothing more comes on stdin. */
  endInput(): void {
    if (!this.#ended) this.#socket.write(encodeFrame('stdin', Buffer.alloc(0)))
  }

  /** Holds the container's output up, and lets it go on. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#socket.destroy()
    this.#finish()
  }

  #receive(bytes: Buffer): void {
    try {
      for (const { kind, payload } of this.#decoder.push(bytes)) {
        if (kind === 'stdout' || kind === 'stderr') for (const one of this.#listeners) one.output?.(kind, payload)
        else if (kind === 'message') this.#hear(decodeMessage(payload))
      }
    } catch {
      /* What is no frame ends the conversation, and the listeners learn it by that. */
      this.close()
    }
  }

  #hear(message: MonitorMessage): void {
    if (message.type === 'consumed') {
      this.#unconsumed = Math.max(0, this.#unconsumed - message.bytes)
      if (this.#unconsumed < stdinWindow) this.#makeRoom()
    }
    for (const listener of this.#listeners) listener.message?.(message)
  }

  #makeRoom(): void {
    const room = this.#room
    this.#room = undefined
    room?.()
  }

  #finish(): void {
    if (this.#ended) return
    this.#ended = true
    this.#makeRoom()
    for (const listener of this.#listeners) listener.end?.()
    this.#listeners.clear()
  }
}

export interface LaunchRequest {
  readonly runDir: string
  /** Inherited under its own number. */
  readonly lockFd?: number
  readonly attach: readonly ('stdin' | 'stdout' | 'stderr')[]
  /** Up to the command, which waits for the message `start`. */
  readonly createOnly?: boolean
}

/** Starts `tspod-runtime launch` with a connection to its monitor. Its stderr is for what can't be said on that. */
export function launchMonitor({ runDir, lockFd, attach, createOnly }: LaunchRequest): MonitorConnection {
  const streams = attach.length > 0 ? [`--attach=${attach.join(',')}`] : ['--detach']
  const upTo = createOnly === true ? ['--create-only'] : []
  return spawnConnected(['launch', runDir, ...streams, ...upTo, '--connection-fd', '3'], lockFd)
}

/** Starts `tspod-runtime exec` with a connection to the monitor of the session. */
export function launchExec(planPath: string, attach: LaunchRequest['attach']): MonitorConnection {
  const streams = attach.length > 0 ? [`--attach=${attach.join(',')}`] : ['--detach']
  return spawnConnected(['exec', planPath, ...streams, '--connection-fd', '3'])
}

/** Node gives a child descriptors by position, so what has a number of its own is put there, the gaps filled. */
function spawnConnected(args: readonly string[], lockFd?: number): MonitorConnection {
  const stdio: ('ignore' | 'pipe' | 'overlapped' | number)[] = ['ignore', 'ignore', 'ignore', 'pipe']
  if (lockFd !== undefined) {
    while (stdio.length < lockFd) stdio.push('ignore')
    stdio[lockFd] = lockFd
  }
  const child = spawn(nativeFile('tspod-runtime'), args, { stdio, detached: true, cwd: '/' })
  const connection = child.stdio[3]
  if (connection === null || connection === undefined) throw new TspodError('internal', 'no connection to the monitor')
  child.on('error', (error) => (connection as Duplex).destroy(error))
  child.unref()
  return new MonitorConnection(connection as Duplex)
}

/** The last: it closed its socket while we stood in line. */
const gone = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET']

/** Connects to a monitor's attach.sock, however long its path is. `no-such-container` if nobody listens. */
export async function connectMonitor(socketPath: string): Promise<MonitorConnection> {
  let folder: number | undefined
  try {
    /* Of a container that is just being removed, the folder is gone, too. */
    folder = openSync(dirname(socketPath), 'r')
    const socket = await connectTo(`/proc/self/fd/${String(folder)}/${basename(socketPath)}`)
    return new MonitorConnection(socket)
  } catch (error) {
    if (gone.some((code) => hasErrno(error, code))) {
      throw new TspodError('container-not-running', `nobody answers at ${socketPath}`, { cause: error })
    }
    throw new TspodError('io', `connecting to ${socketPath}`, { cause: error })
  } finally {
    if (folder !== undefined) closeSync(folder)
  }
}

function connectTo(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
