import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { mediaTypes, type ImageManifest } from '../../src/oci/image-spec.js'
import { busyboxLayer, debianArchive, makeLayout } from '../helpers/images.js'
import { pushLayout } from '../helpers/registry-process.js'
import { peerEngine, runFlags, tspodEngine, type BenchEngine } from './engines.js'
import { inMemory, manyFiles, removeTree } from './files.js'
import { peakOf } from './memory.js'
import { median, runs, timed, type Row } from './turns.js'

const rounds = Math.max(3, Math.ceil(runs / 4))
const plain = '--tls-verify=false'
/** 10 MB and 500 files, by busybox alone. */
const changes =
  'mkdir /new && cd /new && i=0; while [ $i -lt 500 ]; do echo $i > f$i; i=$((i+1)); done; head -c 10485760 /dev/urandom > big'

interface Taken {
  readonly took: number[]
  readonly work: number[]
}

/** What moving images costs beside the peer, in turn, with stores on tmpfs. */
export async function* imageRows(): AsyncGenerator<Row> {
  const [first, second] = (process.env['TSPOD_BENCH_REGISTRIES'] ?? '').split(' ').filter((host) => host !== '')
  if (first === undefined || second === undefined) throw new Error('docker-registry is not installed')
  const memory = inMemory()
  try {
    writeFileSync(join(memory, 'busybox.tar'), await busyboxLayer())
    const from = process.env['TSPOD_BENCH_IMAGES'] ?? (await makeImages(first, memory))
    yield* transferRows(memory, from, second)
    yield* listRows(memory)
    yield await memoryRow(memory, `${from}/debian`)
  } finally {
    removeTree(memory)
  }
}

/** A store of its own each round, since no engine fetches what it has. */
async function* transferRows(memory: string, from: string, to: string): AsyncGenerator<Row> {
  const many = `${from}/many`
  const table = new Map<string, [Taken, Taken]>()
  const archives = ['ours.tar', 'theirs.tar'].map((name) => join(memory, name))
  for (let round = 0; round < rounds; round++) {
    const store = mkdtempSync(join(memory, 'store-'))
    const engines = enginesIn(store)
    const step = (what: string, words: (engine: BenchEngine, index: number) => string[]): void => {
      const entry = table.get(what) ?? [
        { took: [], work: [] },
        { took: [], work: [] },
      ]
      table.set(what, entry)
      for (const [index, engine] of engines.entries()) {
        const { took, work } = timed(engine.argv(...words(engine, index)))
        entry[index]?.took.push(took)
        entry[index]?.work.push(work)
      }
    }
    step('pull of a Debian', () => ['pull', '--quiet', plain, `${from}/debian`])
    for (const engine of engines) settled(engine, 'rmi', '--force', `${from}/debian`)
    step('pull of 9 layers', () => ['pull', '--quiet', plain, many])
    step('pull of what is there', () => ['pull', '--quiet', plain, many])
    const pushed = (index: number): string => `many-${String(index)}-${String(round)}`
    step('push of 9 layers', (_, index) => ['push', '--quiet', plain, many, `${to}/${pushed(index)}`])
    for (const index of engines.keys()) await forget(to, pushed(index))
    step('save of 9 layers', (_, index) => ['save', '--quiet', '--output', archives[index] ?? '', many])
    step('rmi of 9 layers', () => ['rmi', many])
    step('load of 9 layers', () => ['load', '--quiet', '--input', archives[0] ?? ''])
    for (const engine of engines) {
      settled(engine, 'import', join(memory, 'busybox.tar'), 'localhost/busybox')
      const command = ['localhost/busybox', 'sh', '-c', changes]
      settled(engine, 'run', ...runFlags, '--network', 'none', '--name', 'changed', ...command)
    }
    step('commit of 10 MB and 500 files', () => ['commit', '--quiet', 'changed', 'localhost/changed'])
    for (const engine of engines) engine.call('rm', 'changed')
    for (const path of archives) execFileSync('rm', ['-f', path])
    removeTree(store)
  }
  for (const [what, [ours, theirs]] of table) yield rowOf(what, marks[what], ours, theirs)
}

/** Runs what is not measured, and waits for what it leaves behind: it would run beside what is measured next. */
function settled(engine: BenchEngine, ...args: string[]): void {
  timed(engine.argv(...args))
}

const marks: Readonly<Record<string, number>> = {
  'pull of a Debian': 0.4,
  'pull of 9 layers': 0.4,
  'push of 9 layers': 0.7,
  'save of 9 layers': 0.7,
  'rmi of 9 layers': 0.5,
  'load of 9 layers': 0.3,
  'commit of 10 MB and 500 files': 0.2,
}

function* listRows(memory: string): Generator<Row> {
  const store = mkdtempSync(join(memory, 'store-'))
  const engines = enginesIn(store)
  for (const engine of engines) {
    for (let number = 0; number < 200; number++) {
      const message = ['--message', String(number)]
      engine.call('import', ...message, join(memory, 'busybox.tar'), `localhost/image-${String(number)}`)
    }
  }
  const taken: [Taken, Taken] = [
    { took: [], work: [] },
    { took: [], work: [] },
  ]
  for (let run = -1; run < runs; run++) {
    for (const [index, engine] of engines.entries()) {
      const { took, work } = timed(engine.argv('images'))
      if (run < 0) continue
      taken[index]?.took.push(took)
      taken[index]?.work.push(work)
    }
  }
  yield rowOf('images with 200 images', 1, taken[0], taken[1])
  removeTree(store)
}

async function memoryRow(memory: string, name: string): Promise<Row> {
  const store = mkdtempSync(join(memory, 'store-'))
  const peaks: number[] = []
  for (const engine of enginesIn(store)) peaks.push(await peakOf(engine, ['pull', '--quiet', plain, name]))
  removeTree(store)
  const [value = NaN, peer = NaN] = peaks
  return { what: 'pull of a Debian: peak memory (≤ 153600)', value, peer, unit: 'KiB' }
}

/** Takes an image's blobs out of its repository, or the next push has them mounted from there. */
async function forget(host: string, name: string): Promise<void> {
  const base = `http://${host}/v2/${name}`
  const response = await fetch(`${base}/manifests/latest`, { headers: { accept: mediaTypes.ociManifest } })
  const manifest = (await response.json()) as ImageManifest
  for (const { digest } of [manifest.config, ...manifest.layers])
    await fetch(`${base}/blobs/${digest}`, { method: 'DELETE' })
}

function enginesIn(store: string): BenchEngine[] {
  const peer = peerEngine(store)
  return [tspodEngine(store), ...(peer === undefined ? [] : [peer])]
}

function rowOf(what: string, mark: number | undefined, ours: Taken, theirs: Taken): Row {
  const work = median(ours.work) / median(theirs.work)
  return {
    what,
    value: median(ours.took),
    peer: median(theirs.took),
    work,
    unit: 'ms',
    ...(mark === undefined ? {} : { mark }),
  }
}

/** Two images as they are met: one big layer, and nine with tens of thousands of small files. */
async function makeImages(host: string, memory: string): Promise<string> {
  const debian = await debianArchive()
  const path = debian ?? join(memory, 'usr.tar')
  if (debian === undefined)
    execFileSync('tar', ['-C', '/', '--ignore-failed-read', '-cf', path, 'usr/bin', 'usr/lib/x86_64-linux-gnu'])
  const base = readFileSync(path)
  const layers = Array.from({ length: 8 }, (_, number) => manyFiles(5000, `files-${String(number)}`))
  for (const [name, content] of [
    ['debian', [base]],
    ['many', [base, ...layers]],
  ] as const) {
    const folder = join(memory, `layout-${name}`)
    mkdirSync(folder)
    await pushLayout(host, await makeLayout(folder, { layers: content }), name)
    execFileSync('rm', ['-r', folder])
  }
  return host
}
