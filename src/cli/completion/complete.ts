import { globalFlags } from '../argv.js'
import type { CommandManifest, FlagManifest, Manifest } from '../manifest.js'

export interface Candidate {
  readonly word: string
  readonly description?: string
}

export interface Completion {
  readonly candidates: readonly Candidate[]
  /** The shell offers files as well. */
  readonly files: boolean
}

/** Names of one kind of object: `container`, `image`, `volume` … */
export type NamesOf = (kind: string) => Promise<readonly string[]>

const nothing: Completion = { candidates: [], files: false }
const files: Completion = { candidates: [], files: true }

const globals = Object.fromEntries(
  Object.entries(globalFlags).map(([name, { type, summary }]): [string, FlagManifest] => [
    name,
    { name, type, summary },
  ]),
)

/** What can stand where the last of `words` is begun; `words` are those after the program's name. */
export async function complete(words: readonly string[], manifest: Manifest, namesOf: NamesOf): Promise<Completion> {
  const start = afterGlobals(words)
  if (start >= words.length) {
    const global = globals[words.at(-2)?.slice(2) ?? '']
    return global === undefined ? files : valueOf(global, words.at(-1) ?? '', '', namesOf)
  }
  const named = findCommand(words.slice(start, -1), manifest)
  if (named === undefined) return commandsOrGlobals(words.slice(start), manifest)
  const [command, length] = named
  return withinCommand(words.slice(start + length), command, namesOf)
}

/** The index of the first word that is no global option; beyond the end if one waits for its value. */
function afterGlobals(words: readonly string[]): number {
  let index = 0
  while (index < words.length - 1 && words[index]?.startsWith('-') === true) {
    index += words[index]?.includes('=') === true || !Object.hasOwn(globals, words[index]?.slice(2) ?? '') ? 1 : 2
  }
  return index
}

function findCommand(words: readonly string[], { commands }: Manifest): readonly [CommandManifest, number] | undefined {
  for (let length = Math.min(3, words.length); length > 0; length--) {
    const id = words.slice(0, length).join(':')
    const command = Object.values(commands).find((candidate) => candidate.id === id || candidate.aliases.includes(id))
    if (command !== undefined) return [command, length]
  }
  return undefined
}

function commandsOrGlobals(words: readonly string[], manifest: Manifest): Completion {
  const current = words.at(-1) ?? ''
  if (current.startsWith('-')) return matching(flagCandidates(globals), current)
  const before = words
    .slice(0, -1)
    .map((word) => `${word}:`)
    .join('')
  const found = new Map<string, string>()
  for (const { id, aliases, hidden, summary = '' } of Object.values(manifest.commands)) {
    if (hidden === true) continue
    for (const name of [id, ...aliases].filter((candidate) => candidate.startsWith(before))) {
      const [word = '', ...more] = name.slice(before.length).split(':')
      if (more.length === 0) found.set(word, summary)
      else if (!found.has(word)) found.set(word, `Commands for ${word}s`)
    }
  }
  return matching(
    [...found].map(([word, description]) => ({ word, description })),
    current,
  )
}

async function withinCommand(
  words: readonly string[],
  command: CommandManifest,
  namesOf: NamesOf,
): Promise<Completion> {
  const flags = { ...globals, ...command.flags }
  const { pending, positionals, flagsEnded } = walk(words.slice(0, -1), flags, command.fenced === true)
  const current = words.at(-1) ?? ''
  if (pending !== undefined) return valueOf(pending, current, '', namesOf)
  if (!flagsEnded && current.startsWith('--') && current.includes('=')) {
    const equals = current.indexOf('=')
    const flag = flagByWord(current.slice(0, equals), flags)
    return flag === undefined
      ? nothing
      : valueOf(flag, current.slice(equals + 1), current.slice(0, equals + 1), namesOf)
  }
  if (!flagsEnded && current.startsWith('-')) return matching(flagCandidates(flags), current)
  const choices = Object.values(command.args ?? {})[positionals]?.options
  if (choices !== undefined)
    return matching(
      choices.map((word) => ({ word })),
      current,
    )
  const kinds = command.completes ?? []
  const kind = kinds[Math.min(positionals, kinds.length - 1)]
  if (kind === undefined || kind === 'none') return command.fenced === true && positionals > 0 ? files : nothing
  return kind === 'file'
    ? files
    : matching(
        (await namesOf(kind)).map((word) => ({ word })),
        current,
      )
}

interface Walked {
  /** A flag that waits for its value. */
  readonly pending: FlagManifest | undefined
  readonly positionals: number
  readonly flagsEnded: boolean
}

function walk(words: readonly string[], flags: Readonly<Record<string, FlagManifest>>, fenced: boolean): Walked {
  let pending: FlagManifest | undefined
  let positionals = 0
  let flagsEnded = false
  for (const word of words) {
    if (pending !== undefined) pending = undefined
    else if (!flagsEnded && word === '--') flagsEnded = true
    else if (!flagsEnded && word.startsWith('-') && word !== '-') pending = waiting(word, flags)
    else {
      positionals += 1
      flagsEnded ||= fenced
    }
  }
  return { pending, positionals, flagsEnded }
}

/** The flag of this word that takes the next word as its value. */
function waiting(word: string, flags: Readonly<Record<string, FlagManifest>>): FlagManifest | undefined {
  if (word.includes('=')) return undefined
  if (word.startsWith('--')) {
    const flag = flagByWord(word, flags)
    return flag?.type === 'option' ? flag : undefined
  }
  // A cluster: the first letter that takes a value takes the rest of the word, or the next word.
  for (const [index, letter] of [...word].entries()) {
    const flag = index === 0 ? undefined : Object.values(flags).find(({ char }) => char === letter)
    if (flag?.type === 'option') return index === word.length - 1 ? flag : undefined
  }
  return undefined
}

function flagByWord(word: string, flags: Readonly<Record<string, FlagManifest>>): FlagManifest | undefined {
  const name = word.slice(2)
  return Object.hasOwn(flags, name) ? flags[name] : Object.values(flags).find(({ aliases }) => aliases?.includes(name))
}

/** Flags whose values are names of something. */
const kindsOfFlags: Readonly<Record<string, string>> = {
  'volumes-from': 'container',
  network: 'donor',
  pid: 'donor',
  ipc: 'donor',
  uts: 'donor',
  userns: 'donor',
  volume: 'volume',
}

/** Values that are words, beside those. */
const wordsOfFlags: Readonly<Record<string, string>> = {
  'cgroup-manager': 'systemd cgroupfs disabled',
  'log-driver': 'k8s-file json-file journald none passthrough',
  'log-level': 'trace debug info warn error',
  'storage-driver': 'overlay fuse-overlayfs copy',
  signal: 'HUP INT QUIT KILL USR1 USR2 TERM CONT STOP WINCH',
  'stop-signal': 'HUP INT QUIT KILL USR1 USR2 TERM CONT STOP WINCH',
  network: 'slirp4netns host none',
  pid: 'private host',
  ipc: 'private shareable host none',
  uts: 'private host',
  userns: 'host keep-id nomap auto',
}

async function valueOf(flag: FlagManifest, current: string, prefix: string, namesOf: NamesOf): Promise<Completion> {
  const prefixed = (word: string): Candidate => ({ word: `${prefix}${word}` })
  if (flag.options !== undefined) return matching(flag.options.map(prefixed), prefix + current)
  const kind = kindsOfFlags[flag.name]
  const words = wordsOfFlags[flag.name]?.split(' ') ?? []
  if ((kind === undefined && words.length === 0) || /^[./~]/.test(current)) return files
  const names = kind === undefined ? [] : await namesOf(kind)
  return { ...matching([...words, ...names].map(prefixed), prefix + current), files: kind === 'volume' }
}

function flagCandidates(flags: Readonly<Record<string, FlagManifest>>): Candidate[] {
  return Object.values(flags)
    .filter(({ hidden }) => hidden !== true)
    .map(({ name, summary = '' }) => ({ word: `--${name}`, description: summary }))
}

function matching(candidates: readonly Candidate[], current: string): Completion {
  return { candidates: candidates.filter(({ word }) => word.startsWith(current)), files: false }
}
