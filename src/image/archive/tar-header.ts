import { TspodError } from '../../base/errors.js'

/** One member's header, as far as image archives need it. */
export interface TarHeader {
  readonly name: string
  readonly size: number
  /** The type flag: `0` a file, `2` a symbolic link, `x` and `g` pax records, `L` and `K` GNU's long names. */
  readonly type: string
  readonly link: string
}

export const blockSize = 512

/** Reads one block; undefined for an empty one, which ends an archive. */
export function parseTarHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0)
  if (octal(block, 148, 8) !== sum)
    throw new TspodError('archive-invalid', 'the archive is not a tar archive, or it is damaged')
  const magic = block.toString('latin1', 257, 263)
  const prefix = magic.startsWith('ustar\0') ? text(block, 345, 155) : ''
  const name = text(block, 0, 100)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size: number(block, 124, 12),
    type: String.fromCharCode(block[156] ?? 0).replace('\0', '0'),
    link: text(block, 157, 100),
  }
}

/** A header for a regular file, a folder or a symbolic link, the same for the same input. */
export function formatTarHeader(header: {
  readonly name: string
  readonly size: number
  readonly type?: '0' | '2' | '5'
  readonly link?: string
  readonly mode?: number
}): Buffer {
  const block = Buffer.alloc(blockSize)
  if (Buffer.byteLength(header.name) > 100)
    throw new TspodError('internal', `the name ${header.name} is too long for this archive`)
  block.write(header.name, 0, 100, 'utf8')
  writeOctal(block, header.mode ?? (header.type === '5' ? 0o755 : 0o644), 100, 8)
  writeOctal(block, 0, 108, 8)
  writeOctal(block, 0, 116, 8)
  writeSize(block, header.size)
  writeOctal(block, 0, 136, 12)
  block.write(header.type ?? '0', 156, 1, 'latin1')
  block.write(header.link ?? '', 157, 100, 'utf8')
  block.write('ustar\u000000', 257, 8, 'latin1')
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1')
  return block
}

/** What follows a member of so many bytes. */
export function padding(size: number): Buffer {
  return Buffer.alloc((blockSize - (size % blockSize)) % blockSize)
}

/** The records of a pax header that matter here. */
export function parsePax(body: Buffer): { path?: string; linkpath?: string; size?: number } {
  const found: { path?: string; linkpath?: string; size?: number } = {}
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at)
    const length = space === -1 ? NaN : Number(body.toString('latin1', at, space))
    if (!Number.isInteger(length) || length <= space - at + 1 || at + length > body.length) {
      throw new TspodError('archive-invalid', 'the archive has a damaged pax record')
    }
    const record = body.toString('utf8', space + 1, at + length - 1)
    const equals = record.indexOf('=')
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)]
    if (key === 'path') found.path = value
    else if (key === 'linkpath') found.linkpath = value
    else if (key === 'size') found.size = requireSize(Number(value))
    at += length
  }
  return found
}

function text(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at)
  return block.toString('utf8', at, end === -1 || end > at + length ? at + length : end)
}

function octal(block: Buffer, at: number, length: number): number {
  const digits = block
    .toString('latin1', at, at + length)
    .replace(/[\0 ]+$/, '')
    .trim()
  return digits === '' ? 0 : /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : NaN
}

/** Octal, or GNU's base 256 for what is larger than 8 GiB. */
function number(block: Buffer, at: number, length: number): number {
  if (((block[at] ?? 0) & 0x80) === 0) return requireSize(octal(block, at, length))
  let value = BigInt((block[at] ?? 0) & 0x7f)
  for (const byte of block.subarray(at + 1, at + length)) value = value * 256n + BigInt(byte)
  return requireSize(value > BigInt(Number.MAX_SAFE_INTEGER) ? NaN : Number(value))
}

function requireSize(size: number): number {
  if (!Number.isSafeInteger(size) || size < 0)
    throw new TspodError('archive-invalid', 'the archive has a member with no valid size')
  return size
}

function writeOctal(block: Buffer, value: number, at: number, width: number): void {
  block.write(value.toString(8).padStart(width - 1, '0'), at, width - 1, 'latin1')
}

function writeSize(block: Buffer, size: number): void {
  if (size < 8 ** 11) {
    writeOctal(block, size, 124, 12)
    return
  }
  let rest = BigInt(size)
  for (let at = 135; at > 124; at--, rest /= 256n) block[at] = Number(rest % 256n)
  block[124] = 0x80
}
