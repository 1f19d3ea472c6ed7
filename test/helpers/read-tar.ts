import { readFile } from 'node:fs/promises'

/** What a tar archive holds; a reader of its own, so that ours is not tested with itself. */
export interface ReadEntry {
  readonly path: string
  readonly type: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: number
  readonly link: string
  readonly content: string
  readonly xattrs: Readonly<Record<string, string>>
}

/** Reads ustar with pax headers. */
export async function readTar(path: string): Promise<ReadEntry[]> {
  const bytes = await readFile(path)
  const entries: ReadEntry[] = []
  let pax = new Map<string, string>()
  for (let at = 0; at + 512 <= bytes.length;) {
    const header = bytes.subarray(at, at + 512)
    if (header.every((byte) => byte === 0)) break
    const text = (offset: number, length: number): string =>
      header.toString('latin1', offset, offset + length).replace(/\0.*$/s, '')
    const number = (offset: number, length: number): number => parseInt(text(offset, length).trim() || '0', 8)
    const size = pax.has('size') ? Number(pax.get('size')) : number(124, 12)
    const type = text(156, 1)
    const content = bytes.toString('latin1', at + 512, at + 512 + size)
    at += 512 + Math.ceil(size / 512) * 512
    if (type === 'x') {
      pax = readPax(content)
      continue
    }
    entries.push({
      path: pax.get('path') ?? text(0, 100),
      type,
      mode: number(100, 8),
      uid: Number(pax.get('uid') ?? number(108, 8)),
      gid: Number(pax.get('gid') ?? number(116, 8)),
      mtime: Number(pax.get('mtime') ?? number(136, 12)),
      link: pax.get('linkpath') ?? text(157, 100),
      content,
      xattrs: Object.fromEntries(
        [...pax].flatMap(([key, value]) => (key.startsWith('SCHILY.xattr.') ? [[key.slice(13), value]] : [])),
      ),
    })
    pax = new Map()
  }
  return entries
}

function readPax(text: string): Map<string, string> {
  const records = new Map<string, string>()
  for (let at = 0; at < text.length;) {
    const length = parseInt(text.slice(at), 10)
    const record = text.slice(text.indexOf(' ', at) + 1, at + length - 1)
    const equals = record.indexOf('=')
    records.set(record.slice(0, equals), record.slice(equals + 1))
    at += length
  }
  return records
}
