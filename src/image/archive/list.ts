import { createHash } from 'node:crypto'
import { blockSize, parsePax, parseTarHeader } from './tar-header.js'

/** What an archive says of one entry, as texts to be compared with another archive's. */
export interface ListedEntry {
  readonly type: string
  readonly mode: string
  readonly owner: string
  readonly size: number
  /** Seconds since 1970, and what further records say. */
  readonly time: string
  readonly link: string
  /** SHA-256 of the extended records, and of the content. */
  readonly records: string
  readonly content: string
}

const extended = ['x', 'g', 'L', 'K']
const longestRecord = 1024 * 1024

/** Every entry of a tar archive, by its path, in the archive's order. */
export async function listArchive(chunks: AsyncIterable<Uint8Array>): Promise<Map<string, ListedEntry>> {
  const reader = new BlockReader(chunks)
  const entries = new Map<string, ListedEntry>()
  let records = createHash('sha256')
  let pax: ReturnType<typeof parsePax> = {}
  for (;;) {
    const block = await reader.read(blockSize)
    const header = block.length < blockSize ? undefined : parseTarHeader(block)
    if (header === undefined) return entries
    const padded = Math.ceil(header.size / blockSize) * blockSize
    if (extended.includes(header.type) && header.size <= longestRecord) {
      const body = (await reader.read(padded)).subarray(0, header.size)
      records.update(body)
      if (header.type === 'x') pax = parsePax(body)
      continue
    }
    const size = pax.size ?? header.size
    const content = createHash('sha256')
    await reader.skip(size, (bytes) => content.update(bytes))
    await reader.skip((blockSize - (size % blockSize)) % blockSize, () => undefined)
    const field = (from: number, length: number): string =>
      block.toString('latin1', from, from + length).replace(/[\0 ]+$/, '')
    entries.set(pax.path ?? header.name, {
      type: header.type,
      mode: field(100, 8),
      owner: `${field(108, 8)}:${field(116, 8)}`,
      size,
      time: String(Number.parseInt(field(136, 12), 8)),
      link: pax.linkpath ?? header.link,
      records: records.digest('hex'),
      content: content.digest('hex'),
    })
    records = createHash('sha256')
    pax = {}
  }
}

/** So many bytes at a time of what streams by. */
class BlockReader {
  readonly #iterator: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#iterator = chunks[Symbol.asyncIterator]()
  }

  /** Fewer at the end. */
  async read(length: number): Promise<Buffer> {
    const parts: Buffer[] = []
    await this.skip(length, (bytes) => parts.push(bytes))
    return Buffer.concat(parts)
  }

  async skip(length: number, see: (bytes: Buffer) => unknown): Promise<void> {
    for (let left = length; left > 0;) {
      if (this.#rest.length === 0) {
        const next = await this.#iterator.next()
        if (next.done === true) return
        this.#rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
        continue
      }
      const bytes = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(bytes.length)
      left -= bytes.length
      see(bytes)
    }
  }
}
