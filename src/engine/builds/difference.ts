import type { ImageConfig, ImageHistory } from '../../oci/image-spec.js'
import { canonical, type KeyPart } from '../../build/cache-key.js'
import { listArchive } from '../../image/archive/list.js'
import { imageOf } from './image.js'
import type { LayerContent } from './layer.js'
import type { VerifyResult } from './options.js'
import type { Produced } from './produce.js'

/** What one build has made, as far as another is compared with it. */
export interface BuildSnapshot {
  readonly images: readonly { readonly config: ImageConfig; readonly layers: readonly LayerContent[] }[]
}

type Difference = NonNullable<VerifyResult['difference']>

export async function snapshotOf({ session, products }: Produced): Promise<BuildSnapshot> {
  const images: BuildSnapshot['images'][number][] = []
  for (const product of products) {
    const { config } = await imageOf(session, product)
    images.push({ config, layers: await Promise.all(product.stage.root.layers.map((layer) => layer.content)) })
  }
  return { images }
}

/** The first thing in which two builds differ: a layer, an instruction's entry in the history, the configuration. */
export async function firstDifference(
  produced: Produced,
  one: BuildSnapshot,
  other: BuildSnapshot,
): Promise<Difference | undefined> {
  for (const [number, first] of one.images.entries()) {
    const second = other.images[number]
    if (second === undefined) continue
    const found =
      (await layerDifference(produced, first, second)) ??
      historyDifference(first.config.history ?? [], second.config.history ?? []) ??
      configDifference(first.config, second.config)
    if (found !== undefined) return found
  }
  return undefined
}

type Image = BuildSnapshot['images'][number]

async function layerDifference({ session }: Produced, one: Image, other: Image): Promise<Difference | undefined> {
  for (const [number, first] of one.layers.entries()) {
    const second = other.layers[number]
    if (second !== undefined && first.diffId === second.diffId) continue
    const instruction = instructionOf(one.config.history ?? [], number)
    const { store } = session
    const [before, after] = [first, second].map((layer) => (layer === undefined ? undefined : layer.blob.digest))
    if (before === undefined || after === undefined || !store.hasBlob(before) || !store.hasBlob(after))
      return { instruction, what: 'layer', detail: 'the layers are not the same' }
    const [had, has] = await Promise.all([listArchive(store.streamBlob(before)), listArchive(store.streamBlob(after))])
    return { instruction, what: 'layer', ...entryDifference(had, has) }
  }
  return undefined
}

type Entries = Awaited<ReturnType<typeof listArchive>>

function entryDifference(one: Entries, other: Entries): { readonly path?: string; readonly detail: string } {
  for (const [path, entry] of one) {
    const second = other.get(path)
    if (second === undefined) return { path, detail: 'it is only in the first build' }
    const field = Object.keys(entry).find((key) => Reflect.get(entry, key) !== Reflect.get(second, key))
    if (field !== undefined)
      return {
        path,
        detail: `${field} was ${String(Reflect.get(entry, field))}, then ${String(Reflect.get(second, field))}`,
      }
  }
  for (const path of other.keys()) if (!one.has(path)) return { path, detail: 'it is only in the second build' }
  return { detail: 'the entries are the same, but not their order' }
}

/** The instruction of a layer: of those entries that have one, the one of the same number. */
function instructionOf(history: readonly ImageHistory[], number: number): string {
  return history.filter((entry) => entry.empty_layer !== true)[number]?.created_by ?? ''
}

function historyDifference(one: readonly ImageHistory[], other: readonly ImageHistory[]): Difference | undefined {
  const length = Math.max(one.length, other.length)
  for (let number = 0; number < length; number++) {
    const [first, second] = [one[number], other[number]]
    if (text(first) === text(second)) continue
    return {
      instruction: first?.created_by ?? second?.created_by ?? '',
      what: 'history',
      detail: `${text(first)}, then ${text(second)}`,
    }
  }
  return undefined
}

function configDifference(one: ImageConfig, other: ImageConfig): Difference | undefined {
  for (const key of Object.keys(one) as (keyof ImageConfig)[]) {
    if (text(one[key]) !== text(other[key]))
      return { instruction: '', what: 'config', detail: `${key} was ${text(one[key])}, then ${text(other[key])}` }
  }
  return undefined
}

function text(value: unknown): string {
  return canonical(value as KeyPart)
}
