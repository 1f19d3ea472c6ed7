import {
  applyToConfig,
  copyStep,
  parseTrigger,
  resolveFrom,
  runStep,
  startFromImage,
  startFromStage,
  type Dockerfile,
  type Evaluation,
  type Instruction,
  type MetadataInstruction,
  type PlannedStage,
  type StageStart,
  type StageState,
} from '../../build/dockerfile/index.js'
import { environmentList, withEnvironment } from '../../build/dockerfile/stage-state.js'
import type { ContextTools } from '../../build/context/index.js'
import type { ImageHistory, Platform } from '../../oci/image-spec.js'
import type { BaseImage } from './base-image.js'
import { copyFiles, makeWorkdir } from './copy-files.js'
import { failureAt } from './failure.js'
import type { Mounts } from './mounts.js'
import type { Root } from './root.js'
import { runFiles } from './run-files.js'
import type { Session } from './session.js'
import type { Source, Sources } from './sources.js'
import type { StageContext } from './stage-context.js'
import type { FileStep, Stepper } from './stepper.js'
import { later } from './times.js'

/** A stage as its last instruction has left it. */
export interface BuiltStage {
  readonly root: Root
  readonly state: StageState
  readonly history: readonly ImageHistory[]
  /** Of the newest of its steps, RFC 3339. */
  readonly created: string
  readonly platform: Platform
  /** The image that it goes back to, if it does not begin from scratch. */
  readonly base: BaseImage | undefined
  /** How many of the layers are that image's. */
  readonly baseLayers: number
}

/** What the stages of one platform have in common. */
export interface StageTools {
  readonly session: Session
  readonly file: Dockerfile
  readonly evaluation: Evaluation
  readonly stepper: Stepper
  readonly sources: Sources
  readonly mounts: Mounts
  readonly tools: ContextTools
  /** Where nothing older is known: the Dockerfile's own time. */
  readonly modified: string
  readonly targetPlatform: Platform
  /** What progress puts before a stage's name. */
  readonly prefix: string
  /** Another stage, which is built if it has not been. */
  readonly stageOf: (index: number) => Promise<BuiltStage>
}

/** Builds one stage, from its base to its last instruction. `archive`: an image will have its layers. */
export async function buildStage(tools: StageTools, planned: PlannedStage, archive: boolean): Promise<BuiltStage> {
  const { session, file } = tools
  const { stage } = planned
  const platform = await platformOf(tools, planned)
  let total = countSteps(stage.instructions) + 1
  const named = file.stages.length > 1 || stage.name !== undefined
  const label = `${tools.prefix}${named ? `${planned.label} ` : ''}`
  const title = (number: number, text: string): string => `[${label}${String(number)}/${String(total)}] ${text}`
  const begun = await failureAt(file, stage, () => begin(tools, planned, platform, title(1, stage.text)))
  const triggers = begun.start.triggers.map((text) => parseTrigger(text, `ONBUILD of ${planned.label}'s base`))
  total += countSteps(triggers)
  const { options } = session
  const noCache =
    options.noCache === true || (options.noCacheFilter ?? []).some((name) => name.toLowerCase() === stage.name)
  const builder = new StageBuilder(tools, begun, { archive, noCache, title, platform: begun.platform })
  if (options.env !== undefined) builder.setEnvironment(options.env)
  for (const trigger of triggers)
    await failureAt(file, { ...trigger, location: stage.location }, () => builder.apply(trigger))
  for (const instruction of stage.instructions) await failureAt(file, instruction, () => builder.apply(instruction))
  return builder.result()
}

interface Begun {
  readonly start: StageStart
  readonly root: Root
  readonly history: readonly ImageHistory[]
  readonly created: string
  readonly platform: Platform
  readonly base: BaseImage | undefined
  readonly baseLayers: number
}

async function begin(
  { session, sources, stageOf, modified }: StageTools,
  planned: PlannedStage,
  platform: Platform,
  name: string,
): Promise<Begun> {
  const rootOf = async (index: number): Promise<Root> => (await stageOf(index)).root
  if (planned.base.type === 'stage') {
    const { state, root, ...other } = await stageOf(planned.base.index)
    return { ...other, root, start: startFromStage(state) }
  }
  return session.report.step(
    name,
    async (step) => {
      const source = await sources.get(planned.base, platform, rootOf)
      if (source.kind === 'folder') return emptyBase(platform, modified, await rootOfFolder(session, source))
      const { root, image } = source
      if (image === undefined) return emptyBase(platform, modified, root)
      step.cached()
      return {
        root,
        start: startFromImage(image.config, image.author),
        history: image.history,
        created: later(image.created, modified),
        platform: image.platform,
        base: image,
        baseLayers: root.layers.length,
      }
    },
    planned.stage.location.startLine,
  )
}

function emptyBase(platform: Platform, created: string, root: Root): Begun {
  return { root, start: startFromImage(), history: [], created, platform, base: undefined, baseLayers: 0 }
}

/** FROM a named context that is a folder: its files are the stage's. */
async function rootOfFolder(session: Session, source: Extract<Source, { kind: 'folder' }>): Promise<Root> {
  const { makeLayer } = await import('./fresh-layer.js')
  const { copyTree } = await import('../../storage/copy-tree.js')
  const { knownRoot } = await import('./root.js')
  const { folder, ignore } = source
  const bottom = (): string => session.workspace.empty
  const layer = await makeLayer(session, [], { archive: true, bottom }, async ({ rootfs }) => {
    const { plan, signal } = session
    await copyTree({ rootfs }, { folder, ignore }, { sources: ['.'] }, { path: '/' }, { plan, signal })
  })
  return knownRoot([layer], [(await layer.content).diffId])
}

async function platformOf({ targetPlatform }: StageTools, { platform }: PlannedStage): Promise<Platform> {
  if (platform === undefined) return targetPlatform
  const { completePlatform, parsePlatform } = await import('../../image/platform.js')
  return completePlatform(parsePlatform(platform))
}

interface StageSettings {
  readonly archive: boolean
  readonly noCache: boolean
  readonly title: (number: number, text: string) => string
  readonly platform: Platform
}

/** Applies one instruction after the other. */
class StageBuilder {
  readonly #tools: StageTools
  readonly #settings: StageSettings
  readonly #begun: Begun
  #root: Root
  #state: StageState
  #created: string
  #number = 1
  readonly #history: ImageHistory[] = []

  constructor(tools: StageTools, begun: Begun, settings: StageSettings) {
    this.#tools = tools
    this.#settings = settings
    this.#begun = begun
    this.#root = begun.root
    this.#state = begun.start.state
    this.#created = begun.created
  }

  /** `--env`: as an ENV right below FROM. */
  setEnvironment(env: Readonly<Record<string, string>>): void {
    this.#state = withEnvironment(this.#state, env)
    this.#remember(`ENV ${environmentList(new Map(Object.entries(env))).join(' ')}`, true)
  }

  async apply(instruction: Instruction): Promise<void> {
    const { evaluation, tools } = this.#tools
    if (instruction.kind === 'RUN') {
      const step = runStep(this.#state, instruction, evaluation)
      await this.#perform(await runFiles(this.#context(instruction), step), step.createdBy)
    } else if (instruction.kind === 'COPY' || instruction.kind === 'ADD') {
      const step = copyStep(this.#state, instruction, evaluation)
      await this.#perform(await copyFiles(this.#context(instruction), step, tools), step.createdBy)
    } else if (isMetadata(instruction)) {
      const { state, createdBy } = applyToConfig(this.#state, instruction, evaluation)
      this.#state = state
      const folder = state.config.WorkingDir ?? '/'
      if (instruction.kind === 'WORKDIR' && folder !== '/')
        await this.#perform(makeWorkdir(this.#context(instruction), folder), createdBy)
      else this.#remember(createdBy, true)
    }
  }

  result(): BuiltStage {
    const { base, baseLayers, history } = this.#begun
    return {
      root: this.#root,
      state: this.#state,
      history: [...history, ...this.#history],
      created: this.#created,
      platform: this.#settings.platform,
      base,
      baseLayers,
    }
  }

  async #perform(step: FileStep, createdBy: string): Promise<void> {
    const { root, layer, created } = await this.#tools.stepper.perform(this.#root, step)
    this.#root = root
    /* What is copied is as old as it was; what a command has made is of now. */
    if (step.kind === 'RUN') this.#created = later(this.#created, created)
    this.#remember(createdBy, layer === undefined)
  }

  #remember(createdBy: string, isEmpty: boolean): void {
    const { author } = this.#state
    this.#history.push({
      created: this.#created,
      created_by: createdBy,
      ...(author === undefined ? {} : { author }),
      ...(isEmpty ? { empty_layer: true } : {}),
    })
  }

  #context(instruction: Instruction): StageContext {
    const { session, evaluation, sources, mounts, file, stageOf } = this.#tools
    const { platform, archive, noCache, title } = this.#settings
    return {
      session,
      root: this.#root,
      state: this.#state,
      evaluation,
      platform,
      archive,
      noCache,
      name: title(++this.#number, instruction.text),
      line: instruction.location.startLine,
      sourceOf: (from) => {
        const origin = from === undefined ? undefined : resolveFrom(file, from, sources.contextName)
        return sources.get(origin, this.#tools.targetPlatform, async (index) => (await stageOf(index)).root)
      },
      mounts,
    }
  }
}

function isMetadata(instruction: Instruction): instruction is MetadataInstruction {
  return !['RUN', 'COPY', 'ADD'].includes(instruction.kind)
}

function countSteps(instructions: readonly Instruction[]): number {
  return instructions.filter(({ kind }) => kind === 'RUN' || kind === 'COPY' || kind === 'ADD' || kind === 'WORKDIR')
    .length
}
