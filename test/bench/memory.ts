import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

import { image, runFlags, type BenchEngine } from './engines.js'
import type { Row } from './turns.js'

const monitorNames = /^(tspod|conmon$)/
const idle = 5

/** What an idle container costs in proportional set size, detached and in the foreground. */
export async function memoryRows(ours: BenchEngine, peer: BenchEngine | undefined): Promise<Row[]> {
  const detached = [ours, peer].map((engine) => (engine === undefined ? NaN : detachedPss(engine)))
  const foreground = [await foregroundPss(ours), peer === undefined ? NaN : await foregroundPss(peer)]
  return [
    {
      what: `idle container: monitor's PSS (mean of ${String(idle)})`,
      value: detached[0] ?? NaN,
      peer: detached[1] ?? NaN,
      unit: 'KiB',
      mark: 1,
    },
    {
      what: 'foreground run: PSS of all of the engine (≤ 3072)',
      value: foreground[0] ?? NaN,
      peer: foreground[1] ?? NaN,
      unit: 'KiB',
    },
  ]
}

function detachedPss(engine: BenchEngine): number {
  const before = new Set(processes(engine))
  const names = Array.from({ length: idle }, (_, number) => `idle${String(number)}`)
  for (const name of names) {
    engine.call('run', '-d', ...runFlags, '--network', 'none', '--name', name, image, 'sleep', '100000')
  }
  const monitors = processes(engine).filter((pid) => !before.has(pid) && monitorNames.test(read(pid, 'comm')))
  const total = monitors.reduce((sum, pid) => sum + pss(pid), 0)
  engine.call('rm', '--force', '--time', '0', ...names)
  return total / idle
}

async function foregroundPss(engine: BenchEngine): Promise<number> {
  const before = new Set(processes(engine))
  const words = [
    'run',
    '--rm',
    ...runFlags,
    '--network',
    'none',
    '--name',
    'front',
    image,
    'sh',
    '-c',
    'echo up; exec sleep 100000',
  ]
  const [program = '', ...rest] = engine.argv(...words)
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(createInterface({ input: child.stdout }), 'line')
  const own = processes(engine).filter(
    (pid) => !before.has(pid) && !/^(sleep|sh|busybox)$/.test(read(pid, 'comm').trim()),
  )
  const total = own.reduce((sum, pid) => sum + pss(pid), 0)
  engine.call('rm', '--force', '--time', '0', 'front')
  if (child.exitCode === null) await once(child, 'exit')
  return total
}

/** KiB at most of a command and all that it starts: the sum of what each living process has had resident at its worst. */
export async function peakOf(engine: BenchEngine, words: readonly string[]): Promise<number> {
  const [program = '', ...rest] = engine.argv(...words)
  const child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'inherit'] })
  const end = once(child, 'exit')
  let peak = 0
  while (child.exitCode === null && child.signalCode === null) {
    const resident = processes(engine).map((pid) => Number(/^VmHWM:\s+(\d+)/m.exec(read(pid, 'status'))?.[1] ?? 0))
    peak = Math.max(
      peak,
      resident.reduce((sum, one) => sum + one, 0),
    )
    await Promise.race([end, delay(5)])
  }
  return peak
}

/** Those with the engine's store on their command line. */
function processes(engine: BenchEngine): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && read(Number(name), 'cmdline').includes(engine.folder))
    .map(Number)
}

/** KiB. A process that hides its memory (not dumpable) must not count as nothing: root is asked (test/bench/run). */
function pss(pid: number): number {
  const value = /^Pss:\s+(\d+)/m.exec(read(pid, 'smaps_rollup'))?.[1] ?? askRoot(pid)
  if (!/^\d+$/.test(value)) throw new Error(`the memory of ${read(pid, 'comm')} cannot be read: run as root`)
  return Number(value)
}

function askRoot(pid: number): string {
  const folder = process.env['TSPOD_BENCH_PSS']
  if (folder === undefined) return ''
  writeFileSync(`${folder}/ask`, `${String(pid)}\n`)
  return readFileSync(`${folder}/answer`, 'utf8').trim()
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${String(pid)}/${file}`, 'utf8').trim()
  } catch {
    return ''
  }
}
