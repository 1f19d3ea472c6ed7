import type { Descriptor, Digest } from '../../oci/image-spec.js'
import type { Layer } from '../../storage/layers.js'

/** Starts to unpack what comes by; undefined if it does not want to. */
type Take = (bytes: AsyncIterable<Uint8Array>) => Promise<Layer> | undefined

/**
 * A blob's bytes on their way into the store, unpacked meanwhile: each chunk is handed to who unpacks before it is passed
 * on. Ends only when the layer is unpacked and verified, so that a blob that is not what it was said to be is not kept.
 * Undefined if nobody takes them.
 */
export function unpackedOnTheWay(
  take: Take,
  open: () => AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> | undefined {
  const channel = new Channel()
  const unpacking = take(channel)
  if (unpacking === undefined) return undefined
  /* Whoever takes them may stop before the end: then nobody waits for him. */
  const settled = unpacking.then(
    () => channel.leave(),
    (error: unknown) => channel.leave(error),
  )
  return passOn(channel, open, unpacking, settled)
}

async function* passOn(
  channel: Channel,
  open: () => AsyncIterable<Uint8Array>,
  unpacking: Promise<Layer>,
  settled: Promise<void>,
): AsyncGenerator<Uint8Array> {
  let whole = false
  try {
    for await (const chunk of gathered(open())) {
      await channel.send(chunk)
      yield chunk
    }
    whole = true
  } catch (error) {
    channel.fail(error)
    throw error
  } finally {
    if (whole) channel.end()
    else channel.fail(new Error('the blob was given up'))
    await settled
  }
  await unpacking
}

/** A socket gives 64 KiB at most, and to hand each of them to a process and to a file costs more than to copy them once. */
const leastBytes = 256 * 1024

async function* gathered(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    waiting.push(chunk)
    size += chunk.length
    if (size < leastBytes) continue
    yield waiting.length === 1 ? chunk : Buffer.concat(waiting, size)
    waiting = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(waiting, size)
}

/** At most so many chunks wait for who unpacks. */
const waitingChunks = 8

/** One writer, one reader, a short queue. */
class Channel implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = []
  #state: 'open' | 'ended' | { readonly error: unknown } = 'open'
  #left: { readonly error: unknown } | undefined
  #wakeReader: (() => void) | undefined
  #wakeWriter: (() => void) | undefined

  /** Waits while the queue is full. Throws what the reader has failed with. */
  async send(chunk: Uint8Array): Promise<void> {
    while (this.#left === undefined && this.#chunks.length >= waitingChunks) {
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve
      })
    }
    if (this.#left !== undefined) {
      if (this.#left.error !== undefined) throw this.#left.error
      return
    }
    this.#chunks.push(chunk)
    this.#wakeReader?.()
  }

  end(): void {
    if (this.#state === 'open') this.#state = 'ended'
    this.#wakeReader?.()
  }

  fail(error: unknown): void {
    if (this.#state === 'open') this.#state = { error }
    this.#wakeReader?.()
  }

  /** The reader is done, well or not. */
  leave(error?: unknown): void {
    this.#left = { error }
    this.#wakeWriter?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.#wakeWriter?.()
        yield chunk
      } else if (this.#state === 'ended') return
      else if (this.#state !== 'open') throw this.#state.error
      else {
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve
        })
      }
    }
  }
}

/** The DiffID of each layer's blob. */
export function diffIdsOf(layers: readonly Descriptor[], diffIds: readonly Digest[]): ReadonlyMap<Digest, Digest> {
  return new Map(
    layers.flatMap((layer, number) => {
      const diffId = diffIds[number]
      return diffId === undefined ? [] : [[layer.digest, diffId] as const]
    }),
  )
}
