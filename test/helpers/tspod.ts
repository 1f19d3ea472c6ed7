import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The built program, as a person runs it. */
export const program = fileURLToPath(new URL('../../bin/tspod', import.meta.url))

export interface Result {
  /** What was typed, for a failing test to show. */
  readonly command: string
  /** The exit status; 128 + n for a signal. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** A tspod with a graphroot and a runroot of its own; when disposed of, both are gone with every container. */
export interface TspodStore extends AsyncDisposable {
  readonly folder: string
  readonly root: string
  readonly runroot: string
  readonly env: Readonly<Record<string, string>>
  /** Runs a command to its end, whatever its status. */
  run(args: readonly string[], options?: RunOptions): Promise<Result>
  /** Runs a command that must succeed, and gives what it printed, trimmed. */
  ok(args: readonly string[], options?: RunOptions): Promise<string>
  /** Starts a command and leaves it to the caller. */
  start(args: readonly string[], stdio: StdioOptions, options?: RunOptions): ChildProcess
}

export async function tspodStore(): Promise<TspodStore> {
  const folder = await mkdtemp(join(tmpdir(), 'tspod-test-'))
  const [root, runroot, home] = [join(folder, 'root'), join(folder, 'run'), join(folder, 'home')]
  await mkdir(home)
  // Called by root, containers have a root of their own, who has to pass.
  if (process.getuid?.() === 0) await chmod(folder, 0o711)
  // A home of its own, so that nobody's configuration and logins are read.
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    LANG: 'C.UTF-8',
    XDG_RUNTIME_DIR: process.env['XDG_RUNTIME_DIR'] ?? '',
  }

  const start = (args: readonly string[], stdio: StdioOptions, options: RunOptions = {}): ChildProcess =>
    spawn(program, ['--root', root, '--runroot', runroot, ...args], {
      stdio,
      cwd: options.cwd ?? folder,
      env: { ...env, ...options.env },
    })

  const run = async (args: readonly string[], options: RunOptions = {}): Promise<Result> => {
    const child = start(args, ['pipe', 'pipe', 'pipe'], options)
    // Who does not read its input ends the pipe; that is no failure.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input ?? '')
    return finish(`tspod ${args.join(' ')}`, child)
  }

  const ok = async (args: readonly string[], options: RunOptions = {}): Promise<string> => {
    const result = await run(args, options)
    if (result.status !== 0) throw new Error(explain(result))
    return result.stdout.trimEnd()
  }

  return {
    folder,
    root,
    runroot,
    env,
    run,
    ok,
    start,
    async [Symbol.asyncDispose]() {
      await run(['rm', '--all', '--force', '--time', '0'])
      await removeTree(folder)
    },
  }
}

/** All that a failing test should say about a command. */
export function explain(result: Result): string {
  return `${result.command}\nexit status ${String(result.status)}\nstdout: ${result.stdout}\nstderr: ${result.stderr}`
}

/** Waits for a started command and collects what it wrote. */
export async function finish(command: string, child: ChildProcess): Promise<Result> {
  const [stdout, stderr, status] = await Promise.all([
    collect(child.stdout),
    collect(child.stderr),
    new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        resolve(code ?? 128 + signalNumber(signal))
      })
    }),
  ])
  return { command, status, stdout, stderr }
}

async function collect(stream: NodeJS.ReadableStream | null): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream ?? []) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}

function signalNumber(signal: NodeJS.Signals | null): number {
  const numbers: Partial<Record<NodeJS.Signals, number>> = {
    SIGHUP: 1,
    SIGINT: 2,
    SIGABRT: 6,
    SIGKILL: 9,
    SIGSEGV: 11,
    SIGTERM: 15,
  }
  return signal === null ? 0 : (numbers[signal] ?? 0)
}

/** Files of a container's users belong to subordinate ids: the root of a user namespace that has them removes them. */
export async function removeTree(folder: string): Promise<void> {
  if (process.getuid?.() === 0) return rm(folder, { recursive: true, force: true })
  const child = spawn('unshare', ['--user', '--map-root-user', '--map-auto', 'rm', '-rf', '--', folder], {
    stdio: 'inherit',
  })
  const { status } = await finish(`rm -rf ${folder}`, child)
  if (status !== 0) throw new Error(`${folder} cannot be removed`)
}
