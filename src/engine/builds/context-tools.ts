import { digestOf } from '../../base/digest.js'
import type { ContextTools } from '../../build/context/tools.js'
import { compressionOf, decompressed, sniffed } from '../../image/archive/compression.js'
import { parseTarHeader } from '../../image/archive/tar-header.js'
import type { HttpClient } from '../../image/registry/http.js'
import type { UsernsPlan } from '../../runtime/protocol.js'
import { untarRoot } from '../../storage/root-archive.js'
import { clearTree } from '../containers/trees.js'
import type { Context } from '../context.js'

/** No other ids than the caller's. */
const asCaller: UsernsPlan = { mode: 'host', writer: 'self', uidMappings: [], gidMappings: [] }

/** What contexts need of other folders. The client is the caller's to close. */
export function contextTools(context: Context, client: HttpClient): ContextTools {
  return {
    tmp: context.paths.tmp,
    cache: context.paths.cache,
    env: context.env,
    fetch: (request) => client.request(request),
    isArchive,
    unpack,
    remove: clearTree,
    digestOf,
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

async function unpack(
  archive: AsyncIterable<Uint8Array>,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { compression, stream } = await sniffed(archive)
  const foreign = compression === 'bzip2' || compression === 'xz'
  const root = { rootfs: { driver: 'dir' as const, path: folder, mountpoint: folder } }
  await untarRoot(root, foreign ? decompressed(stream, compression) : stream, {
    plan: asCaller,
    owner: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 },
    signal,
  })
}
