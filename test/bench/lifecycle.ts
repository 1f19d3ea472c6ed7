import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { image, runFlags, type BenchEngine } from './engines.js'
import { median, printOver, runs, timed, turnsWithWork, type Row } from './turns.js'

type Engines = readonly [ours: BenchEngine, peer: BenchEngine | undefined]

const none = [...runFlags, '--network', 'none']
const shells = 8

/** Lists and removals of many stopped containers, and their whole lives by eight shells at once. */
export function* manyRows(engines: Engines): Generator<Row> {
  for (const count of [500, 1000]) {
    for (const engine of present(engines)) stopped(engine, count)
    yield inTurn(`ps -a with ${String(count)} stopped containers`, 0.5, engines, (engine) => engine.argv('ps', '-a'))
    if (count === 500)
      yield once(`rm -f of ${String(count)}`, 0.3, engines, (engine) => engine.argv('rm', '-f', ...names(count)))
  }
  for (const engine of present(engines)) engine.call('rm', '-f', ...names(1000))
  const each = 1000 / shells
  yield once(`${String(shells)} shells, 1000 × create start stop rm`, undefined, engines, (engine) => [
    'sh',
    '-ec',
    `for s in $(seq ${String(shells)}); do (
       for i in $(seq ${String(each)}); do
         "$@" create --name s$s-$i ${none.join(' ')} ${image} sleep 1000 >&2
         "$@" start s$s-$i >&2; "$@" stop -t 0 s$s-$i >&2; "$@" rm s$s-$i >&2
       done) 2>/dev/null & pids="$pids $!"
     done
     for pid in $pids; do wait $pid; done
     test -z "$("$@" ps -aq)"`,
    'sh',
    ...engine.argv(),
  ])
}

/**
 * A hundred megabytes from a container's stdout to its log, to a reader, and back from the log. The text is there before,
 * and one process hands it on, so that what is measured is who takes it, not who makes it (as yes(1) does, line by line).
 */
export function* logRows(engines: Engines): Generator<Row> {
  const [ours] = engines
  const text = join(ours.folder, 'text')
  writeFileSync(text, `${'0123456789'.repeat(10).slice(1)}\n`.repeat(10_000))
  const hundred = 'set --; for i in $(seq 100); do set -- $@ /text; done; exec cat $@'
  const writer = ['--volume', `${text}:/text:ro`, ...none, image, 'sh', '-c', hundred]
  const costs = Array.from({ length: Math.ceil(runs / 2) }, () =>
    present(engines).map((engine) => {
      engine.call('rm', '-f', '--ignore', 'big')
      return timed(shell(engine, ['run', '-d', '--name', 'big', ...writer], ['wait', 'big']))
    }),
  )
  const [own, other] = present(engines).map((_, engine) => ({
    took: median(costs.map((turn) => turn[engine]?.took ?? NaN)),
    work: median(costs.map((turn) => turn[engine]?.work ?? NaN)),
  }))
  yield rowOf('100 MB of output, detached', 1 / 3, own, other)
  yield inTurn('100 MB of output, attached', 1 / 3, engines, (engine) => shell(engine, ['run', '--rm', ...writer]))
  yield inTurn('logs of 100 MB', 0.1, engines, (engine) => shell(engine, ['logs', 'big']))
  const [tail, bare] = turnsWithWork([ours.argv('logs', '--tail', '10', 'big'), ours.argv('inspect', 'big')])
  yield {
    what: 'logs --tail 10 of 100 MB, beside inspect',
    value: tail?.took ?? NaN,
    peer: bare?.took ?? NaN,
    unit: 'ms',
    mark: 1.25,
  }
  for (const engine of present(engines)) engine.call('rm', '-f', 'big')
}

/** How long `stop` is behind a container that ends as soon as it is told to. */
export function stopLatency(ours: BenchEngine): void {
  const obeys = 'trap "exit 0" TERM; while :; do sleep 1 & wait $!; done'
  const took = Array.from({ length: Math.ceil(runs / 2) }, () => {
    ours.call('run', '-d', '--name', 'obeys', ...none, image, 'sh', '-c', obeys)
    const { took: milliseconds } = timed(ours.argv('stop', 'obeys'))
    ours.call('rm', 'obeys')
    return milliseconds
  })
  const [bare] = turnsWithWork([ours.argv('version')])
  printOver('stop of a container that obeys, over version', median(took) - (bare?.took ?? NaN), 50)
}

function stopped(engine: BenchEngine, count: number): void {
  const have = new Set(engine.call('ps', '-a', '--format', '{{.Names}}').split('\n'))
  const missing = names(count).filter((name) => !have.has(name))
  const words = engine.argv('run', '--name', '{}', ...none, image, 'true')
  execFileSync('xargs', ['-P2', '-I{}', ...words], { input: missing.join('\n'), stdio: ['pipe', 'ignore', 'inherit'] })
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `m${String(number)}`)
}

/** Commands of an engine, one after the other, with nobody who reads. */
function shell(engine: BenchEngine, ...commands: readonly (readonly string[])[]): string[] {
  const quoted = commands.map((words) =>
    engine
      .argv(...words)
      .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
      .join(' '),
  )
  return ['sh', '-ec', quoted.map((command) => `${command} > /dev/null`).join('; ')]
}

function present(engines: Engines): BenchEngine[] {
  return engines.filter((engine) => engine !== undefined)
}

function inTurn(what: string, mark: number, engines: Engines, words: (engine: BenchEngine) => readonly string[]): Row {
  const [own, other] = turnsWithWork(present(engines).map(words), Math.ceil(runs / 2))
  return rowOf(what, mark, own, other)
}

function once(
  what: string,
  mark: number | undefined,
  engines: Engines,
  words: (engine: BenchEngine) => readonly string[],
): Row {
  const [own, other] = present(engines).map((engine) => timed(words(engine)))
  return rowOf(what, mark, own, other)
}

interface Cost {
  readonly took: number
  readonly work: number
}

function rowOf(what: string, mark: number | undefined, own: Cost | undefined, other: Cost | undefined): Row {
  return {
    what,
    value: own?.took ?? NaN,
    peer: other?.took ?? NaN,
    work: (own?.work ?? NaN) / (other?.work ?? NaN),
    unit: 'ms',
    ...(mark === undefined ? {} : { mark }),
  }
}
