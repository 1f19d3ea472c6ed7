import { PassThrough, type Readable, Writable } from 'node:stream'
import { TspodError } from '../../base/errors.js'
import type { ContainerRecord } from '../../container/record.js'
import type { ContainerSpec } from '../../container/spec.js'
import type { MonitorConnection } from '../../runtime/monitor.js'
import type { Context } from '../context.js'
import { prepareContainer } from './create.js'
import { writeExecPlan } from './exec.js'
import { launchError } from './failure.js'
import { attachedStreams } from './run.js'
import { waitContainer } from './lifecycle.js'
import { launchLocked } from './start.js'
import { containerLogs } from './logs.js'
import { publishedPorts } from './query.js'
import { removeContainer, removeStopped } from './remove.js'
import { findContainer } from './store.js'
import { killContainer, stopContainer } from './stop.js'
import { sweep } from './sweep.js'
import type { ExecSpec, LogLine, LogOptions, PublishedPort, RunOptions, StopOptions } from './types.js'

/** The ends of a process's standard streams that are ours. */
export interface ProcessStreams {
  /** Closed at once unless `interactive` was asked for. */
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
}

/** One more process in a container. */
export interface ExecHandle extends ProcessStreams {
  /** The exit status; 128+n where signal n ended it. */
  wait(): Promise<number>
  /** All that it writes, once it has ended. */
  output(): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>
}

/** A container of this process's: its streams, and what can be done with it. `await using` removes it at the end. */
export interface ContainerHandle extends ProcessStreams, AsyncDisposable {
  readonly id: string
  readonly name: string
  wait(): Promise<number>
  output(): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>
  exec(spec: ExecSpec | readonly string[]): Promise<ExecHandle>
  logs(options?: LogOptions): AsyncIterable<LogLine>
  /** The host's address of a published port; throws if it is not published. */
  port(containerPort: number, protocol?: 'tcp' | 'udp' | 'sctp'): { readonly host: string; readonly port: number }
  readonly ports: readonly PublishedPort[]
  kill(signal?: string | number): Promise<void>
  stop(options?: StopOptions): Promise<void>
  /** Stops it if it runs, and takes it away with its anonymous volumes. Nothing happens if it is gone. */
  remove(): Promise<void>
}

/** Makes and starts a container; resolves once its command runs. */
export async function runContainer(
  context: Context,
  spec: ContainerSpec,
  options: RunOptions = {},
): Promise<ContainerHandle> {
  const ephemeral = spec.remove === true || spec.lifetime === 'process'
  const { record, warnings, lock } = await prepareContainer(context, spec, { ...options, ephemeral })
  for (const warning of warnings) context.log('warn', warning)
  await sweep(context)
  try {
    let process: AttachedProcess | undefined
    await launchLocked(context, record, lock, attachedStreams(record, undefined), (connection) => {
      process = attachedProcess(connection, record.spec.interactive)
    })
    const handle = handleOf(context, record, process)
    options.signal?.addEventListener('abort', () => void handle.kill().catch(() => undefined), { once: true })
    return handle
  } catch (error) {
    if (ephemeral) await removeStopped(context, record, { volumes: true })
    throw error
  } finally {
    lock.release()
  }
}

/** A handle for a container that exists. Its streams are empty: what it writes is in its log. */
export async function getContainer(context: Context, nameOrId: string): Promise<ContainerHandle> {
  return handleOf(context, findContainer(context, nameOrId), undefined)
}

/** Runs one more process in a running container; resolves once it runs. */
export async function execInContainer(
  context: Context,
  nameOrId: string,
  spec: ExecSpec | readonly string[],
): Promise<ExecHandle> {
  const request: ExecSpec = 'command' in spec ? spec : { command: spec }
  const { planPath } = await writeExecPlan(context, nameOrId, request)
  const { launchExec } = await import('../../runtime/monitor.js')
  const connection = launchExec(
    planPath,
    request.interactive === true ? ['stdin', 'stdout', 'stderr'] : ['stdout', 'stderr'],
  )
  const { streams, ended } = attachedProcess(connection, request.interactive === true)
  await startOf(connection)
  return { ...streams, wait: () => ended, output: () => collect(streams, ended) }
}

interface AttachedProcess {
  readonly streams: ProcessStreams
  readonly ended: Promise<number>
}

function attachedProcess(connection: MonitorConnection, interactive: boolean): AttachedProcess {
  return { streams: streamsOf(connection, interactive), ended: endOf(connection) }
}

function handleOf(context: Context, record: ContainerRecord, process: AttachedProcess | undefined): ContainerHandle {
  const streams = process?.streams ?? noStreams()
  const wait = (): Promise<number> => process?.ended ?? waitContainer(context, record.id)
  const remove = async (): Promise<void> => {
    try {
      await removeContainer(context, record.id, { force: true, volumes: true, depend: true })
    } catch (error) {
      if (!(error instanceof TspodError) || error.code !== 'no-such-container') throw error
    }
  }
  return {
    id: record.id,
    name: record.name,
    ...streams,
    wait,
    output: () => collect(streams, wait()),
    exec: (spec) => execInContainer(context, record.id, spec),
    logs: (options) => containerLogs(context, record.id, options),
    port: (containerPort, protocol = 'tcp') => hostPort(record, containerPort, protocol),
    ports: publishedPorts(record),
    kill: (signal) => killContainer(context, record.id, signal),
    stop: (options) => stopContainer(context, record.id, options),
    remove,
    [Symbol.asyncDispose]: remove,
  }
}

function hostPort(record: ContainerRecord, port: number, protocol: string): { host: string; port: number } {
  const found = publishedPorts(record).find(
    (published) =>
      published.protocol === protocol &&
      port >= published.containerPort &&
      port < published.containerPort + published.range,
  )
  if (!found) throw new TspodError('invalid-argument', `port ${port}/${protocol} of ${record.name} is not published`)
  const host = found.hostIp === '0.0.0.0' ? '127.0.0.1' : found.hostIp === '::' ? '::1' : found.hostIp
  return { host, port: found.hostPort + port - found.containerPort }
}

/** What the frames carry, as streams. A reader that is slow holds the container up, as a pipe would. */
function streamsOf(connection: MonitorConnection, interactive: boolean): ProcessStreams {
  const outputs = { stdout: new PassThrough(), stderr: new PassThrough() }
  const full = new Set<PassThrough>()
  connection.listen({
    output: (stream, data) => {
      const target = outputs[stream]
      /* Copied, since the frame's bytes are the receive buffer's. */
      if (target.write(Buffer.from(data))) return
      full.add(target)
      connection.pause()
      target.once('drain', () => {
        full.delete(target)
        if (full.size === 0) connection.resume()
      })
    },
    end: () => {
      outputs.stdout.end()
      outputs.stderr.end()
    },
  })
  const stdin = new Writable({
    write: (chunk: Buffer, _encoding, done) => void connection.writeInput(chunk).then(() => done(), done),
    final: (done) => {
      connection.endInput()
      done()
    },
  })
  if (!interactive) stdin.destroy()
  return { stdin, ...outputs }
}

function noStreams(): ProcessStreams {
  const stdin = new Writable()
  stdin.destroy()
  const ended = (): PassThrough => new PassThrough().end()
  return { stdin, stdout: ended(), stderr: ended() }
}

function startOf(connection: MonitorConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.listen({
      message: (message) => {
        if (message.type === 'started') resolve()
        if (message.type === 'error') reject(launchError(message))
      },
      end: () => reject(new TspodError('launch-failed', 'the process ended before it started')),
    })
  })
}

/** The exit status, once nothing more comes. */
function endOf(connection: MonitorConnection): Promise<number> {
  const ended = new Promise<number>((resolve, reject) => {
    let status: number | undefined
    connection.listen({
      message: (message) => {
        if (message.type === 'exited') status = message.status
      },
      end: () =>
        status === undefined
          ? reject(new TspodError('launch-failed', 'the monitor went away without an exit status'))
          : resolve(status),
    })
  })
  /* Nobody may be waiting: then nobody wants to know. */
  ended.catch(() => undefined)
  return ended
}

async function collect(
  { stdout, stderr }: ProcessStreams,
  exit: Promise<number>,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const [out, err, exitCode] = await Promise.all([textOf(stdout), textOf(stderr), exit])
  return { exitCode, stdout: out, stderr: err }
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
