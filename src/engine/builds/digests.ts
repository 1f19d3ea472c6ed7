import { availableParallelism } from 'node:os'
import { copyStep, startFromImage, type Evaluation, type Instruction } from '../../build/dockerfile/index.js'
import { classifySource } from '../../build/context/index.js'
import type { Digest } from '../../oci/image-spec.js'
import type { UsernsPlan } from '../../runtime/protocol.js'
import { digestTree, type CopySelection } from '../../storage/copy-tree.js'
import { Gate } from './gate.js'
import type { Source } from './sources.js'

export type FolderSource = Extract<Source, { kind: 'folder' }>

/** Digests of what is copied from folders, each taken once; side by side, and before they are asked for where they can. */
export class Digests {
  readonly #plan: UsernsPlan
  readonly #signal: AbortSignal
  readonly #gate = new Gate(availableParallelism())
  readonly #known = new Map<string, Promise<Digest>>()

  constructor(plan: UsernsPlan, signal: AbortSignal) {
    this.#plan = plan
    this.#signal = signal
  }

  of(source: FolderSource, selection: CopySelection): Promise<Digest> {
    const { folder, ignore, cacheFile } = source
    const { sources, exclude = [], parents = false } = selection
    const key = JSON.stringify([folder, sources, exclude, parents])
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const options = { plan: this.#plan, signal: this.#signal, ...(cacheFile === undefined ? {} : { cacheFile }) }
    const taken = this.#gate.pass(async () => (await digestTree({ folder, ignore }, selection, options)).digest)
    this.#known.set(key, taken)
    /* Whoever asks for it hears of it; it may be that nobody does. */
    taken.catch(() => undefined)
    return taken
  }

  /** Begins with what an instruction copies from the context, if that can be told before its stage is there. */
  begin(source: FolderSource, instruction: Instruction, evaluation: Evaluation): void {
    if ((instruction.kind !== 'COPY' && instruction.kind !== 'ADD') || /[$]/.test(instruction.text)) return
    const step = copyStep(startFromImage().state, instruction, evaluation)
    if (step.from !== undefined || step.sources.length === 0) return
    if (step.kind === 'ADD' && step.sources.some((text) => classifySource(text).kind !== 'path')) return
    void this.of(source, { sources: step.sources, exclude: step.exclude, parents: step.parents })
  }
}
