import { availableParallelism } from 'node:os'
import { hostMapping } from '../../../rootless/ladder.js'
import type { ContextTools, OpenAgents } from '../../build/context/index.js'
import { globalVariables, planStages, type StagePlan } from '../../build/dockerfile/index.js'
import { completePlatform, formatPlatform } from '../../image/platform.js'
import type { Platform } from '../../oci/image-spec.js'
import { ImageStore } from '../../storage/images.js'
import type { Context } from '../context.js'
import { storageDriver } from '../containers/rootfs.js'
import { BaseImages, type BaseImage } from './base-image.js'
import { contextTools } from './context-tools.js'
import { Digests } from './digests.js'
import { Gate } from './gate.js'
import { openInput, type BuildInput } from './input.js'
import { Mounts } from './mounts.js'
import type { BuildOptions } from './options.js'
import { BuildReport } from './report.js'
import type { Session } from './session.js'
import { Sources } from './sources.js'
import { buildStage, type BuiltStage, type StageTools } from './stage.js'
import { StepStore } from './step-store.js'
import { Stepper, type RemoteSteps } from './stepper.js'
import { packTimes } from './times.js'
import { openWorkspace, sweepBuilds } from './workspace.js'

/** What a build has made for one platform. */
export interface Product {
  readonly platform: Platform
  readonly stage: BuiltStage
  readonly steps: { readonly total: number; readonly cached: number }
}

export interface Produced {
  readonly session: Session
  readonly unpack: ContextTools['unpack']
  readonly input: BuildInput
  readonly products: readonly Product[]
  /** Every image that was used, also to copy from. */
  readonly images: readonly BaseImage[]
  readonly began: Date
  /** What the steps were found by, for caches elsewhere. */
  readonly stepper: Stepper
}

/**
 * Builds the target's files for every platform, and hands them to `use` while nothing can be collected. Whatever steps
 * were done, also before a failure, are in the cache afterwards.
 */
export async function produce<T>(
  context: Context,
  options: BuildOptions,
  use: (produced: Produced) => Promise<T>,
): Promise<T> {
  const began = context.clock()
  await sweepBuilds(context)
  const store = new ImageStore(context.paths)
  store.sweep()
  using _lease = await store.lease()
  const workspace = openWorkspace(context)
  using tools = contextTools(context)
  const failed = new AbortController()
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal])
  const closers: (() => Promise<void>)[] = [() => workspace.close()]
  try {
    const { plan } = await hostMapping()
    const session: Session = {
      context,
      options,
      store,
      workspace,
      driver: await storageDriver(context),
      plan,
      times: packTimes(options),
      steps: new StepStore(context.paths),
      digests: new Digests(plan, signal),
      report: new BuildReport(options.onEvent),
      drafts: new Set(),
      gate: new Gate(jobsOf(options)),
      signal,
    }
    closers.push(() => {
      for (const draft of session.drafts) draft.release({ unlink: true })
      return Promise.resolve()
    })
    const input = await openInput(options, tools)
    closers.push(() => input.close())
    const agents = await agentsOf(options, tools)
    closers.push(() => agents.close())
    const mounts = new Mounts(session, await secretsOf(options, context), agents)
    const images = new BaseImages(session)
    const remote = await remoteOf(session)
    closers.push(() => remote.close())
    const stepper = new Stepper(session, remote)
    const sources = new Sources(session, input, images, tools)
    closers.push(() => sources.close())
    const shared = { session, file: input.file, stepper, sources, mounts, tools, modified: modifiedOf(input) }
    const products = await untilOneFails(
      platformsOf(options).map((platform, _, all) => productOf(shared, platform, all.length > 1)),
      failed,
    ).finally(() => stepper.publish())
    return await use({ session, unpack: tools.unpack, input, products, images: await images.all(), began, stepper })
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

async function agentsOf({ ssh = [] }: BuildOptions, tools: ContextTools): Promise<OpenAgents> {
  if (ssh.length === 0) return { sockets: new Map(), close: () => Promise.resolve() }
  const { openAgents } = await import('../../build/context/ssh.js')
  return openAgents(ssh, tools)
}

async function secretsOf({ secrets = [] }: BuildOptions, { env }: Context): Promise<ReadonlyMap<string, Buffer>> {
  if (secrets.length === 0) return new Map()
  const { openSecrets } = await import('../../build/context/secret.js')
  return openSecrets(secrets, env)
}

async function remoteOf(session: Session): Promise<RemoteSteps & { close(): Promise<void> }> {
  if ((session.options.cacheFrom ?? []).length === 0)
    return { find: () => Promise.resolve(undefined), close: () => Promise.resolve() }
  const { RemoteCache } = await import('./remote-cache.js')
  return new RemoteCache(session)
}

type Shared = Pick<StageTools, 'session' | 'file' | 'stepper' | 'sources' | 'mounts' | 'tools' | 'modified'>

async function productOf(shared: Shared, platform: Platform, several: boolean): Promise<Product> {
  const { session, file, sources, stepper } = shared
  const { options } = session
  const { target, skipUnusedStages } = options
  const buildArgs = argsOf(options)
  const globals = globalVariables(file, {
    buildArgs,
    buildPlatform: completePlatform(),
    targetPlatform: platform,
    target,
  })
  const plan = planStages(file, { globals, target, context: sources.contextName })
  const begun = new Map<number, Promise<BuiltStage>>()
  const archives = new Set<number>()
  for (let index = plan.target; ;) {
    archives.add(index)
    const base = plan.stages[index]?.base
    if (base?.type !== 'stage') break
    ;({ index } = base)
  }
  const tools: StageTools = {
    ...shared,
    evaluation: { filename: file.filename, escape: file.escape, globals, buildArgs },
    targetPlatform: platform,
    prefix: several ? `${formatPlatform(platform)} ` : '',
    stageOf(index) {
      const known = begun.get(index)
      if (known !== undefined) return known
      const planned = plan.stages[index]
      if (planned === undefined) throw new RangeError(`there is no stage ${String(index)}`)
      const stage = buildStage(tools, planned, archives.has(index))
      begun.set(index, stage)
      /* Whoever waits for it hears of its failure; the first failure ends the build. */
      stage.catch(() => undefined)
      return stage
    },
  }
  beginDigests(tools, plan)
  const wanted = skipUnusedStages === false ? plan.stages.map(({ stage }) => stage.index) : plan.needed
  await Promise.all(wanted.map((index) => tools.stageOf(index)))
  return { platform, stage: await tools.stageOf(plan.target), steps: { ...stepper.count } }
}

/** What is copied from the context is looked at while images are looked for and commands run. */
function beginDigests({ session, sources, evaluation }: StageTools, { stages, needed }: StagePlan): void {
  const context = sources.context
  if (context === undefined) return
  for (const index of needed)
    for (const instruction of stages[index]?.stage.instructions ?? [])
      session.digests.begin(context, instruction, evaluation)
}

/** The first failure ends what else is running; it is thrown when all of it has ended. */
async function untilOneFails<T>(work: readonly Promise<T>[], abort: AbortController): Promise<T[]> {
  for (const one of work) one.catch((error: unknown) => abort.abort(error))
  const settled = await Promise.allSettled(work)
  if (abort.signal.aborted) throw abort.signal.reason
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
}

function platformsOf({ platforms = [] }: BuildOptions): Platform[] {
  return platforms.length === 0 ? [completePlatform()] : platforms.map((platform) => completePlatform(platform))
}

/** Many a step waits for the network and not for a processor. */
const usualJobs = 4

function jobsOf({ jobs }: BuildOptions): number {
  if (jobs === 0) return Number.MAX_SAFE_INTEGER
  return Math.max(1, jobs ?? Math.max(usualJobs, availableParallelism()))
}

/** `SOURCE_DATE_EPOCH` is an argument that every build has. */
function argsOf({ buildArgs = {}, sourceDateEpoch }: BuildOptions): Readonly<Record<string, string>> {
  return sourceDateEpoch === undefined ? buildArgs : { SOURCE_DATE_EPOCH: String(sourceDateEpoch), ...buildArgs }
}

function modifiedOf({ modified }: BuildInput): string {
  return modified ?? new Date(0).toISOString()
}
