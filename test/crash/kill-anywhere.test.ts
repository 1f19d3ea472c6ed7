import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { busyboxLayer, manyLayersLayout, type Layout } from '../helpers/images.js'
import { startRegistry, type RegistryProcess } from '../helpers/registry-process.js'
import { explain, finish, tspodStore, type TspodStore } from '../helpers/tspod.js'
import { imageFaults, leftovers, observedStates, processesOf } from './leftovers.js'
import { seededRandom, type Random } from './random.js'

/**
 * kill -9 of the command line, of the monitor or of the container at random points, then: what the next command
 * finds is consistent, what it leaves is nothing, and it works. TSPOD_CRASH_SEED repeats a run.
 */
const seed = Number(process.env['TSPOD_CRASH_SEED'] || Date.now() % 1e9)
const image = 'localhost/busybox:latest'

let store: TspodStore
let registry: RegistryProcess
let folder: string
let many: string

beforeAll(async () => {
  console.log(`TSPOD_CRASH_SEED=${String(seed)}`)
  folder = await mkdtemp(join(tmpdir(), 'tspod-crash-'))
  const archive = join(folder, 'busybox.tar')
  await writeFile(archive, await busyboxLayer())
  store = await tspodStore()
  await store.ok(['import', archive, image])
  registry = await startRegistry()
  const layout: Layout = await manyLayersLayout(join(folder, 'many'), 12)
  many = await registry.push(layout, 'many')
})

afterAll(async () => {
  await registry[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

interface Scenario {
  readonly name: string
  /** Before the command that is hit. */
  readonly prepare?: (name: string) => Promise<unknown>
  readonly args: (name: string) => readonly string[]
  /** Whether a container runs on after the command. */
  readonly victims: readonly Victim[]
}

type Victim = 'command' | 'monitor' | 'container'

const sleeper = (name: string): Promise<string> =>
  store.ok(['run', '-d', '--network', 'none', '--name', name, image, 'sleep', '1000'])
const remover = (name: string): Promise<string> =>
  store.ok(['run', '-d', '--rm', '--network', 'none', '--name', name, image, 'sleep', '1000'])

const scenarios: readonly Scenario[] = [
  {
    name: 'run -d',
    args: (name) => ['run', '-d', '--network', 'none', '--name', name, image, 'sleep', '1000'],
    victims: ['command', 'monitor', 'container'],
  },
  {
    name: 'run --rm',
    args: (name) => ['run', '--rm', '--name', name, image, 'sh', '-c', 'echo x > /file; cat /file'],
    victims: ['command', 'monitor', 'container'],
  },
  {
    name: 'stop',
    prepare: sleeper,
    args: (name) => ['stop', '--time', '0', name],
    victims: ['command', 'monitor', 'container'],
  },
  {
    name: 'stop of --rm',
    prepare: remover,
    args: (name) => ['stop', '--time', '0', name],
    victims: ['command', 'monitor'],
  },
  {
    name: 'rm -f',
    prepare: sleeper,
    args: (name) => ['rm', '--force', '--time', '0', name],
    victims: ['command', 'monitor'],
  },
  {
    name: 'exec',
    prepare: sleeper,
    args: (name) => ['exec', name, 'sleep', '1000'],
    victims: ['command', 'monitor', 'container'],
  },
  { name: 'pull', args: () => ['pull', '--tls-verify=false', many], victims: ['command'] },
]

const rounds = Array.from({ length: 10 }, (_, round) => ({ round, seed: seed + round }))

test.each(rounds)('ten kills from seed $seed leave nothing behind', { timeout: 300_000 }, async (round) => {
  const random = seededRandom(round.seed)
  for (let number = 0; number < 10; number++) {
    const scenario = random.pick(scenarios)
    const victim = random.pick(scenario.victims)
    const told = await killDuring(scenario, victim, random, `c${String(round.round)}-${String(number)}`)
    await expectConsistent(told)
  }
})

/** Runs the command and kills the victim once, after a random part of the time that commands take. */
async function killDuring(scenario: Scenario, victim: Victim, random: Random, name: string): Promise<string> {
  await scenario.prepare?.(name)
  const milliseconds = random.next() ** 2 * 300
  const told = `${scenario.name}, ${victim} killed after ${milliseconds.toFixed(1)} ms`
  const child = store.start(scenario.args(name), ['ignore', 'pipe', 'pipe'])
  const finished = finish(told, child)
  await delay(milliseconds)
  if (victim === 'command') child.kill('SIGKILL')
  else for (const pid of await victims(victim)) kill(pid)
  // What goes on for long is no longer of interest.
  if (scenario.name === 'exec') child.kill('SIGKILL')
  await finished
  return told
}

async function victims(victim: 'monitor' | 'container'): Promise<number[]> {
  const states = await observedStates(store)
  const pids = states
    .map((state) => (victim === 'monitor' ? state.monitorPid : state.pid) ?? 0)
    .filter((pid) => pid > 1)
  if (pids.length > 0) return pids
  // Nothing is recorded so early: any of its processes will do.
  return (await processesOf(store)).map(({ pid }) => pid)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

async function expectConsistent(told: string): Promise<void> {
  const listed = await store.run(['ps', '--all', '--format', 'json'])
  expect(listed.status, `${told}: ${explain(listed)}`).toBe(0)
  expect(await imageFaults(store), told).toEqual([])

  const fresh = await store.run(['run', '--rm', '--network', 'none', image, 'echo', 'works'])
  expect(explain(fresh), told).toContain('stdout: works\n')

  const removed = await store.run(['rm', '--all', '--force', '--time', '0'])
  expect(removed.status, `${told}: ${explain(removed)}`).toBe(0)
  // What a killed pull has left is the next one's to use or to clear.
  if (told.startsWith('pull')) {
    await store.ok(['pull', '--quiet', '--tls-verify=false', many])
    expect(await store.ok(['run', '--rm', '--network', 'none', many, 'cat', '/top']), told).toBe('11')
    await store.ok(['rmi', many])
  }
  await expect.poll(() => leftovers(store), { message: told, timeout: 20_000, interval: 20 }).toEqual([])
}
