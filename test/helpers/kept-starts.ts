import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import { busyboxStore } from './busybox-store.js'
import type { RunOptions, TspodStore } from './tspod.js'

/** A store with a session's folder of its own for kept starts, and a count of how often Node is started. */
export interface KeptStarts {
  readonly tspod: TspodStore
  readonly session: string
  /** The folder of kept starts. */
  starts(): string
  /** What a command's environment is, with what is said besides. */
  options(more?: RunOptions): RunOptions
  /** `run --rm` with these arguments; it must succeed. */
  run(args: readonly string[], more?: RunOptions): Promise<string>
  /** How often Node was started meanwhile, and what was printed. */
  counted(args: readonly string[], more?: RunOptions): Promise<{ calls: number; out: string }>
  /** Runs until the start is kept: what the first one writes into caches, the next one has to find settled. */
  keep(args: readonly string[], more?: RunOptions): Promise<void>
}

export async function keptStarts(): Promise<KeptStarts> {
  const tspod = await busyboxStore()
  const bin = join(tspod.folder, 'bin')
  const session = join(tspod.folder, 'session')
  /* A line each time that Node is started. */
  const calls = join(tspod.folder, 'calls')
  mkdirSync(bin)
  mkdirSync(session, { mode: 0o700 })
  writeFileSync(join(bin, 'node'), `#!/bin/sh\necho >> ${calls}\nexec ${process.execPath} "$@"\n`, { mode: 0o755 })

  const starts = (): string => join(session, 'tspod-starts')
  const options = (more: RunOptions = {}): RunOptions => ({
    ...more,
    env: { PATH: `${bin}${delimiter}${tspod.env['PATH'] ?? ''}`, XDG_RUNTIME_DIR: session, ...more.env },
  })
  const run = (args: readonly string[], more?: RunOptions) => tspod.ok(['run', '--rm', ...args], options(more))
  return {
    tspod,
    session,
    starts,
    options,
    run,
    async counted(args, more) {
      writeFileSync(calls, '')
      const out = await run(args, more)
      return { calls: readFileSync(calls, 'utf8').length, out }
    },
    async keep(args, more) {
      for (let attempt = 0; attempt < 20; attempt++) {
        await run(args, more)
        if (existsSync(starts()) && readdirSync(starts()).length > 0) return
      }
      throw new Error(`not kept: ${args.join(' ')}`)
    },
  }
}
