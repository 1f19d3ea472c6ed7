import type { Command } from '@oclif/core'
import { takeGlobalOptions } from './argv.js'
import { nearest } from './nearest.js'
import { exitStatusOf, printError } from './exit-status.js'
import { writeOutput } from './output/write.js'
import { TspodError } from '../base/errors.js'
import type { CommandClass } from './base-command.js'

/** What the build knows about the commands, and what the launcher wants to hear. */
export interface Program {
  /** The commands' names, `image:ls`. */
  readonly commands: Readonly<Record<string, unknown>>
  readonly commandClass: (id: string) => CommandClass
  readonly aliases: Readonly<Record<string, string>>
  readonly version: string
  /** Called when the command's code has been used and before the process is gone or another program. */
  readonly done: (typed: string, unusual: boolean) => void
}

/** argv in, exit status out (as `process.exitCode`). */
export async function main(argv: readonly string[], program: Program): Promise<void> {
  try {
    process.exitCode = await runCommandLine(argv, program)
  } catch (error) {
    printError(error)
    process.exitCode = exitStatusOf(error)
  }
}

async function runCommandLine(argv: readonly string[], program: Program): Promise<number> {
  const { options, rest, help, version } = takeGlobalOptions(argv, process.env)
  if (version) {
    writeOutput(`tspod version ${program.version}\n`)
    return 0
  }
  if (help || rest.length === 0) return showHelp(rest, program)
  const found = findCommand(rest, program)
  if (found === undefined) return showTopicOrFail(rest, program)
  /* Only this, as most people ask for it: what the command does need not be loaded. */
  if (found.argv.length === 1 && found.argv[0] === '--help') {
    const status = await showHelp(found.words, program)
    program.done('help', false)
    return status
  }
  const Class = program.commandClass(found.id)
  Class.id = found.id
  const command = new Class([...found.argv], stubConfig(program.version))
  command.program = program
  command.globals = options
  command.beforeLeaving = () => program.done(found.words.join(':'), command.wasUnusual)
  const status = await command.start()
  command.beforeLeaving()
  return status === 'help' ? showHelp(found.words, program) : status
}

interface Found {
  readonly id: string
  readonly words: readonly string[]
  readonly argv: readonly string[]
}

/** The longest run of leading words that names a command: `image ls -a` is `image:ls` with `-a`. */
function findCommand(argv: readonly string[], { commands, aliases }: Program): Found | undefined {
  for (let count = Math.min(3, argv.length); count > 0; count--) {
    const words = argv.slice(0, count)
    const name = words.join(':')
    const id = Object.hasOwn(aliases, name) ? aliases[name] : name
    if (id !== undefined && Object.hasOwn(commands, id)) return { id, words, argv: argv.slice(count) }
  }
  return undefined
}

/** Commands that somebody may well look for: no other one was meant. */
const isOfOthers = /^(?:compose|context|farm|machine|plugin|secret|service|stack|swarm|auto-update)$/

/** Services of quadlets call these. */
const comesLater: Readonly<Record<string, string>> = {
  network: 'networks: without them a container has --network slirp4netns, host, none or container:NAME',
  pod: 'pods: without them containers share with --network, --ipc and --pid container:NAME',
  kube: 'pods from Kubernetes files',
}

/** `tspod image` alone is a question; `tspod imgae` is a mistake. */
function showTopicOrFail(argv: readonly string[], program: Program): Promise<number> {
  const names = [...Object.keys(program.commands), ...Object.keys(program.aliases)].filter(
    (name) => !name.startsWith('__'),
  )
  const [word = '', next] = argv
  if (word === 'help') return showHelp(argv.slice(1), program)
  const isTopic = names.some((name) => name.startsWith(`${word}:`))
  if (isTopic && (next === undefined || next === '--help' || next === '-h' || next === 'help'))
    return showHelp([word], program)
  const wrong = isTopic ? `${word} ${next}` : word
  const later = Object.hasOwn(comesLater, word) ? comesLater[word] : undefined
  if (!isTopic && later !== undefined)
    throw new TspodError('not-supported', `"tspod ${word}" comes with a later version of tspod, with ${later}`)
  if (!isTopic && isOfOthers.test(word))
    throw new TspodError('usage', `unknown command "${word}": one of Podman or Docker that tspod does not have yet`)
  const spaced = names.map((name) => name.replaceAll(':', ' '))
  const guess = isTopic
    ? guessWithin(word, next ?? '', spaced)
    : nearest(
        word,
        spaced.filter((name) => !name.includes(' ')),
      )
  const suggestion = guess === undefined ? `see 'tspod --help'` : `did you mean 'tspod ${guess}'?`
  throw new TspodError('usage', `unknown command "${wrong}"; ${suggestion}`)
}

/** The topic was typed right: only what follows it is compared. */
function guessWithin(topic: string, typed: string, names: readonly string[]): string | undefined {
  const within = names.filter((name) => name.startsWith(`${topic} `)).map((name) => name.slice(topic.length + 1))
  const guess = nearest(typed, within)
  return guess === undefined ? undefined : `${topic} ${guess}`
}

async function showHelp(words: readonly string[], program: Program): Promise<number> {
  const { showHelp } = await import('./help.js')
  return showHelp(words, program)
}

/** As much of oclif's Config as a command that we start ourselves asks for. */
function stubConfig(version: string): Command['config'] {
  const stub = {
    bin: 'tspod',
    name: 'tspod',
    version,
    topicSeparator: ':',
    userAgent: `tspod/${version}`,
    pjson: { oclif: {} },
    plugins: new Map(),
    scopedEnvVar: () => undefined,
    scopedEnvVarKey: (name: string) => `TSPOD_${name}`,
    scopedEnvVarKeys: (name: string) => [`TSPOD_${name}`],
    runHook: () => Promise.resolve({ successes: [], failures: [] }),
  }
  return stub as unknown as Command['config']
}
