import type { Readable } from 'node:stream'
import { tarRoot } from '../../storage/root-archive.js'
import { removeFile } from '../../state/file.js'
import type { Context } from '../context.js'
import { withContainerRoot } from './root-source.js'
import { findContainer } from './store.js'

/** A file's path, an open descriptor, or who reads the bytes. */
export type ArchiveOutput = string | number | ((chunks: Readable) => Promise<void>)

/** Writes all files of a container as a tar archive: its own and its image's, nothing that is mounted. */
export async function exportContainer(context: Context, nameOrId: string, output: ArchiveOutput): Promise<void> {
  const record = findContainer(context, nameOrId)
  try {
    await withContainerRoot(context, record, { mounts: false }, ({ root, plan }) =>
      tarRoot(root, { plan, output, oneFileSystem: true }),
    )
  } catch (error) {
    if (typeof output === 'string' && error instanceof Error) removeFile(output)
    throw error
  }
}
