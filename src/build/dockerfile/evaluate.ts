import { parseSignal } from '../../base/signals.js'
import type { ImageRunConfig } from '../../oci/image-spec.js'
import { invalid, located } from './error.js'
import { expandWord, expandWords, type ExpandOptions, type Lookup } from './expand.js'
import { healthcheckOf } from './healthcheck.js'
import { nextWorkdir } from './paths.js'
import { parseExposedPorts } from './ports.js'
import { environmentList, environmentOf, withShell, type StageState } from './stage-state.js'
import type { Assignment, CommandForm, Instruction } from './syntax.js'
import { ownValue, type Variables } from './variables.js'

/** What an instruction is read with, beside the state of its stage. */
export interface Evaluation {
  readonly filename: string
  readonly escape: '\\' | '`'
  /** What is before the first FROM: globalVariables(). */
  readonly globals: Variables
  readonly buildArgs: Readonly<Record<string, string>>
  /** Collects names that were looked up and not set. */
  readonly unset?: Set<string>
}

/** What an instruction has made of a stage's state. */
export interface Evaluated {
  readonly state: StageState
  /** `created_by` of its entry in the image's history, as BuildKit writes it. */
  readonly createdBy: string
}

/** What is neither RUN nor COPY nor ADD. */
export type MetadataInstruction = Exclude<Instruction, { kind: 'RUN' | 'COPY' | 'ADD' }>

export function isMetadata(instruction: Instruction): instruction is MetadataInstruction {
  return !/^(?:RUN|COPY|ADD)$/.test(instruction.kind)
}

/**
 * What an instruction that makes no files does to a stage. WORKDIR's folder is made by the caller. Throws
 * dockerfile-invalid, with the place.
 */
export function applyToConfig(state: StageState, instruction: MetadataInstruction, evaluation: Evaluation): Evaluated {
  return located(evaluation.filename, instruction.location.startLine, () =>
    evaluate(state, instruction, new Expansion(state, evaluation)),
  )
}

/** Expands the words of one instruction: all of them see the values from before it. */
export class Expansion {
  readonly evaluation: Evaluation
  readonly #lookup: Lookup
  readonly #options: ExpandOptions

  constructor(state: StageState, evaluation: Evaluation) {
    this.evaluation = evaluation
    this.#lookup = (name) => state.variables.get(name)
    const { escape, unset } = evaluation
    this.#options = unset === undefined ? { escape } : { escape, unset }
  }

  word(word: string): string {
    return expandWord(word, this.#lookup, this.#options)
  }

  words(word: string): string[] {
    return expandWords(word, this.#lookup, { escape: this.evaluation.escape })
  }

  /** The text of a here-document: quotes are text, and a backslash escapes whatever the file's character is. */
  document(text: string): string {
    return expandWord(text, this.#lookup, { ...this.#options, escape: '\\', quotesAreText: true })
  }
}

function evaluate(state: StageState, instruction: MetadataInstruction, expansion: Expansion): Evaluated {
  switch (instruction.kind) {
    case 'ARG':
      return applyArg(state, instruction.args, expansion)
    case 'ENV':
      return applyEnv(state, expandPairs(instruction.pairs, expansion))
    case 'LABEL':
      return applyLabel(state, expandPairs(instruction.pairs, expansion))
    case 'EXPOSE':
      return applyExpose(state, instruction.values, expansion)
    case 'VOLUME':
      return applyVolume(state, instruction.values, expansion)
    case 'USER': {
      const user = expansion.word(instruction.value)
      return configured(state, { User: user }, `USER ${user}`)
    }
    case 'WORKDIR': {
      const folder = nextWorkdir(state.config.WorkingDir, expansion.word(instruction.value))
      return configured(state, { WorkingDir: folder }, `WORKDIR ${folder}`)
    }
    case 'STOPSIGNAL': {
      const signal = expansion.word(instruction.value)
      if (parseSignal(signal) === undefined) throw invalid(`invalid signal: ${signal}`)
      return configured(state, { StopSignal: signal }, `STOPSIGNAL ${signal}`)
    }
    case 'HEALTHCHECK': {
      const healthcheck = healthcheckOf(instruction.test, instruction.flags)
      return configured(state, { Healthcheck: healthcheck }, instruction.text)
    }
    case 'SHELL':
      return configured(state, { Shell: instruction.args }, `SHELL ${goList(instruction.args)}`)
    case 'CMD': {
      const command = commandOf(state.config, instruction.command)
      const done = configured(state, { Cmd: command }, `CMD ${goQuotedList(command)}`)
      return { ...done, state: { ...done.state, commandIsSet: true } }
    }
    case 'ENTRYPOINT':
      return applyEntrypoint(state, instruction.command)
    case 'ONBUILD':
      return configured(
        state,
        { OnBuild: [...(state.config.OnBuild ?? []), instruction.trigger] },
        `ONBUILD ${instruction.trigger}`,
      )
    case 'MAINTAINER':
      return { state: { ...state, author: instruction.value }, createdBy: `MAINTAINER ${instruction.value}` }
  }
}

function configured(state: StageState, change: ImageRunConfig, createdBy: string): Evaluated {
  return { state: { ...state, config: { ...state.config, ...change } }, createdBy }
}

/** The value is the build argument, else the default, else what stands before the first FROM. */
function applyArg(
  state: StageState,
  args: Extract<Instruction, { kind: 'ARG' }>['args'],
  expansion: Expansion,
): Evaluated {
  const { buildArgs, globals } = expansion.evaluation
  const variables = new Map(state.variables)
  const declared = new Map(state.args)
  const texts: string[] = []
  for (const { name, value: written } of args) {
    const lookup = new Expansion({ ...state, variables }, expansion.evaluation)
    const value = ownValue(buildArgs, name) ?? (written === undefined ? globals.get(name) : lookup.word(written))
    declared.set(name, value)
    if (value !== undefined && !notInEnvironment.has(name)) variables.set(name, value)
    texts.push(value === undefined ? name : `${name}=${value}`)
  }
  return { state: { ...state, variables, args: declared }, createdBy: `ARG ${texts.join(' ')}` }
}

/** Arguments that tell the builder something, and no command. */
const notInEnvironment = new Set(['BUILDKIT_SBOM_SCAN_CONTEXT', 'BUILDKIT_SBOM_SCAN_STAGE'])

function applyEnv(state: StageState, pairs: readonly Assignment[]): Evaluated {
  const variables = new Map(state.variables)
  const env = environmentOf(state.config.Env ?? [])
  for (const { name, value } of pairs) {
    variables.set(name, value)
    env.set(name, value)
  }
  const done = configured(state, { Env: environmentList(env) }, written('ENV', pairs))
  return { ...done, state: { ...done.state, variables } }
}

function applyLabel(state: StageState, pairs: readonly Assignment[]): Evaluated {
  const labels = Object.fromEntries(pairs.map(({ name, value }) => [name, value]))
  return configured(state, { Labels: { ...state.config.Labels, ...labels } }, written('LABEL', pairs))
}

function applyExpose(state: StageState, values: readonly string[], expansion: Expansion): Evaluated {
  const ports = parseExposedPorts(values.flatMap((value) => expansion.words(value))).flatMap((each) => each.ports)
  const all = { ...state.config.ExposedPorts, ...emptyObjects(ports) }
  return configured(state, { ExposedPorts: all }, `EXPOSE ${goList(ports)}`)
}

function applyVolume(state: StageState, values: readonly string[], expansion: Expansion): Evaluated {
  const volumes = values.map((value) => expansion.word(value))
  if (volumes.includes('')) throw invalid('VOLUME specified can not be an empty string')
  const all = { ...state.config.Volumes, ...emptyObjects(volumes) }
  return configured(state, { Volumes: all }, `VOLUME ${goList(volumes)}`)
}

/** A command that the base image has is for its own entry point. */
function applyEntrypoint(state: StageState, form: CommandForm): Evaluated {
  const command = commandOf(state.config, form)
  const { Cmd: inherited, Entrypoint: _, ...rest } = state.config
  const config: ImageRunConfig = {
    ...rest,
    ...(command.length === 0 ? {} : { Entrypoint: command }),
    ...(state.commandIsSet && inherited !== undefined ? { Cmd: inherited } : {}),
  }
  return { state: { ...state, config }, createdBy: `ENTRYPOINT ${goQuotedList(command)}` }
}

export function commandOf(config: ImageRunConfig, form: CommandForm): readonly string[] {
  return form.form === 'exec' ? form.args : withShell(config, form.text)
}

function expandPairs(pairs: readonly Assignment[], expansion: Expansion): Assignment[] {
  return pairs.map(({ name: writtenName, value }) => {
    const name = expansion.word(writtenName)
    if (name === '') throw invalid(`the name "${writtenName}" is blank once expanded`)
    return { name, value: expansion.word(value) }
  })
}

function emptyObjects(names: readonly string[]): Record<string, object> {
  return Object.fromEntries(names.map((name) => [name, {}]))
}

function written(kind: string, pairs: readonly Assignment[]): string {
  return [kind, ...pairs.map(({ name, value }) => `${name}=${value}`)].join(' ')
}

/** A list as Go prints it by default. */
function goList(values: readonly string[]): string {
  return `[${values.join(' ')}]`
}

function goQuotedList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`
}
