import type { Readable, Transform } from 'node:stream'
import type * as Zlib from 'node:zlib'
import { TspodError } from '../../base/errors.js'

export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz'

/** What the first bytes of something say it is compressed with. */
export function compressionOf(start: Uint8Array): Compression {
  const begins = (...bytes: number[]): boolean => bytes.every((byte, at) => start[at] === byte)
  if (begins(0x1f, 0x8b)) return 'gzip'
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd'
  if (begins(0x42, 0x5a, 0x68)) return 'bzip2'
  if (begins(0xfd, 0x37, 0x7a, 0x58, 0x5a)) return 'xz'
  return 'none'
}

/** Programs for what Node does not decompress itself. */
const programs = { zstd: 'zstd', bzip2: 'bzip2', xz: 'xz' } as const

/** How far a stream may inflate: beyond `free` bytes at most `ratio` times what it was. As layers, by tspod-inside. */
export interface Inflation {
  readonly free: number
  readonly ratio: number
}

const defaultInflation: Inflation = { free: 4 * 1024 ** 3, ratio: 200 }

/** Decompresses a stream. What is not compressed goes through as it is. */
export async function* decompressed(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
  limit: Inflation = defaultInflation,
): AsyncGenerator<Uint8Array> {
  if (compression === 'none') {
    yield* chunks
    return
  }
  const { Readable } = await import('node:stream')
  let [taken, given] = [0, 0]
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      taken += chunk.length
      yield chunk
    }
  }
  const source = Readable.from(counted(), { objectMode: false })
  const { stream, check } = await decompressor(source, compression)
  let failed: unknown
  source.once('error', (error) => {
    failed = error
    stream.destroy(error)
  })
  try {
    for await (const chunk of stream) {
      given += (chunk as Buffer).length
      if (given > limit.free && given > taken * limit.ratio)
        throw new TspodError('limit-exceeded', `the ${compression} data inflates beyond all proportion`)
      yield chunk as Buffer
    }
    await check()
  } catch (error) {
    if (failed !== undefined) throw failed
    if (error instanceof TspodError) throw error
    throw new TspodError(
      'archive-invalid',
      `the ${compression} data is damaged: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  } finally {
    source.destroy()
    stream.destroy()
  }
}

/** The stream with its first bytes looked at, and the compression that they say. */
export async function sniffed(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ compression: Compression; stream: AsyncIterable<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]()
  let start: Uint8Array = new Uint8Array(0)
  while (start.length < 6) {
    const next = await iterator.next()
    if (next.done === true) break
    start = Buffer.concat([start, next.value])
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      if (start.length > 0) yield start
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
    } finally {
      await iterator.return?.()
    }
  }
  return { compression: compressionOf(start), stream: whole() }
}

async function decompressor(
  source: Readable,
  compression: Exclude<Compression, 'none'>,
): Promise<{ stream: Readable; check: () => Promise<void> }> {
  /* Zstandard came with Node 22.15. */
  const zlib: typeof Zlib & { createZstdDecompress?: (options: object) => Transform } = await import('node:zlib')
  const options = { chunkSize: 256 * 1024 }
  const nothing = (): Promise<void> => Promise.resolve()
  if (compression === 'gzip') return { stream: source.pipe(zlib.createGunzip(options)), check: nothing }
  if (compression === 'zstd' && zlib.createZstdDecompress !== undefined) {
    return { stream: source.pipe(zlib.createZstdDecompress(options)), check: nothing }
  }
  return runProgram(source, programs[compression])
}

async function runProgram(
  source: Readable,
  program: string,
): Promise<{ stream: Readable; check: () => Promise<void> }> {
  const { spawn } = await import('node:child_process')
  const child = spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (error) => {
      const why = new TspodError('host-requirement', `${program} is needed to read this archive: install it`, {
        cause: error,
      })
      child.stdout.destroy(why)
      reject(why)
    })
    child.once('close', (status) => resolve(status ?? 1))
  })
  ended.catch(() => undefined) /* Told by the stream, too. */
  child.stdin.on('error', () => undefined) /* The program's status says why. */
  source.pipe(child.stdin)
  child.stdout.once('close', () => {
    if (!child.stdout.readableEnded) child.kill()
  })
  return {
    stream: child.stdout,
    check: async () => {
      if ((await ended) !== 0) throw new TspodError('archive-invalid', `${program} could not decompress the data`)
    },
  }
}
