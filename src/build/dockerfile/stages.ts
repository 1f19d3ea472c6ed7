import { copyFrom } from './copy-step.js'
import { invalid, invalidAt, located } from './error.js'
import { expandWord } from './expand.js'
import { flagValues } from './flags.js'
import { parseTrigger } from './parse.js'
import { mountFrom } from './run-mount.js'
import type { Dockerfile, Instruction, Stage } from './syntax.js'
import { closest, suggestion } from './text.js'
import type { Variables } from './variables.js'

/** Where files come from: what FROM, `--from` and a mount's `from` name. */
export type Origin =
  | { readonly type: 'scratch' }
  | { readonly type: 'stage'; readonly index: number }
  /** `--build-context`, by its name. */
  | { readonly type: 'context'; readonly name: string }
  | { readonly type: 'image'; readonly reference: string }

export interface PlannedStage {
  readonly stage: Stage
  /** What messages call it: its name, or `stage-N`. */
  readonly label: string
  readonly base: Origin
  /** `--platform`, expanded. */
  readonly platform: string | undefined
  /** Stages that have to be there before: its base and those it takes files from. Without those of an image's triggers. */
  readonly dependencies: ReadonlySet<number>
}

export interface StagePlan {
  readonly stages: readonly PlannedStage[]
  readonly target: number
  /** The stages that the target needs, and itself, dependencies first. */
  readonly needed: readonly number[]
}

export interface StageOptions {
  /** globalVariables() */
  readonly globals: Variables
  /** Name or number of a stage; undefined: the last one. */
  readonly target?: string | undefined
  /** The named context that stands for a stage's or an image's name, if there is one. */
  readonly context: (name: string) => string | undefined
}

/** Which stages there are and need each other. Throws dockerfile-invalid: no such target, a stage that needs itself. */
export function planStages(file: Dockerfile, options: StageOptions): StagePlan {
  const stages: PlannedStage[] = []
  for (const stage of file.stages)
    located(file.filename, stage.location.startLine, () => {
      stages.push({
        stage,
        label: stage.name ?? `stage-${String(stage.index)}`,
        base: baseOf(file, stage, options),
        platform: platformOf(file, stage, options.globals),
        dependencies: new Set(),
      })
    })
  const planned = stages.map((each) => ({ ...each, dependencies: dependenciesOf(file, each, options) }))
  refuseCycles(file, planned)
  const target = findTarget(file, options.target)
  const needed = reachable(planned, target)
  for (const index of needed) refuseLaterStages(file, planned, index, options.context)
  return { stages: planned, target, needed }
}

/**
 * What `--from` or a mount's `from` names: a stage by name or, if it is no stage's name, by number; a named context; an
 * image.
 */
export function resolveFrom(file: Dockerfile, from: string, context: StageOptions['context']): Origin {
  const index = stageIndex(file.stages, from)
  if (index !== undefined) return stageOrigin(file, index, context)
  if (/^\d+$/.test(from)) throw invalid(`invalid stage index ${from}`)
  return outsideOrigin(from, context)
}

/** The stages and other places that an instruction takes files from; also for a trigger of a base image. */
export function originsOf(file: Dockerfile, instruction: Instruction, context: StageOptions['context']): Origin[] {
  return fromNames(instruction).map((from) => resolveFrom(file, from, context))
}

function fromNames(instruction: Instruction): string[] {
  if (instruction.kind === 'COPY') return [copyFrom(instruction) ?? []].flat()
  if (instruction.kind === 'RUN')
    return flagValues(instruction.flags, 'mount').flatMap((mount) => mountFrom(mount) || [])
  return []
}

/** FROM sees the stages before it alone: `FROM golang AS golang` is an image. */
function baseOf(file: Dockerfile, stage: Stage, { globals, context }: StageOptions): Origin {
  const name = expandWord(stage.base, (variable) => globals.get(variable), { escape: file.escape })
  if (name === '') throw invalid(`base name (${stage.base}) should not be blank`)
  const index = stageIndex(file.stages, name, stage.index)
  return index === undefined ? outsideOrigin(name, context) : stageOrigin(file, index, context)
}

/** A context may stand in for a stage. */
function stageOrigin(file: Dockerfile, index: number, context: StageOptions['context']): Origin {
  const name = file.stages[index]?.name
  const standIn = name === undefined ? undefined : namedContext(name, context)
  return standIn === undefined ? { type: 'stage', index } : { type: 'context', name: standIn }
}

function outsideOrigin(name: string, context: StageOptions['context']): Origin {
  if (name.toLowerCase() === 'scratch') return { type: 'scratch' }
  const found = namedContext(name, context)
  return found === undefined ? { type: 'image', reference: name } : { type: 'context', name: found }
}

function namedContext(name: string, context: StageOptions['context']): string | undefined {
  return /^(?:scratch|context)$/i.test(name) ? undefined : context(name)
}

/** Among the first `count` stages; of those with one name the last counts. */
function stageIndex(stages: readonly Stage[], text: string, count = stages.length): number | undefined {
  const name = text.toLowerCase()
  const named = stages.findLast((stage) => stage.index < count && stage.name === name)
  if (named !== undefined) return named.index
  return /^\d{1,9}$/.test(text) && Number(text) < count ? Number(text) : undefined
}

function platformOf(file: Dockerfile, stage: Stage, globals: Variables): string | undefined {
  if (stage.platform === undefined || stage.platform === '') return undefined
  const unset = new Set<string>()
  const platform = expandWord(stage.platform, (name) => globals.get(name), { escape: file.escape, unset })
  if (platform !== '') return platform
  const guess = Array.from(unset, (name) => closest(name, Array.from(globals.keys()))).find(
    (each) => each !== undefined,
  )
  throw invalid(
    `empty platform value from expression ${stage.platform}${guess === undefined ? '' : ` (did you mean ${guess}?)`}`,
  )
}

function dependenciesOf(file: Dockerfile, planned: PlannedStage, { context }: StageOptions): Set<number> {
  const indices = new Set<number>()
  const add = (origin: Origin): void => {
    if (origin.type === 'stage') indices.add(origin.index)
  }
  add(planned.base)
  for (const instruction of planned.stage.instructions)
    located(file.filename, instruction.location.startLine, () => {
      originsOf(file, instruction, context).forEach(add)
    })
  if (planned.base.type === 'stage')
    for (const trigger of triggersOf(file, planned.base.index))
      located(file.filename, planned.stage.location.startLine, () => {
        originsOf(file, trigger, context).forEach(add)
      })
  return indices
}

function triggersOf(file: Dockerfile, index: number): Instruction[] {
  const instructions = file.stages[index]?.instructions ?? []
  return instructions.flatMap((each) => (each.kind === 'ONBUILD' ? [parseTrigger(each.trigger, file.filename)] : []))
}

function findTarget(file: Dockerfile, target: string | undefined): number {
  if (target === undefined || target === '') return file.stages.length - 1
  const index = stageIndex(file.stages, target)
  if (index !== undefined) return index
  const names = file.stages.flatMap(({ name }) => name ?? [])
  throw invalid(`${file.filename}: target stage "${target}" could not be found${suggestion(target, names)}`)
}

/** Depth first, without recursion: there may be ten thousand stages. */
function reachable(stages: readonly PlannedStage[], target: number): number[] {
  const order: number[] = []
  const seen = new Set<number>([target])
  const open: { readonly index: number; readonly rest: number[] }[] = []
  const enter = (index: number): void => {
    open.push({ index, rest: Array.from(stages[index]?.dependencies ?? []).toReversed() })
  }
  enter(target)
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const next = top.rest.pop()
    if (next === undefined) {
      order.push(top.index)
      open.pop()
    } else if (!seen.has(next)) {
      seen.add(next)
      enter(next)
    }
  }
  return order
}

/** A stage can take files only from stages that can be done before it. */
function refuseCycles(file: Dockerfile, stages: readonly PlannedStage[]): void {
  const waiting = new Map(stages.map(({ stage, dependencies }) => [stage.index, new Set(dependencies)]))
  const dependents = new Map<number, number[]>()
  for (const [index, dependencies] of waiting)
    for (const each of dependencies) {
      const others = dependents.get(each)
      if (others === undefined) dependents.set(each, [index])
      else others.push(index)
    }
  const ready = Array.from(waiting.keys()).filter((index) => waiting.get(index)?.size === 0)
  for (let index = ready.pop(); index !== undefined; index = ready.pop()) {
    waiting.delete(index)
    for (const dependent of dependents.get(index) ?? []) {
      const left = waiting.get(dependent)
      left?.delete(index)
      if (left?.size === 0) ready.push(dependent)
    }
  }
  const stage = stages.find(({ stage: { index } }) => waiting.has(index) && onCycle(waiting, index))
  if (stage !== undefined)
    throw invalidAt(
      file.filename,
      stage.stage.location.startLine,
      `circular dependency detected on stage: ${stage.label}`,
    )
}

/** Stages come in the file's order, though a later one may be no part of a circle. */
function refuseLaterStages(
  file: Dockerfile,
  stages: readonly PlannedStage[],
  index: number,
  context: StageOptions['context'],
): void {
  for (const instruction of stages[index]?.stage.instructions ?? [])
    for (const origin of originsOf(file, instruction, context))
      if (origin.type === 'stage' && origin.index > index)
        throw invalidAt(
          file.filename,
          instruction.location.startLine,
          `cannot take files from stage "${stages[origin.index]?.label ?? ''}": it needs to be defined before stage "${stages[index]?.label ?? ''}"`,
        )
}

/** Whether a stage needs itself, among those that wait. */
function onCycle(waiting: ReadonlyMap<number, ReadonlySet<number>>, start: number): boolean {
  const seen = new Set<number>()
  const open = [start]
  for (let index = open.pop(); index !== undefined; index = open.pop())
    for (const next of waiting.get(index) ?? []) {
      if (next === start) return true
      if (seen.has(next)) continue
      seen.add(next)
      open.push(next)
    }
  return false
}
