import { stepKey, type KeyPart } from '../../build/cache-key.js'
import type { StepRecord } from '../../build/cache-record.js'
import type { Digest } from '../../oci/image-spec.js'
import { isFresh, type FreshLayer, type StageLayer } from './layer.js'
import { publishLayers } from './fresh-layer.js'
import { contentKey, diffIdsOf, knownRoot, type Root } from './root.js'
import type { ReportedStep } from './report.js'
import type { Session } from './session.js'
import { isLayerHere, storedLayer } from './stored-layer.js'

/** A step that may change files: what it depends on, and how it is done. */
export interface FileStep {
  readonly name: string
  readonly line: number
  readonly kind: 'RUN' | 'COPY' | 'ADD' | 'WORKDIR'
  /** Everything that the result depends on beside the root beneath. Undefined where only doing it tells. */
  readonly parts: KeyPart
  /** Not looked for in the cache. */
  readonly always: boolean
  /** The layer does not depend on what is beneath (`--link`). */
  readonly detached?: boolean
  /** Undefined: nothing has changed, and there is no layer. */
  make(step: ReportedStep): Promise<StageLayer | undefined>
  /** Whether what was made is of these parts: a context may change while it is copied. If not, the cache has no use for it. */
  holds?(): boolean
  /** Lets go of what was fetched for it, made or not. */
  close?(): Promise<void>
}

export interface StepResult {
  readonly root: Root
  readonly layer: StageLayer | undefined
  /** When it was run, RFC 3339. */
  readonly created: string
  readonly cached: boolean
}

interface Outcome {
  readonly layer: StageLayer | undefined
  readonly created: string
  readonly cached: boolean
}

/** What a remote cache has: asked when this machine's own has nothing. */
export interface RemoteSteps {
  /** The record of a key, and how its blob is fetched. */
  find(key: string): Promise<{ readonly record: StepRecord; readonly fetch: () => Promise<void> } | undefined>
}

/** Finds steps in the cache, or has them done; equal steps of one build are done once. */
export class Stepper {
  readonly #session: Session
  readonly #remote: RemoteSteps
  readonly #flights = new Map<string, Promise<Outcome>>()
  readonly #made: { readonly parent: Root; readonly step: FileStep; readonly outcome: Outcome }[] = []
  /** Those of this machine's cache, and those of caches elsewhere. */
  readonly #found: StepRecord[] = []
  readonly #fetched: StepRecord[] = []
  readonly #records: StepRecord[] = []
  count = { total: 0, cached: 0 }

  constructor(session: Session, remote: RemoteSteps) {
    this.#session = session
    this.#remote = remote
  }

  async perform(root: Root, step: FileStep): Promise<StepResult> {
    const flightKey = stepKey(step.kind, step.detached === true ? '' : root.key, step.parts)
    const known = this.#flights.get(flightKey)
    const flight = known ?? this.#start(root, step)
    this.#flights.set(flightKey, flight)
    const outcome = await flight.finally(() => step.close?.())
    this.count.total++
    if (outcome.cached || known !== undefined) this.count.cached++
    return { ...outcome, root: await this.#follow(root, outcome.layer, flightKey) }
  }

  /** The layers and records of the steps that were done, for builds to come. To be called when no step runs any more. */
  async publish(): Promise<void> {
    const whole = (
      await Promise.all(this.#made.map((made) => isWhole(made.outcome.layer).then((is) => ({ made, is }))))
    )
      .filter(({ is }) => is)
      .map(({ made }) => made)
    await publishLayers(this.#session, [...new Set(whole.flatMap(({ outcome: { layer } }) => freshOf(layer)))])
    for (const { parent, step, outcome } of whole) {
      if (step.holds?.() === false) continue
      /* Without its parent's content there is no name for it: the build was broken off. */
      await this.#record(parent, step, outcome).catch(() => undefined)
    }
    const now = this.#session.context.clock().toISOString()
    const found = this.#found.splice(0)
    this.#session.steps.used(
      found.map(({ key }) => key),
      now,
    )
    for (const record of found) this.#records.push({ ...record, lastUsed: now, uses: record.uses + 1 })
    for (const record of this.#fetched.splice(0)) this.#keep({ ...record, lastUsed: now, uses: record.uses + 1 })
    this.#made.length = 0
  }

  /** What this build has found or done, once it is published. */
  get records(): readonly StepRecord[] {
    return this.#records
  }

  #keep(record: StepRecord): void {
    this.#session.steps.save(record)
    this.#records.push(record)
  }

  #start(root: Root, step: FileStep): Promise<Outcome> {
    const { report, gate, context } = this.#session
    return report.step(
      step.name,
      async (reported) => {
        const found = await this.#find(root, step)
        if (found !== undefined) {
          reported.cached()
          return found
        }
        const layer = await gate.pass(() => step.make(reported))
        const outcome: Outcome = { layer, created: context.clock().toISOString(), cached: false }
        this.#made.push({ parent: root, step, outcome })
        return outcome
      },
      step.line,
    )
  }

  /** Only on a root that is known: while its topmost layer is being packed nothing that was done on the same is there. */
  async #find(root: Root, step: FileStep): Promise<Outcome | undefined> {
    if (step.always || !(root.isKnown || step.detached === true)) return undefined
    const { steps, options, context } = this.#session
    const key = await this.#keyOf(root, step)
    const isYoung = ({ created }: StepRecord): boolean =>
      options.cacheTtlSeconds === undefined ||
      context.clock().getTime() - Date.parse(created) < options.cacheTtlSeconds * 1000
    const record = steps.get(key)
    if (record !== undefined && isYoung(record) && this.#isUsable(record)) {
      this.#found.push(record)
      return this.#outcomeOf(record)
    }
    const remote = await this.#remote.find(key)
    if (remote === undefined || !isYoung(remote.record)) return undefined
    this.#fetched.push(remote.record)
    return this.#outcomeOf(remote.record, remote.fetch)
  }

  #isUsable({ layer }: StepRecord): boolean {
    return layer === undefined || isLayerHere(this.#session, layer)
  }

  #outcomeOf({ layer, created }: StepRecord, fetch?: () => Promise<void>): Outcome {
    const stored = layer === undefined ? undefined : storedLayer(this.#session, layer, fetch)
    return { layer: stored, created, cached: true }
  }

  async #keyOf(root: Root, step: FileStep): Promise<string> {
    return stepKey(step.kind, step.detached === true ? '' : await contentKey(root), step.parts)
  }

  async #record(parent: Root, step: FileStep, { layer, created }: Outcome): Promise<void> {
    const content = layer === undefined ? undefined : await layer.content
    const now = this.#session.context.clock().toISOString()
    this.#keep({
      version: 1,
      key: await this.#keyOf(parent, step),
      layer: content,
      description: step.name,
      created,
      lastUsed: now,
      uses: 0,
    })
  }

  /** The root with one layer more. */
  async #follow(root: Root, layer: StageLayer | undefined, flightKey: string): Promise<Root> {
    if (layer === undefined) return root
    const layers = [...root.layers, layer]
    if (isFresh(layer) || !root.isKnown) return { layers, key: flightKey, isKnown: false }
    const diffIds: readonly Digest[] = await diffIdsOf({ layers })
    return knownRoot(layers, diffIds)
  }
}

function freshOf(layer: StageLayer | undefined): FreshLayer[] {
  return layer !== undefined && isFresh(layer) ? [layer] : []
}

/** Whether its archive was made; it was not if the build was broken off. */
async function isWhole(layer: StageLayer | undefined): Promise<boolean> {
  if (layer === undefined) return true
  return layer.content.then(
    () => true,
    () => false,
  )
}
