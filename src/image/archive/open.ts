import { constants } from 'node:fs'
import { open, stat, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { newId } from '../../base/id.js'
import { decompressed, sniffed } from './compression.js'
import { folderReader, tarReader, type FileReader } from './reader.js'

/**
 * Opens a folder, an archive file or a stream. A plain file is read in place; what is compressed or comes by a pipe is
 * unpacked into a file without a name first, since an archive's table of contents may be at its end.
 */
export async function openArchive(input: string | AsyncIterable<Uint8Array>, tmp: string): Promise<FileReader> {
  if (typeof input !== 'string') return spooled(input, 'the standard input', tmp)
  const found = await stat(input).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'no such file or directory' : error.message
    throw new TspodError('archive-invalid', `${input}: ${why}`)
  })
  if (found.isDirectory()) return folderReader(input)
  const file = await open(input, 'r')
  try {
    const start = Buffer.alloc(6)
    if (found.isFile()) await file.read(start, 0, start.length, 0)
    const { compressionOf } = await import('./compression.js')
    if (found.isFile() && compressionOf(start) === 'none') return await tarReader(file, input)
    const reader = await spooled(file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 }), input, tmp)
    await file.close()
    return reader
  } catch (error) {
    await file.close()
    throw error
  }
}

async function spooled(chunks: AsyncIterable<Uint8Array>, path: string, tmp: string): Promise<FileReader> {
  const { compression, stream } = await sniffed(chunks)
  const file = await namelessFile(tmp)
  try {
    for await (const chunk of decompressed(stream, compression)) await writeWhole(file, chunk)
    return await tarReader(file, path)
  } catch (error) {
    await file.close()
    throw error
  }
}

/** A file that nobody else can open and that goes with its descriptor. */
export async function namelessFile(folder: string): Promise<FileHandle> {
  const path = join(folder, `spool-${newId().slice(0, 16)}`)
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const file = await open(path, flags, 0o600)
  await unlink(path)
  return file
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten
  } catch (error) {
    throw new TspodError('io', `keeping the archive: ${(error as Error).message}`, { cause: error })
  }
}
