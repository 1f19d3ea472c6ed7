import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { image, type BenchEngine } from './engines.js'
import { runs, turnsWithWork, type Row } from './turns.js'

/** What a build costs: all steps anew, all found again, a large context unchanged, stages that do not need each other. */
export function buildRows(ours: BenchEngine, peer: BenchEngine | undefined, folder: string): Row[] {
  const six = sixSteps(join(folder, 'six'))
  const large = largeContext(join(folder, 'large'), 20_000)
  const stages = fourStages(join(folder, 'stages'))
  const compare = (what: string, mark: number, words: readonly string[]): Row => {
    const commands = [ours, ...(peer === undefined ? [] : [peer])].map((engine) => engine.argv('build', '-q', ...words))
    // Once before, so that each has its base image and, where it may, its cache.
    for (const engine of [ours, peer]) engine?.call('build', '-q', ...words)
    const [own, others] = turnsWithWork(commands, Math.max(3, Math.ceil(runs / 2)))
    const work = (own?.work ?? NaN) / (others?.work ?? NaN)
    return { what, value: own?.took ?? NaN, peer: others?.took ?? NaN, work, unit: 'ms', mark }
  }
  const rows = [
    compare('build of 6 steps, none cached', 0.35, ['--no-cache', '-t', 'six', six]),
    compare('build of 6 steps, none cached, no network', 0.35, ['--no-cache', '--network', 'none', '-t', 'six', six]),
    compare('build of 6 steps, all cached', 0.15, ['-t', 'six', six]),
    compare('build with 20,000 files, unchanged', 0.3, ['-t', 'large', large]),
    compare('build of 4 independent stages, none cached', 0.35, ['--no-cache', '-t', 'stages', stages]),
  ]
  for (const engine of [ours, peer]) engine?.call('image', 'prune', '--force')
  return rows
}

function sixSteps(folder: string): string {
  mkdirSync(join(folder, 'd'), { recursive: true })
  writeFileSync(join(folder, 'f'), pseudoRandom(1_000_000))
  for (let number = 0; number < 200; number++) writeFileSync(join(folder, 'd', String(number)), `${String(number)}\n`)
  const steps = ['ENV A=1', 'COPY f /f', 'RUN echo one > /one', 'COPY d /d', 'RUN ls /d | wc -l > /two']
  return dockerfile(folder, [`FROM ${image}`, ...steps, 'CMD ["cat", "/two"]'])
}

function largeContext(folder: string, count: number): string {
  for (let number = 0; number < count; number++) {
    const place = join(folder, 'src', String(Math.trunc(number / 100)))
    if (number % 100 === 0) mkdirSync(place, { recursive: true })
    writeFileSync(join(place, String(number)), 'x'.repeat((number * 97) % 4096))
  }
  return dockerfile(folder, [`FROM ${image}`, 'COPY src /src', 'RUN ls /src > /list'])
}

function fourStages(folder: string): string {
  mkdirSync(folder)
  const names = ['a', 'b', 'c', 'd']
  const stages = names.flatMap((name) => [
    `FROM ${image} AS ${name}`,
    `RUN seq 20000 | sha256sum > /${name}`,
    `RUN sort -rn /${name} > /${name}2`,
  ])
  const copies = names.map((name) => `COPY --from=${name} /${name}2 /`)
  return dockerfile(folder, [...stages, `FROM ${image}`, ...copies])
}

function dockerfile(folder: string, lines: readonly string[]): string {
  writeFileSync(join(folder, 'Dockerfile'), `${lines.join('\n')}\n`)
  return folder
}

/** Bytes that do not compress, the same every time. */
function pseudoRandom(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0, state = 1; at < size; at++) {
    state = (state * 1103515245 + 12345) % 2147483648
    bytes[at] = state >>> 16
  }
  return bytes
}
