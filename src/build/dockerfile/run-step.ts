import { parseCsvLine } from '../../base/csv.js'
import { invalid, located } from './error.js'
import { commandOf, Expansion, type Evaluation } from './evaluate.js'
import { flagValue, flagValues } from './flags.js'
import { parseHeredocMark } from './heredoc.js'
import { parseRunMount, type RunMount } from './run-mount.js'
import { environmentList, withShell, type StageState } from './stage-state.js'
import type { Heredoc, Instruction } from './syntax.js'

type RunInstruction = Extract<Instruction, { kind: 'RUN' }>

/** A RUN that is ready to be run. */
export interface RunStep {
  readonly argv: readonly string[]
  /** A file that is there for this step only, mode 0755: argv names it. */
  readonly script: { readonly path: string; readonly content: string } | undefined
  /** `NAME=value`: ENV and ARG. Without proxies and secrets. */
  readonly environment: readonly string[]
  readonly user: string | undefined
  readonly workdir: string
  readonly mounts: readonly RunMount[]
  readonly network: 'default' | 'none' | 'host'
  readonly security: 'sandbox' | 'insecure'
  readonly devices: readonly RunDevice[]
  /** `created_by` of its entry in the image's history, as BuildKit writes it, but for its mark. */
  readonly createdBy: string
}

/** `--device`: a CDI name. */
export interface RunDevice {
  readonly name: string
  readonly required: boolean
}

/** Throws dockerfile-invalid, with the place. */
export function runStep(state: StageState, instruction: RunInstruction, evaluation: Evaluation): RunStep {
  return located(evaluation.filename, instruction.location.startLine, () => {
    const { flags } = instruction
    const expansion = new Expansion(state, evaluation)
    const workdir = state.config.WorkingDir || '/'
    const command = commandLine(state, instruction)
    return {
      ...command,
      environment: environmentList(state.variables),
      user: state.config.User,
      workdir,
      mounts: flagValues(flags, 'mount').map((text) => parseRunMount(text, (word) => expansion.word(word), workdir)),
      network: oneOf('network mode', flagValue(flags, 'network'), ['default', 'none', 'host']),
      security: oneOf('security mode', flagValue(flags, 'security'), ['sandbox', 'insecure']),
      devices: flagValues(flags, 'device').map(parseDevice),
      createdBy: `RUN ${historyCommand(state, command.argv)}`,
    }
  })
}

/**
 * A single here-document is the script itself: for its own interpreter if it begins with `#!`, else for the shell. One that
 * is part of a command goes to the shell with it.
 */
function commandLine(state: StageState, { command, heredocs }: RunInstruction): Pick<RunStep, 'argv' | 'script'> {
  const [first] = heredocs
  if (command.form === 'exec' || first === undefined)
    return { argv: commandOf(state.config, command), script: undefined }
  if (parseHeredocMark(command.text) === undefined)
    return { argv: withShell(state.config, withDocuments(command.text, heredocs)), script: undefined }
  if (!first.content.startsWith('#!')) return { argv: withShell(state.config, first.content), script: undefined }
  if (/[/]|^\.{0,2}$/.test(first.name)) throw invalid(`a script can't be called "${first.name}"`)
  const path = `/dev/pipes/${first.name}`
  return { argv: [path], script: { path, content: first.content } }
}

function withDocuments(text: string, heredocs: readonly Heredoc[]): string {
  return [text, ...heredocs.map(({ content, name }) => `${content}${name}`)].join('\n')
}

/** With ARGs: `|2 A=1 B=2 /bin/sh -c make`. */
function historyCommand(state: StageState, argv: readonly string[]): string {
  const args = Array.from(state.args, ([name, value]) => `${name}=${state.variables.get(name) ?? value ?? ''}`)
  return [...(args.length === 0 ? [] : [`|${String(args.length)}`, ...args]), ...argv].join(' ')
}

function oneOf<T extends string>(what: string, text: string | undefined, values: readonly [T, ...T[]]): T {
  const value = text === undefined ? values[0] : values.find((each) => each === text)
  if (value === undefined) throw invalid(`invalid ${what} "${text ?? ''}": choose one of ${values.join(', ')}`)
  return value
}

/** `NAME[,required]`, `name=NAME,required=true`. */
function parseDevice(text: string): RunDevice {
  let name = ''
  let required = false
  for (const field of parseCsvLine(text) ?? []) {
    const [, key = '', value] = /^(name|required)(?:=(.*))?$/i.exec(field) ?? []
    if (key.toLowerCase() === 'required' && /^(?:1|t|true|0|f|false)$/i.test(value ?? 'true'))
      required = !/^(?:0|f|false)$/i.test(value ?? 'true')
    else if (name === '' && key.toLowerCase() !== 'required') name = value ?? field
    else throw invalid(`unexpected "${field}" in device "${text}"`)
  }
  if (name === '') throw invalid(`device "${text}" has no name`)
  return { name, required }
}
