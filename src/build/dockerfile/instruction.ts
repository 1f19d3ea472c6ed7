import { invalid } from './error.js'
import { parseHeredocMark, withoutLeadingTabs, type HeredocMark } from './heredoc.js'
import type { Assignment, CommandForm, Heredoc, Instruction, InstructionFlag } from './syntax.js'
import { cutAtBlanks, splitAtBlanks, suggestion, trim } from './text.js'
import { parseCommand, parseJsonStrings, parseList, parseWords } from './words.js'
import { parseFlags } from './flags.js'

/** A here-document as it was read: its text has its tabs still. */
export interface RawHeredoc extends HeredocMark {
  readonly content: string
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
/** What an instruction says, apart from where it stands. */
export type Parsed = DistributiveOmit<Instruction, 'location' | 'text' | 'written'>

type Kind = Instruction['kind']
type Details<K extends Kind> = DistributiveOmit<Extract<Parsed, { kind: K }>, 'flags'>

interface Input {
  readonly kind: Kind
  readonly rest: string
  readonly escape: string
  readonly heredocs: readonly RawHeredoc[]
}

export const kinds = [
  'ADD',
  'ARG',
  'CMD',
  'COPY',
  'ENTRYPOINT',
  'ENV',
  'EXPOSE',
  'HEALTHCHECK',
  'LABEL',
  'MAINTAINER',
  'ONBUILD',
  'RUN',
  'SHELL',
  'STOPSIGNAL',
  'USER',
  'VOLUME',
  'WORKDIR',
] as const satisfies readonly Kind[]

/** An instruction other than FROM, from its one line. Throws dockerfile-invalid. */
export function parseInstruction(line: string, escape: string, heredocs: readonly RawHeredoc[]): Parsed {
  const { keyword, flags: words, rest } = parseCommand(line, escape)
  const kind = kinds.find((each) => each === keyword.toUpperCase())
  if (kind === undefined)
    throw invalid(`unknown instruction: ${shown(keyword)}${suggestion(keyword, [...kinds, 'FROM'], true)}`)
  const flags: InstructionFlag[] = parseFlags(kind, words)
  return { ...details({ kind, rest, escape, heredocs }), flags }
}

/** Whether here-documents may follow: in RUN, COPY and ADD, unless their arguments are JSON, and in triggers of these. */
export function mayHaveHeredocs(line: string, escape: string): boolean {
  const { keyword, rest } = parseCommand(line, escape)
  if (/^onbuild$/i.test(keyword)) return !/^onbuild\s/i.test(rest) && mayHaveHeredocs(rest, escape)
  return /^(?:run|copy|add)$/i.test(keyword) && parseJsonStrings(rest) === undefined
}

function details(input: Input): DistributiveOmit<Parsed, 'flags'> {
  const { kind, rest, escape } = input
  switch (kind) {
    case 'ARG':
      return { kind, args: argsOf(rest, escape) }
    case 'ENV':
    case 'LABEL':
      return pairsOf(kind, rest, escape)
    case 'COPY':
    case 'ADD':
      return copyOf(kind, input)
    case 'RUN':
      return { kind, command: commandForm(rest), heredocs: input.heredocs.map(finished) }
    case 'CMD':
    case 'ENTRYPOINT':
      return { kind, command: commandForm(rest) }
    case 'SHELL':
      return { kind, args: shellOf(rest) }
    case 'HEALTHCHECK':
      return { kind, test: healthcheckOf(rest) }
    case 'EXPOSE':
      return { kind, values: atLeastOne(kind, rest === '' ? [] : splitAtBlanks(rest)) }
    case 'VOLUME':
      return { kind, values: volumesOf(rest) }
    case 'USER':
    case 'WORKDIR':
    case 'STOPSIGNAL':
    case 'MAINTAINER':
      if (rest === '') throw invalid(`${kind} requires exactly one argument`)
      return { kind, value: rest }
    case 'ONBUILD':
      return { kind, trigger: triggerOf(rest, input.heredocs) }
  }
}

function argsOf(rest: string, escape: string): Details<'ARG'>['args'] {
  return atLeastOne('ARG', parseWords(rest, escape)).map((word) => {
    const equals = word.indexOf('=')
    if (equals === 0) throw invalid('ARG names can not be blank')
    return equals === -1
      ? { name: word, value: undefined }
      : { name: word.slice(0, equals), value: word.slice(equals + 1) }
  })
}

/** `NAME=value …`, or the old `NAME value`: which one is seen at the first word. */
function pairsOf(kind: 'ENV' | 'LABEL', rest: string, escape: string): Details<'ENV' | 'LABEL'> {
  const words = atLeastOne(kind, parseWords(rest, escape))
  if (words[0]?.includes('=') !== true) {
    const [name, value] = cutAtBlanks(rest)
    if (value === undefined) throw invalid(`${kind} must have two arguments`)
    return { kind, pairs: [{ name, value }], legacy: true }
  }
  return { kind, pairs: words.map((word) => assignment(kind, word)) }
}

function assignment(kind: string, word: string): Assignment {
  const equals = word.indexOf('=')
  if (equals === -1) throw invalid(`can't find = in "${shown(word)}": must be of the form name=value`)
  if (equals === 0) throw invalid(`${kind} names can not be blank`)
  return { name: word.slice(0, equals), value: word.slice(equals + 1) }
}

function copyOf(kind: 'COPY' | 'ADD', { rest, heredocs }: Input): Details<'COPY' | 'ADD'> {
  const { values, json } = parseList(rest)
  const destination = values.at(-1)
  if (destination === undefined || values.length < 2)
    throw invalid(
      `${kind} requires at least two arguments, but only ${values.length === 0 ? 'none' : 'one'} was provided: destination could not be determined`,
    )
  const markOf = (word: string): HeredocMark | undefined => (json ? undefined : parseHeredocMark(word))
  if (markOf(destination) !== undefined) throw invalid(`${kind} cannot accept a heredoc as a destination`)
  const sources: string[] = []
  const documents: Heredoc[] = []
  for (const source of values.slice(0, -1)) {
    const mark = markOf(source)
    if (mark === undefined) sources.push(source)
    else documents.push(fileOf(kind, mark, heredocs))
  }
  return { kind, sources, destination, heredocs: documents }
}

/** Of two here-documents with one name the last counts. */
function fileOf(kind: string, mark: HeredocMark, heredocs: readonly RawHeredoc[]): Heredoc {
  if (mark.name.includes('/') || mark.name === '.' || mark.name === '..')
    throw invalid(`${kind} cannot make a file called "${shown(mark.name)}" of a heredoc`)
  const document = heredocs.findLast((each) => each.name === mark.name)
  return finished({ ...mark, content: document?.content ?? '' })
}

function finished({ name, content, expand, chomp }: RawHeredoc): Heredoc {
  return { name, content: chomp ? withoutLeadingTabs(content) : content, expand }
}

function commandForm(rest: string): CommandForm {
  const args = parseJsonStrings(rest)
  return args === undefined ? { form: 'shell', text: rest } : { form: 'exec', args }
}

function shellOf(rest: string): readonly string[] {
  const args = parseJsonStrings(rest)
  if (args === undefined && rest !== '') throw invalid('SHELL requires the arguments to be in JSON form')
  return atLeastOne('SHELL', args ?? [])
}

function healthcheckOf(rest: string): 'NONE' | CommandForm {
  const [word, command = ''] = cutAtBlanks(rest)
  if (word === '') throw invalid('HEALTHCHECK requires at least one argument')
  const type = word.toUpperCase()
  if (type === 'NONE') {
    if (command !== '') throw invalid('HEALTHCHECK NONE takes no arguments')
    return 'NONE'
  }
  if (type !== 'CMD') throw invalid(`unknown type "${shown(word)}" in HEALTHCHECK (try CMD)`)
  const test = commandForm(command)
  if (test.form === 'exec' ? test.args.length === 0 : test.text === '')
    throw invalid('missing command after HEALTHCHECK CMD')
  return test
}

function volumesOf(rest: string): string[] {
  return atLeastOne('VOLUME', parseList(rest).values).map((value) => {
    const path = trim(value)
    if (path === '') throw invalid('VOLUME specified can not be an empty string')
    return path
  })
}

/** The instruction that is run in builds on top of the image, here-documents with it; whether it is one is seen then. */
function triggerOf(rest: string, heredocs: readonly RawHeredoc[]): string {
  if (rest === '') throw invalid('ONBUILD requires at least one argument')
  const [word] = cutAtBlanks(rest)
  const keyword = word.toUpperCase()
  if (keyword === 'ONBUILD') throw invalid(`chaining ONBUILD via "ONBUILD ONBUILD" isn't allowed`)
  if (keyword === 'MAINTAINER' || keyword === 'FROM') throw invalid(`${keyword} isn't allowed as an ONBUILD trigger`)
  return [rest, ...heredocs.map(({ content, name }) => `${content}${name}`)].join('\n')
}

function atLeastOne<T>(kind: string, values: readonly T[]): readonly T[] {
  if (values.length === 0) throw invalid(`${kind} requires at least one argument`)
  return values
}

/** A word of the file for a message. */
function shown(word: string): string {
  return word.length > 60 ? `${word.slice(0, 60)}…` : word
}
