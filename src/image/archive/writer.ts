import { mkdir, open, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { folderReader, readMember } from './reader.js'
import { formatTarHeader, padding } from './tar-header.js'

const maximumSmallFile = 4 * 1024 * 1024

/** Where files of an archive or a folder are written, one after the other. */
export interface FileWriter {
  /** A file whose size is known. */
  file(name: string, size: number, chunks: AsyncIterable<Uint8Array>): Promise<void>
  /** A file whose size is known when it ends; undefined where that cannot be written. */
  readonly unsizedFile?: (name: string, chunks: AsyncIterable<Uint8Array>) => Promise<number>
  folder(name: string): Promise<void>
  link(name: string, target: string): Promise<void>
  /** A small file that is there already, where something is added to what is there. */
  readonly read?: (name: string) => Promise<Buffer | undefined>
  /** Everything was written. Without it nothing is to be seen. */
  finish(): Promise<void>
  abandon(): Promise<void>
}

/** A tar archive that goes through a pipe. */
export function tarStreamWriter(write: (chunk: Uint8Array) => Promise<void>): FileWriter {
  return {
    async file(name, size, chunks) {
      await write(formatTarHeader({ name, size }))
      await copySized(name, size, chunks, write)
      await write(padding(size))
    },
    folder: (name) => write(formatTarHeader({ name: `${name}/`, size: 0, type: '5' })),
    link: (name, target) => write(formatTarHeader({ name, size: 0, type: '2', link: target })),
    finish: () => write(Buffer.alloc(1024)),
    abandon: () => Promise.resolve(),
  }
}

/**
 * A tar archive in a file, which appears under its name when it is whole. A size is filled in afterwards. What is there
 * and is no file (/dev/stdout, a FIFO, /dev/null) is written to, not replaced.
 */
export async function tarFileWriter(path: string): Promise<FileWriter> {
  const there = await stat(path).catch(() => undefined)
  return there === undefined || there.isFile() ? newTarFile(path) : tarIntoWhatIsThere(path)
}

async function tarIntoWhatIsThere(path: string): Promise<FileWriter> {
  const file = await openTo(path, path, 'w')
  const writer = tarStreamWriter((chunk) => writeAt(file, chunk, null, path))
  return {
    ...writer,
    async finish() {
      await writer.finish()
      await file.close()
    },
    abandon: () => file.close(),
  }
}

async function openTo(path: string, opened: string, flags: string): Promise<FileHandle> {
  return open(opened, flags, 0o644).catch((error: Error) => {
    throw new TspodError('io', `creating ${path}: ${error.message}`, { cause: error })
  })
}

async function newTarFile(path: string): Promise<FileWriter> {
  const partial = `${path}.${String(process.pid)}.part`
  const file = await openTo(path, partial, 'wx')
  let at = 0
  const write = async (chunk: Uint8Array): Promise<void> => {
    await writeAt(file, chunk, at, path)
    at += chunk.length
  }
  return {
    ...tarStreamWriter(write),
    async unsizedFile(name, chunks) {
      const headerAt = at
      at += 512
      for await (const chunk of chunks) await write(chunk)
      const size = at - headerAt - 512
      await write(padding(size))
      await writeAt(file, formatTarHeader({ name, size }), headerAt, path)
      return size
    },
    async finish() {
      await write(Buffer.alloc(1024))
      await file.close()
      await rename(partial, path)
    },
    async abandon() {
      await file.close()
      await rm(partial, { force: true })
    },
  }
}

/** A folder, which is filled where it is; a file of it is there whole or not at all. */
export async function folderWriter(folder: string): Promise<FileWriter> {
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const write = async (name: string, chunks: AsyncIterable<Uint8Array>): Promise<number> => {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    const partial = `${path}.${String(process.pid)}.part`
    const file = await open(partial, 'w', 0o644)
    let at = 0
    try {
      for await (const chunk of chunks) {
        await writeAt(file, chunk, at, folder)
        at += chunk.length
      }
      await file.close()
      await rename(partial, path)
    } catch (error) {
      await file.close()
      await rm(partial, { force: true })
      throw error
    }
    return at
  }
  return {
    async file(name, size, chunks) {
      const written = await write(name, chunks)
      if (written !== size) throw wrongSize(name, written, size)
    },
    unsizedFile: write,
    read: (name) => readMember(folderReader(folder), name, maximumSmallFile),
    async folder(name) {
      await mkdir(join(folder, name), { recursive: true })
    },
    link: (name, target) => writeFile(join(folder, name), target),
    finish: () => Promise.resolve(),
    abandon: () => Promise.resolve(),
  }
}

async function copySized(
  name: string,
  size: number,
  chunks: AsyncIterable<Uint8Array>,
  write: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  let written = 0
  for await (const chunk of chunks) {
    written += chunk.length
    if (written > size) break
    await write(chunk)
  }
  if (written !== size) throw wrongSize(name, written, size)
}

async function writeAt(file: FileHandle, chunk: Uint8Array, position: number | null, path: string): Promise<void> {
  try {
    for (let done = 0; done < chunk.length;) {
      done += (await file.write(chunk, done, chunk.length - done, position === null ? null : position + done))
        .bytesWritten
    }
  } catch (error) {
    throw new TspodError('io', `writing ${path}: ${(error as Error).message}`, { cause: error })
  }
}

function wrongSize(name: string, written: number, size: number): TspodError {
  return new TspodError('store-corrupt', `${name} has ${String(written)} bytes instead of ${String(size)}`)
}
