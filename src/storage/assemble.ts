import type { Readable } from 'node:stream'
import type { UsernsPlan } from '../runtime/protocol.js'
import { runInside } from './inside.js'

/** A piece of an archive: bytes as they are, or the content of a file of a tree. */
export type ArchiveRecord =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly path: Uint8Array; readonly size: number }

/** native/inside-assemble.c takes at most 16 MiB. */
const longestRecord = 8 * 1024 * 1024
const batchSize = 256 * 1024

/**
 * The archive that these pieces make, with the files of `root`, which are read as root of the user namespace: they belong
 * to its users. Without a plan as the caller.
 */
export async function* assembled(
  records: AsyncIterable<ArchiveRecord>,
  root: string,
  plan: UsernsPlan | undefined,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const stdout = deferred<Readable>()
  const read = deferred<void>()
  const run = runInside('assemble', plan, ['--root', root, ...(plan === undefined ? ['--no-userns'] : [])], {
    input: encoded(records),
    output: (chunks) => {
      stdout.resolve(chunks)
      return read.promise
    },
    signal,
  })
  run.catch((error: unknown) => stdout.reject(error))
  try {
    for await (const chunk of await stdout.promise) yield chunk as Buffer
  } finally {
    read.resolve()
  }
  await run
}

/** A byte of kind, four of length (big-endian), the rest; small ones together. */
async function* encoded(records: AsyncIterable<ArchiveRecord>): AsyncGenerator<Buffer> {
  let batch: Uint8Array[] = []
  let size = 0
  for await (const record of records) {
    for (const part of partsOf(record)) {
      batch.push(part)
      size += part.length
    }
    if (size < batchSize) continue
    yield Buffer.concat(batch)
    batch = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(batch)
}

function partsOf(record: ArchiveRecord): readonly Uint8Array[] {
  if (record.kind === 'file') {
    const size = Buffer.alloc(8)
    size.writeBigUInt64BE(BigInt(record.size))
    return [headerOf(1, size.length + record.path.length), size, record.path]
  }
  const parts: Uint8Array[] = []
  for (let at = 0; at < record.bytes.length; at += longestRecord) {
    const part = record.bytes.subarray(at, at + longestRecord)
    parts.push(headerOf(0, part.length), part)
  }
  return parts
}

function headerOf(kind: number, length: number): Buffer {
  const header = Buffer.alloc(5)
  header.writeUInt8(kind)
  header.writeUInt32BE(length, 1)
  return header
}

interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

/** Promise.withResolvers, which Node 20 lacks. */
function deferred<T>(): Deferred<T> {
  let settle: Omit<Deferred<T>, 'promise'> | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  return { promise, resolve: (value) => settle?.resolve(value), reject: (error) => settle?.reject(error) }
}
