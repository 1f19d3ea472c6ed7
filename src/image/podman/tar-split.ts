import { createReadStream } from 'node:fs'
import { TspodError } from '../../base/errors.js'
import { decompressed } from '../archive/compression.js'

/** A piece of an archive: bytes as they are, or the content of a file of the layer. */
export type ArchivePiece =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'file'; readonly path: Buffer; readonly size: number }

/** One line is a header with its paddings, rarely more than a few kilobytes. */
const longestLine = 64 * 1024 * 1024

/**
 * Reads what containers/storage keeps of a layer's archive (tar-split, version 1: a JSON object a line): its pieces in
 * order, from which, with the content of the files, come the very bytes that were unpacked.
 */
export async function* readTarSplit(path: string): AsyncGenerator<ArchivePiece> {
  for await (const line of linesOf(decompressed(createReadStream(path), 'gzip'), path)) {
    if (line.length === 0) continue
    const piece = pieceOf(line, path)
    if (piece !== undefined) yield piece
  }
}

function pieceOf(line: Buffer, path: string): ArchivePiece | undefined {
  let entry: Readonly<Record<string, unknown>>
  try {
    entry = JSON.parse(line.toString('utf8')) as typeof entry
  } catch (error) {
    throw damaged(path, error)
  }
  const { type, payload, size, name, name_raw: raw } = entry
  if (type === 2) {
    if (typeof payload !== 'string') return undefined
    return { kind: 'bytes', bytes: Buffer.from(payload, 'base64') }
  }
  if (type !== 1) throw damaged(path)
  if (size === undefined || size === 0) return undefined
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw damaged(path)
  const bytes = typeof raw === 'string' ? Buffer.from(raw, 'base64') : Buffer.from(typeof name === 'string' ? name : '')
  if (bytes.length === 0 || bytes.includes(0)) throw damaged(path)
  return { kind: 'file', path: bytes, size }
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    let at = 0
    for (let end = chunk.indexOf(0x0a, at); end !== -1; end = chunk.indexOf(0x0a, at)) {
      yield Buffer.concat([...parts, chunk.subarray(at, end)])
      parts = []
      length = 0
      at = end + 1
    }
    parts.push(chunk.subarray(at))
    length += chunk.length - at
    if (length > longestLine) throw damaged(path)
  }
  yield Buffer.concat(parts)
}

function damaged(path: string, cause?: unknown): TspodError {
  return new TspodError('image-invalid', `${path} is damaged, or of a kind that is not known`, { cause })
}
