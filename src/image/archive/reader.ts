import { open, type FileHandle } from 'node:fs/promises'
import { constants } from 'node:fs'
import { join, posix } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { blockSize, parsePax, parseTarHeader } from './tar-header.js'

/** Files by name, in a folder or in a tar archive: what docker-archive, oci-archive, oci and dir have in common. */
export interface FileReader {
  /** For messages. */
  readonly path: string
  size(name: string): Promise<number | undefined>
  stream(name: string): AsyncIterable<Uint8Array>
  close(): Promise<void>
}

const chunkSize = 256 * 1024
const maximumMembers = 200_000
const maximumRecord = 1024 * 1024
const maximumLinks = 8

/** Reads a small file whole; undefined if there is none. */
export async function readMember(reader: FileReader, name: string, maximum: number): Promise<Buffer | undefined> {
  const size = await reader.size(name)
  if (size === undefined) return undefined
  if (size > maximum)
    throw new TspodError('limit-exceeded', `${name} in ${reader.path} is larger than ${String(maximum)} bytes`)
  const chunks: Uint8Array[] = []
  for await (const chunk of reader.stream(name)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A folder on disk. */
export function folderReader(folder: string): FileReader {
  const openFile = async (name: string): Promise<FileHandle | undefined> => {
    try {
      return await open(join(folder, posix.normalize(`/${name}`)), constants.O_RDONLY | constants.O_NONBLOCK)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      throw new TspodError('io', `reading ${name} in ${folder}`, { cause: error })
    }
  }
  return {
    path: folder,
    async size(name) {
      const file = await openFile(name)
      if (file === undefined) return undefined
      try {
        const stat = await file.stat()
        return stat.isFile() ? stat.size : undefined
      } finally {
        await file.close()
      }
    },
    async *stream(name) {
      const file = await openFile(name)
      if (file === undefined) throw new TspodError('archive-invalid', `${folder} has no ${name}`)
      try {
        const { size } = await file.stat()
        yield* readRange(file, 0, size, folder)
      } finally {
        await file.close()
      }
    },
    close: () => Promise.resolve(),
  }
}

interface Member {
  readonly offset: number
  readonly size: number
  readonly link?: string
}

/** An uncompressed tar archive that can be read at any place; its headers are read once. Closing it closes the file. */
export async function tarReader(file: FileHandle, path: string): Promise<FileReader> {
  const members = await scan(file, path)
  const find = (name: string): Member | undefined => {
    let wanted = normalize(name)
    for (let links = 0; links <= maximumLinks; links++) {
      const member = members.get(wanted)
      if (member?.link === undefined) return member
      /* Old docker archives name a layer twice, the second time by a link. It leads to another member, never to the disk. */
      wanted = normalize(posix.join(posix.dirname(wanted), member.link))
    }
    throw new TspodError('archive-invalid', `${path} has a loop of links at ${JSON.stringify(name)}`)
  }
  return {
    path,
    size: (name) => Promise.resolve(find(name)?.size),
    async *stream(name) {
      const member = find(name)
      if (member === undefined) throw new TspodError('archive-invalid', `${path} has no ${name}`)
      yield* readRange(file, member.offset, member.size, path)
    },
    close: () => file.close(),
  }
}

async function scan(file: FileHandle, path: string): Promise<Map<string, Member>> {
  const members = new Map<string, Member>()
  const { size: length } = await file.stat()
  const block = Buffer.alloc(blockSize)
  let extended: { path?: string; linkpath?: string; size?: number } = {}
  for (let at = 0; at + blockSize <= length;) {
    await file.read(block, 0, blockSize, at)
    const header = parseTarHeader(block)
    if (header === undefined) return members
    const size = extended.size ?? header.size
    const body = at + blockSize
    if (body + size > length)
      throw new TspodError('archive-invalid', `${path} ends in the middle of ${JSON.stringify(header.name)}`)
    at = body + Math.ceil(size / blockSize) * blockSize
    if ('xLK'.includes(header.type)) {
      if (size > maximumRecord) throw new TspodError('archive-invalid', `${path} has a header of ${String(size)} bytes`)
      const record = Buffer.alloc(size)
      await file.read(record, 0, size, body)
      extended = { ...extended, ...recordOf(header.type, record) }
      continue
    }
    const name = normalize(extended.path ?? header.name)
    const link = extended.linkpath ?? header.link
    extended = {}
    if (header.type === '0' || header.type === '7') members.set(name, { offset: body, size })
    else if (header.type === '2') members.set(name, { offset: 0, size: 0, link })
    else if (header.type === '1') members.set(name, { offset: 0, size: 0, link: `/${normalize(link)}` })
    if (members.size > maximumMembers)
      throw new TspodError('archive-invalid', `${path} has more than ${String(maximumMembers)} members`)
  }
  if (members.size === 0) throw new TspodError('archive-invalid', `${path} is not a tar archive`)
  return members
}

function recordOf(type: string, record: Buffer): { path?: string; linkpath?: string; size?: number } {
  if (type === 'x') return parsePax(record)
  const value = record.toString('utf8').replace(/\0.*$/s, '')
  return type === 'L' ? { path: value } : { linkpath: value }
}

function normalize(name: string): string {
  return posix.normalize(`/${name}`).replace(/^\/+|\/+$/g, '')
}

async function* readRange(file: FileHandle, offset: number, size: number, path: string): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size;) {
    const buffer = Buffer.allocUnsafe(Math.min(chunkSize, size - at))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset + at)
    if (bytesRead === 0) throw new TspodError('archive-invalid', `${path} ends too early`)
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}
