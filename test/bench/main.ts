import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'

import { busyboxLayer } from '../helpers/images.js'
import { inMemory, manyFiles, removeTree } from './files.js'
import { buildRows } from './build.js'
import { image, peerEngine, runFlags, tspodEngine, type BenchEngine } from './engines.js'
import { memoryRows } from './memory.js'
import { median, printOver, printRow, runs, turns, turnsWithWork } from './turns.js'

const only = new RegExp(`^(${process.env['TSPOD_BENCH_ONLY'] ?? '.*'})$`)
const noneRun = ['run', '--rm', ...runFlags, '--network', 'none', image, 'true']
const slirpRun = ['run', '--rm', ...runFlags, '--network', 'slirp4netns', image, 'true']

/** Everything that the marks speak of, one group after the other. A group that fails says so and the next one runs. */
async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'tspod-bench-'))
  const ours = tspodEngine(folder)
  const peer = peerEngine(folder)
  const archive = join(folder, 'busybox.tar')
  writeFileSync(archive, await busyboxLayer())
  for (const engine of [ours, peer]) engine?.call('import', archive, image)
  console.log(
    `medians of ${String(runs)}, in turn; node ${process.version}, ${peer?.name ?? 'no peer'}; load ${loadavg()[0]?.toFixed(1) ?? '?'}`,
  )
  console.log(`${''.padEnd(52)}${'tspod'.padStart(9)} ${'peer'.padStart(9)}`)
  let failures = 0
  for (const [name, group] of Object.entries(groups)) {
    if (!only.test(name)) continue
    try {
      await group(ours, peer, folder)
    } catch (error) {
      failures++
      console.log(`${name}: FAILED: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  for (const engine of [ours, peer]) clean(engine)
  removeTree(folder)
  return failures
}

type Group = (ours: BenchEngine, peer: BenchEngine | undefined, folder: string) => Promise<void> | void

const groups: Readonly<Record<string, Group>> = {
  startup(ours) {
    const commands = [['version'], ['images', '--quiet'], ['ps', '--quiet'], ['run', '--help']]
    const [node = NaN, ...values] = turns([
      [process.execPath, '-e', '0'],
      ...commands.map((words) => ours.argv(...words)),
    ])
    for (const [index, words] of commands.entries()) {
      printOver(`${words.join(' ')}, over bare node (${node.toFixed(1)} ms)`, (values[index] ?? NaN) - node, 6)
    }
  },

  run(ours, peer, folder) {
    compare('run --rm --network none IMAGE true', 0.35, ours, peer, noneRun)
    compare('run --rm --network slirp4netns IMAGE true', 0.35, ours, peer, slirpRun)
    compare('run --rm --network host IMAGE true', 0.35, ours, peer, [
      'run',
      '--rm',
      ...runFlags,
      '--network',
      'host',
      image,
      'true',
    ])
    compare('the same with network none, not kept', undefined, notKept(ours), peer, noneRun)
    bareCrun(ours, folder)
  },

  exec(ours, peer) {
    for (const engine of [ours, peer])
      engine?.call('run', '-d', ...runFlags, '--network', 'none', '--name', 'ex', image, 'sleep', '100000')
    compare('exec CONTAINER true', 0.45, ours, peer, ['exec', 'ex', 'true'])
    compare('inspect CONTAINER', undefined, ours, peer, ['inspect', 'ex'])
    clean(ours)
    clean(peer)
  },

  ps(ours, peer) {
    for (const engine of [ours, peer]) {
      if (engine === undefined) continue
      const words = engine.argv('create', ...runFlags, image, 'true')
      execFileSync('xargs', ['-P2', '-I{}', ...words], { input: lines(500), stdio: ['pipe', 'ignore', 'inherit'] })
    }
    compare('ps -a with 500 containers', 0.5, ours, peer, ['ps', '-a'])
    compare('run --rm --network none with 500 containers', 0.35, ours, peer, noneRun)
    clean(ours)
    clean(peer)
  },

  async many(ours, peer) {
    const { manyRows } = await import('./lifecycle.js')
    for (const row of manyRows([ours, peer])) printRow(row)
  },

  async logs(ours, peer) {
    const { logRows } = await import('./lifecycle.js')
    for (const row of logRows([ours, peer])) printRow(row)
  },

  async stop(ours) {
    const { stopLatency } = await import('./lifecycle.js')
    stopLatency(ours)
  },

  parallel(ours, peer) {
    const all = (engine: BenchEngine): string[] => [
      'sh',
      '-c',
      'seq 20 | xargs -P20 -I{} "$@"',
      'sh',
      ...engine.argv(...noneRun),
    ]
    const [value = NaN, other = NaN] = turns([all(ours), ...(peer ? [all(peer)] : [])], Math.ceil(runs / 2))
    printRow({ what: '20 × run --rm --network none at once', value, peer: other, unit: 'ms', mark: 0.35 })
  },

  unpack(_ours, peer) {
    const memory = inMemory()
    const archive = join(memory, 'many.tar')
    writeFileSync(archive, manyFiles(60_000))
    const times: [number[], number[]] = [[], []]
    // A store of its own each time, since neither engine unpacks a layer that it has.
    for (let round = 0; round < 3; round++) {
      for (const [index, make] of [tspodEngine, ...(peer ? [peerEngine] : [])].entries()) {
        const store = mkdtempSync(join(memory, 'store-'))
        const begin = process.hrtime.bigint()
        make(store)?.call('import', archive, 'localhost/many')
        times[index]?.push(Number(process.hrtime.bigint() - begin) / 1e6)
        removeTree(store)
      }
    }
    printRow({
      what: 'import of 60,000 files, store on tmpfs',
      value: median(times[0]),
      peer: median(times[1]),
      unit: 'ms',
      mark: 0.3,
    })
    removeTree(memory)
  },

  async images() {
    const { imageRows } = await import('./images.js')
    for await (const row of imageRows()) printRow(row)
  },

  build(ours, peer, folder) {
    for (const row of buildRows(ours, peer, folder)) printRow(row)
  },

  async memory(ours, peer) {
    for (const row of await memoryRows(ours, peer)) printRow(row)
  },
}

function compare(
  what: string,
  mark: number | undefined,
  ours: BenchEngine,
  peer: BenchEngine | undefined,
  words: string[],
): void {
  const [own, others] = turnsWithWork([ours.argv(...words), ...(peer ? [peer.argv(...words)] : [])])
  const work = (own?.work ?? NaN) / (others?.work ?? NaN)
  printRow({
    what,
    value: own?.took ?? NaN,
    peer: others?.took ?? NaN,
    work,
    unit: 'ms',
    ...(mark === undefined ? {} : { mark }),
  })
}

/** Every start as if it were the first of its kind. */
function notKept(engine: BenchEngine): BenchEngine {
  return { ...engine, argv: (...words) => ['env', 'TSPOD_KEPT_STARTS=off', ...engine.argv(...words)] }
}

/** The floor: Node's start plus crun with a bundle that lies ready. */
function bareCrun(ours: BenchEngine, folder: string): void {
  if (spawnSync('crun', ['--version']).status !== 0) return
  const bundle = join(folder, 'bundle')
  mkdirSync(join(bundle, 'rootfs'), { recursive: true })
  execFileSync('tar', ['-C', join(bundle, 'rootfs'), '--exclude=./dev/*', '-xf', join(folder, 'busybox.tar')])
  execFileSync('crun', ['spec', '--rootless'], { cwd: bundle })
  const path = join(bundle, 'config.json')
  const config = JSON.parse(readFileSync(path, 'utf8')) as {
    process: Record<string, unknown>
    linux: Record<string, unknown>
  }
  Object.assign(config.process, { terminal: false, args: ['/bin/true'] })
  delete config.linux['resources']
  writeFileSync(path, JSON.stringify(config))
  const crun = ['crun', '--root', join(folder, 'crun'), '--cgroup-manager=disabled', 'run', '-b', bundle, 'floor']
  const [value = NaN, node = NaN, bare = NaN] = turns([ours.argv(...noneRun), [process.execPath, '-e', '0'], crun])
  const what = `run --network none, node (${node.toFixed(1)}) + crun (${bare.toFixed(1)})`
  printRow({ what, value, peer: node + bare, unit: 'ms', mark: 1.25 })
}

function lines(count: number): string {
  return Array.from({ length: count }, (_, number) => `${String(number)}\n`).join('')
}

function clean(engine: BenchEngine | undefined): void {
  const ids =
    engine
      ?.call('ps', '-aq')
      .split('\n')
      .filter((id) => id !== '') ?? []
  while (ids.length > 0) engine?.call('rm', '--force', '--time', '0', ...ids.splice(0, 100))
}

void main().then((failures) => {
  process.exitCode = failures > 0 ? 1 : 0
})
