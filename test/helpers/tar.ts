/** A writer of tar archives for tests: it writes exactly what it is told, however wrong. */

export interface TarEntry {
  readonly path: string
  readonly type?: TarType
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly content?: string | Uint8Array
  /** The target of a symbolic or hard link. */
  readonly link?: string
  readonly device?: { readonly major: number; readonly minor: number }
  /** Seconds since 1970; a fraction goes into a pax record. */
  readonly mtime?: number
  /** Written as they are, before the entry. */
  readonly pax?: Readonly<Record<string, string>>
  /** What the header claims, where it differs from the content's length. */
  readonly claimedSize?: number
}

export type TarType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo'

const typeFlags = { file: '0', hardlink: '1', symlink: '2', char: '3', block: '4', directory: '5', fifo: '6' } as const
const blockSize = 512

/** An archive of these entries in this order, with the two empty blocks at its end. */
export function tarArchive(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.map(tarEntry), Buffer.alloc(2 * blockSize)])
}

/** One entry with its pax records, header and content, padded. For archives that end too early. */
export function tarEntry(entry: TarEntry): Buffer {
  const content = Buffer.from(entry.content ?? '')
  const pax = { ...paxOf(entry), ...entry.pax }
  const blocks = Object.keys(pax).length > 0 ? paxEntry(pax) : []
  return Buffer.concat([...blocks, header(entry, content.length), padded(content)])
}

function paxOf(entry: TarEntry): Record<string, string> {
  const records: Record<string, string> = {}
  if (Buffer.byteLength(entry.path) > 100) records['path'] = entry.path
  if (Buffer.byteLength(entry.link ?? '') > 100) records['linkpath'] = entry.link ?? ''
  if (entry.mtime !== undefined && !Number.isInteger(entry.mtime)) records['mtime'] = String(entry.mtime)
  return records
}

function paxEntry(records: Readonly<Record<string, string>>): Buffer[] {
  const body = Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(key, value)))
  return [header({ path: 'pax' }, body.length, 'x'), padded(body)]
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + String(rest).length
  length = rest + String(length).length
  return Buffer.from(`${String(length)} ${key}=${value}\n`)
}

function header(entry: TarEntry, size: number, flag: string = typeFlags[entry.type ?? 'file']): Buffer {
  const block = Buffer.alloc(blockSize)
  const octal = (value: number, at: number, width: number): void => {
    block.write(
      Math.trunc(value)
        .toString(8)
        .padStart(width - 1, '0'),
      at,
      width - 1,
      'latin1',
    )
  }
  block.write(entry.path, 0, 100)
  octal(entry.mode ?? (entry.type === 'directory' ? 0o755 : 0o644), 100, 8)
  octal(entry.uid ?? 0, 108, 8)
  octal(entry.gid ?? 0, 116, 8)
  octal(entry.claimedSize ?? size, 124, 12)
  octal(entry.mtime ?? 0, 136, 12)
  block.write(flag, 156, 1)
  block.write(entry.link ?? '', 157, 100)
  block.write('ustar\u000000', 257, 8, 'latin1')
  octal(entry.device?.major ?? 0, 329, 8)
  octal(entry.device?.minor ?? 0, 337, 8)
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1')
  return block
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((blockSize - (content.length % blockSize)) % blockSize)])
}

/** The entries of both, the second's after the first's. */
export function mergeArchives(first: Buffer, second: Buffer): Buffer {
  return Buffer.concat([first.subarray(0, first.length - 2 * blockSize), second])
}
