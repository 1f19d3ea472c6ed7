import { hostMapping } from '../../../rootless/ladder.js'
import { giveToContainersRoot } from '../../../rootless/root-caller.js'
import { digestOf } from '../../base/digest.js'
import type { ContextTools } from '../../build/context/tools.js'
import { compressionOf, decompressed, sniffed } from '../../image/archive/compression.js'
import { parseTarHeader } from '../../image/archive/tar-header.js'
import type { HttpClient } from '../../image/registry/http.js'
import { untarRoot } from '../../storage/root-archive.js'
import { clearTree } from '../containers/trees.js'
import type { Context } from '../context.js'

/** What contexts need of other folders. Its client, made when it is first asked for, is the caller's to close. */
export function contextTools(context: Context): ContextTools & Disposable {
  let client: HttpClient | undefined
  return {
    tmp: context.paths.tmp,
    cache: context.paths.cache,
    env: context.env,
    async fetch(request) {
      const { HttpClient } = await import('../../image/registry/http.js')
      client ??= new HttpClient({ env: context.env, userAgent: 'tspod/0.1' })
      return client.request(request)
    },
    isArchive,
    unpack,
    remove: clearTree,
    digestOf,
    [Symbol.dispose]: () => client?.[Symbol.dispose](),
  }
}

function isArchive(start: Uint8Array): boolean {
  if (compressionOf(start) !== 'none') return true
  try {
    return start.length >= 512 && parseTarHeader(Buffer.from(start.subarray(0, 512))) !== undefined
  } catch {
    /* No header of an archive. */
    return false
  }
}

/**
 * As root of the user namespace, so that folders may be read-only before they are full. All of it belongs to that root: to
 * the caller, or who stands for containers' root if the caller is the host's.
 */
async function unpack(
  archive: AsyncIterable<Uint8Array>,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { plan } = await hostMapping()
  const { compression, stream } = await sniffed(archive)
  const foreign = compression === 'bzip2' || compression === 'xz'
  giveToContainersRoot(folder)
  const root = { rootfs: { driver: 'dir' as const, path: folder, mountpoint: folder } }
  await untarRoot(root, foreign ? decompressed(stream, compression) : stream, {
    plan,
    owner: { uid: 0, gid: 0 },
    signal,
  })
}
