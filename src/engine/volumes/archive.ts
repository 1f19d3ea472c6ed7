import { existsSync } from 'node:fs'
import { hostMapping } from '../../../rootless/ladder.js'
import { TspodError } from '../../base/errors.js'
import { removeFile } from '../../state/file.js'
import { tarRoot, untarRoot, type RootSource } from '../../storage/root-archive.js'
import type { ArchiveOutput } from '../containers/export.js'
import type { Context } from '../context.js'
import { findVolume, mountVolume } from './query.js'

/** Writes a volume's files as a tar archive. */
export async function exportVolume(context: Context, name: string, output: ArchiveOutput): Promise<void> {
  const root = await rootOf(context, name)
  try {
    await tarRoot(root, { plan: (await hostMapping()).plan, output })
  } catch (error) {
    if (typeof output === 'string') removeFile(output)
    throw error
  }
}

/** Puts an archive's files into a volume, over those that are there. */
export async function importVolume(
  context: Context,
  name: string,
  source: string | AsyncIterable<Uint8Array>,
): Promise<void> {
  if (typeof source === 'string' && !existsSync(source)) {
    throw new TspodError('invalid-argument', `${source}: no such file or directory`)
  }
  await untarRoot(await rootOf(context, name), source, { plan: (await hostMapping()).plan })
}

async function rootOf(context: Context, name: string): Promise<RootSource> {
  const path = await mountVolume(context, findVolume(context, name).name)
  return { rootfs: { driver: 'dir', path, mountpoint: path } }
}
