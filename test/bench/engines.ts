import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** An engine under comparison: its command line with a store of its own. */
export interface BenchEngine {
  readonly name: string
  /** Holds the store; its processes have it on their command lines. */
  readonly folder: string
  /** argv of a command: `engine.argv('ps', '-a')`. */
  argv(...args: string[]): string[]
  /** Runs a command to its end; throws with its stderr when it fails. */
  call(...args: string[]): string
}

export const image = 'localhost/busybox:latest'
const top = process.env['TSPOD_BENCH_TOP'] ?? process.cwd()

/** What a command needs where the machine gives no cgroup of its own; the same for both. */
export const runFlags = existsSync('/sys/fs/cgroup/cgroup.controllers') ? [] : ['--cgroups=disabled']

export function tspodEngine(folder: string): BenchEngine {
  return engine(
    'tspod',
    folder,
    [join(top, 'bin', 'tspod')],
    ['--root', join(folder, 'tspod'), '--runroot', join(folder, 'tspod-run')],
  )
}

/** Podman, or what TSPOD_BENCH_PEER names; undefined where it is not installed. */
export function peerEngine(folder: string): BenchEngine | undefined {
  const command = (process.env['TSPOD_BENCH_PEER'] ?? 'podman').split(' ')
  if (spawnSync(command[0] ?? '', [...command.slice(1), '--version']).status !== 0) return undefined
  const options = ['--storage-driver', 'overlay', '--root', join(folder, 'peer'), '--runroot', join(folder, 'peer-run')]
  if (spawnSync('crun', ['--version']).status === 0) options.push('--runtime', 'crun')
  return engine(command.join(' '), folder, command, options)
}

function engine(name: string, folder: string, command: readonly string[], options: readonly string[]): BenchEngine {
  const argv = (...args: string[]): string[] => [...command, ...options, ...args]
  return {
    name,
    folder,
    argv,
    call(...args) {
      const [program = '', ...rest] = argv(...args)
      return execFileSync(program, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 })
    },
  }
}
