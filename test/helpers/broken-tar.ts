import { tarArchive, tarEntry, type TarEntry } from './tar.js'

/** Tar archives as no program should write them: headers changed byte by byte, sparse forms, wrong numbers. */

const blockSize = 512

/** Fields of a header by their place, as tar(5) has them. */
export const fields = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  link: [157, 100],
  magic: [257, 8],
  major: [329, 8],
  minor: [337, 8],
  prefix: [345, 155],
} as const satisfies Readonly<Record<string, readonly [number, number]>>

export type Field = keyof typeof fields

/** An entry whose (last) header has these bytes in these fields; its checksum fits unless it is one of them. */
export function alteredEntry(entry: TarEntry, changes: Readonly<Partial<Record<Field, string | Uint8Array>>>): Buffer {
  const bytes = tarEntry(entry)
  const content = Buffer.byteLength(Buffer.from(entry.content ?? ''))
  const header = bytes.subarray(bytes.length - blockSize - padding(content), bytes.length - padding(content))
  for (const [name, value] of Object.entries(changes)) {
    const [offset, length] = fields[name as Field]
    header.fill(0, offset, offset + length)
    header.set(Buffer.from(value).subarray(0, length), offset)
  }
  if (changes.checksum === undefined) writeChecksum(header)
  return bytes
}

/** A header alone, of any type byte, with any claimed size. */
export function bareHeader(name: string, type: string, size: number): Buffer {
  return alteredEntry({ path: name }, { type, size: octal(size, 12) })
}

/** Blocks of the archive's end after these. */
export function archiveOf(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([...parts, Buffer.alloc(2 * blockSize)])
}

/** An entry of GNU tar's own kind (`L`, `K`) or a pax header (`x`, `g`) with this body. */
export function extension(type: string, body: string | Uint8Array): Buffer {
  const content = Buffer.from(body)
  return Buffer.concat([
    bareHeader('././@LongLink', type, content.length),
    content,
    Buffer.alloc(padding(content.length) - content.length),
  ])
}

/** GNU tar's old sparse form: pieces of (offset, size), the file's whole size, and what is stored. */
export function gnuSparse(
  name: string,
  pieces: readonly (readonly [number, number])[],
  realSize: number,
  stored: string,
): Buffer {
  const header = bareHeader(name, 'S', stored.length)
  pieces.slice(0, 4).forEach(([offset, size], index) => {
    header.write(octal(offset, 12), 386 + index * 24, 'latin1')
    header.write(octal(size, 12), 398 + index * 24, 'latin1')
  })
  header.write(octal(realSize, 12), 483, 'latin1')
  header.write('ustar  \0', 257, 'latin1')
  writeChecksum(header)
  return Buffer.concat([header, Buffer.from(stored), Buffer.alloc(padding(stored.length) - stored.length)])
}

/** A number in base 256, as GNU tar writes what octal can't hold. */
export function base256(value: bigint, length: number): Uint8Array {
  const bytes = Buffer.alloc(length)
  for (let index = length - 1, rest = BigInt.asUintN(length * 8, value); index >= 0; index--, rest >>= 8n) {
    bytes[index] = Number(rest & 0xffn)
  }
  bytes[0] = (bytes[0] ?? 0) | 0x80
  return bytes
}

export function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, '0')}\0`
}

export { tarArchive, tarEntry, type TarEntry }

function padding(size: number): number {
  return Math.ceil(size / blockSize) * blockSize
}

function writeChecksum(header: Buffer): void {
  header.fill(' ', 148, 156)
  const sum = header.subarray(0, blockSize).reduce((total, byte) => total + byte, 0)
  header.write(`${octal(sum, 7)} `, 148, 'latin1')
}
